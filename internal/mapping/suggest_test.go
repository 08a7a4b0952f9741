package mapping

import (
	"strings"
	"testing"
)

// suggestions are rows as target<path|transforms.
func suggestions(rows []Row) string {
	var parts []string
	for _, row := range rows {
		text := row.Target + "<" + strings.Join(row.From, ",")
		if len(row.Transform) > 0 {
			text += "|" + strings.Join(row.Transform, "|")
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n")
}

func TestSuggestionsForTheUsualSenders(t *testing.T) {
	for name, c := range map[string]struct{ sample, want string }{
		"a group call": {groupPayload, `org_id<$.groupId
name<$.traits.name
plan<$.traits.plan
user_count<$.traits.employees
mrr<$.traits['total billed']
occurred_at<$.timestamp`},
		"a subscription in Stripe's envelope": {`{"id":"evt_1","object":"event","type":"customer.subscription.updated","created":1767225600,"data":{"object":{"id":"sub_1","object":"subscription","customer":"cus_9",
			"status":"trialing","currency":"usd","trial_end":1769904000,"items":{"data":[{"id":"si_1","quantity":25,"price":{"id":"price_1","unit_amount":4900,"currency":"usd","lookup_key":"team-monthly","nickname":null}}]}},
			"previous_attributes":{"status":"active"}}}`, `org_id<$.data.object.customer
plan<$.data.object.items.data[0].price.lookup_key
status<$.data.object.status
seats<$.data.object.items.data[0].quantity
mrr<$.data.object.items.data[0].price.unit_amount|divide:100
currency<$.data.object.currency|upper
trial_ends_at<$.data.object.trial_end
occurred_at<$.created`},
		"a subscription in Chargebee's envelope": {`{"id":"ev_1","occurred_at":1767225600,"event_type":"subscription_changed","content":{"subscription":{"id":"s1","customer_id":"c1","plan_id":"pro-monthly","status":"in_trial",
			"trial_end":1769904000,"mrr":99000,"currency_code":"EUR","subscription_items":[{"item_price_id":"pro","quantity":7,"unit_price":9900}]},"customer":{"id":"c1","company":"Hooli","email":"ops@hooli.example"}}}`, `org_id<$.content.subscription.customer_id
name<$.content.customer.company
plan<$.content.subscription.plan_id
status<$.content.subscription.status
seats<$.content.subscription.subscription_items[0].quantity
mrr<$.content.subscription.mrr|divide:100
currency<$.content.subscription.currency_code|upper
trial_ends_at<$.content.subscription.trial_end
owner_email<$.content.customer.email
occurred_at<$.occurred_at`},
		"a HubSpot company": {`{"id":"512","properties":{"name":"Hooli","domain":"hooli.example","numberofemployees":"329","lifecyclestage":"customer","hs_object_id":"512"},"createdAt":"2025-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}`,
			`org_id<$.properties.hs_object_id
name<$.properties.name
domain<$.properties.domain
status<$.properties.lifecyclestage
user_count<$.properties.numberofemployees
occurred_at<$.updatedAt`},
		"a HubSpot company of the older API": {`{"portalId":1,"companyId":77,"properties":{"name":{"value":"Hooli"},"domain":{"value":"hooli.example"}}}`, `org_id<$.companyId
name<$.properties.name.value
domain<$.properties.domain.value`},
		"a PostHog group": {`{"event":"$groupidentify","distinct_id":"d","timestamp":"2026-01-01T00:00:00Z","properties":{"$group_type":"company","$group_key":"hooli","$lib":"web","$group_set":{"name":"Hooli","subscription":"premium","member_count":12}}}`,
			`org_id<$.properties['$group_key']
name<$.properties['$group_set'].name
plan<$.properties['$group_set'].subscription
user_count<$.properties['$group_set'].member_count
occurred_at<$.timestamp`},
		"a payload of one's own": {`{"organization":{"id":42,"name":"Hooli","features":["sso"],"users":[{"id":1},{"id":2}],"owner":{"email":"o@hooli.example"},"isTrial":true,"trialEndsAt":"2026-02-01","billing":{"arr":1200,"seats":10}},"event_time":1767225600}`,
			`org_id<$.organization.id
name<$.organization.name
user_count<$.organization.users|count
seats<$.organization.billing.seats
mrr<$.organization.billing.arr|divide:12|round:2
trial_status<$.organization.isTrial|map:true=active,false=none
trial_ends_at<$.organization.trialEndsAt
feature_flags<$.organization.features
owner_email<$.organization.owner.email
occurred_at<$.event_time`},
		"nothing of use": {`{"context":{"library":{"name":"x"}},"a":[1,2]}`, ""},
		"no object":      {`"x"`, ""},
	} {
		root := decode(t, c.sample)
		rows := Suggest(root)
		if got := suggestions(rows); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
		if len(rows) == 0 {
			continue
		}
		p, findings := Compile(Template{Rows: rows})
		if p == nil {
			t.Fatalf("%s: %v", name, findings)
		}
		if r := p.Apply(root); r.OrgID == "" || len(r.Errors)+len(r.Warnings) > 0 {
			t.Errorf("%s: %v %v", name, r.Errors, r.Warnings)
		}
		if !rows[0].Required || rows[0].Target != TargetOrgID {
			t.Errorf("%s begins with %+v", name, rows[0])
		}
	}
}

func TestAnUnfitMemberIsNotSuggested(t *testing.T) {
	rows := Suggest(decode(t, `{"id":"evt_1","type":"x","company_size":"11-50","mrr":"a lot","trial_end":null,"email":"nobody","status":"  "}`))
	if len(rows) > 0 {
		t.Errorf("%v", suggestions(rows))
	}
}

func TestNamesAreComparedInOneSpelling(t *testing.T) {
	for name, want := range map[string]string{"groupId": "group_id", "Group ID": "group_id", "$group_id": "group_id", "group-id": "group_id", "GROUP_ID": "group_id", "userID": "user_id", "HTTPServer": "http_server", "total billed": "total_billed", "": "", "$": ""} {
		if got := normalName(name); got != want {
			t.Errorf("normalName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestLeavesHaveThePathThatFindsThem(t *testing.T) {
	root := decode(t, `{"b":{"total billed":830.0,"x":null},"a":["x",{"y":true}],"e":{},"l":[],"n\u0000":"z"}`)
	var got []string
	for _, leaf := range Leaves(root, 100) {
		got = append(got, leaf.Path+" "+leaf.Type+" "+leaf.Text)
		if _, found := findIn(t, root, leaf.Path); !found {
			t.Errorf("%s finds nothing", leaf.Path)
		}
	}
	want := `$.a[0] text x
$.a[1].y boolean true
$.b['total billed'] number 830.0
$.b.x null null
$.e object an object of 0 members
$.l list a list of 0 values
$['n\u0000'] text z`
	if strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if leaves := Leaves(root, 3); len(leaves) != 3 {
		t.Errorf("%d leaves of 3", len(leaves))
	}
	if leaves := Leaves(decode(t, strings.Repeat("[", 500)+strings.Repeat("]", 500)), 10); len(leaves) != 1 || leaves[0].Type != "list" {
		t.Errorf("%v", leaves)
	}
}

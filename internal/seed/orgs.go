package seed

import (
	"context"
	"fmt"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// Names of the product_orgs keys, and of the template that the first one's was saved under.
const (
	groupsKey      = "Segment groups"
	billingKey     = "Billing system"
	groupsTemplate = "Segment groups"
)

// Ages in days of the templates' changes.
const (
	groupsMade    = 36.4
	groupsNamed   = 36.3
	groupsSecond  = 24.1
	billingMade   = 19.6
	groupsMessage = "Feature flags and the industry, for the customer success team"
)

func path(target string, from ...string) mapping.Row { return mapping.Row{Target: target, From: from} }

// groupsRows read group calls as a customer data platform forwards them.
func groupsRows() mapping.Template {
	plan := path("plan", "traits.plan")
	plan.Transform = []string{"trim", "lower"}
	id := path("org_id", "groupId")
	id.Required = true
	return mapping.Template{Rows: []mapping.Row{
		id,
		path("name", "traits.name"),
		path("domain", "traits.website", "traits.domain"),
		plan,
		path("user_count", "traits.employees", "traits.users"),
		path("mrr", "traits.monthlySpend", "traits.mrr"),
		path("trial_status", "traits.trial.status"),
		path("trial_ends_at", "traits.trial.endsAt"),
		path("owner_email", "traits.owner.email"),
		path("occurred_at", "originalTimestamp", "timestamp"),
	}}
}

// groupsRowsSecond are the named template's newest version.
func groupsRowsSecond() mapping.Template {
	t := groupsRows()
	t.Rows = append(t.Rows, path("feature_flags", "traits.features"), path("custom.industry", "traits.industry"))
	return t
}

// billingRows read what a billing system of the team's own sends: amounts in cents.
func billingRows() mapping.Template {
	id := path("org_id", "account.id")
	id.Required = true
	plan := path("plan", "subscription.plan")
	plan.Required = true
	mrr := path("mrr", "subscription.amount_cents")
	mrr.Transform = []string{"divide:100"}
	currency := path("currency", "subscription.currency")
	currency.Transform, currency.Default = []string{"upper"}, []byte(`"EUR"`)
	return mapping.Template{Rows: []mapping.Row{
		id, plan, mrr, currency,
		path("status", "subscription.status"),
		path("seats", "subscription.quantity"),
		path("trial_ends_at", "subscription.trial_end"),
		path("occurred_at", "occurred_at"),
	}}
}

// orgSteps are the past of the product_orgs keys.
func (d *demo) orgSteps() []step {
	groups, billing := groupsRows(), billingRows()
	return []step{
		{groupsMade, d.create(access.Developer, keys.CreateForm{
			Name: groupsKey, Environment: models.Live, EndpointType: models.ProductOrgs, Template: &groups,
		})},
		{groupsNamed, d.nameTemplate(access.Developer, groupsKey, groupsTemplate)},
		{groupsSecond, d.saveTemplate(access.Editor, groupsKey, groupsRowsSecond(), groupsMessage)},
		{billingMade, d.create(access.Editor, keys.CreateForm{
			Name: billingKey, Environment: models.Live, EndpointType: models.ProductOrgs, Template: &billing, OnError: models.OnErrorQuarantine,
		})},
	}
}

func (d *demo) nameTemplate(by access.Role, key, name string) func(context.Context) error {
	return func(ctx context.Context) error {
		return d.templates.Name(ctx, d.people[by], *d.made[key].Key.TemplateID, name)
	}
}

func (d *demo) saveTemplate(by access.Role, key string, rows mapping.Template, note string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := d.templates.Save(ctx, d.people[by], *d.made[key].Key.TemplateID, 1, rows, note)
		if err != nil {
			return fmt.Errorf("save the template of %s: %w", key, err)
		}
		return nil
	}
}

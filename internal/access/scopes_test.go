package access_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/access"
	"latchkey/internal/fault"
)

// goldenScopes is what each scope stands for, as docs/api.md publishes it.
const goldenScopes = `
read:workspace       workspace:read keys:read signals:read product_orgs:read requests:read templates:read analytics:read endpoints:read
read:write:workspace workspace:read keys:read keys:write signals:read product_orgs:read requests:read templates:read templates:write analytics:read endpoints:read endpoints:write events:listen
admin:full           workspace:read keys:read keys:write signals:read product_orgs:read requests:read templates:read templates:write analytics:read members:read audit:read endpoints:read endpoints:write events:listen
keys:*               keys:read keys:write
templates:*          templates:read templates:write
signals:read         signals:read
`

func TestScopesStandForWhatIsPublished(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(goldenScopes)) {
		words := strings.Fields(line)
		var got []string
		for _, s := range (access.Scopes{access.Scope(words[0])}).Fine() {
			got = append(got, string(s))
		}
		if diff := cmp.Diff(words[1:], got); diff != "" {
			t.Errorf("%s: %s", words[0], diff)
		}
	}
}

func TestNoScopesAndUnknownScopesGrantNothing(t *testing.T) {
	for _, s := range []string{"", "root", "*", "*:*", ":*", "keys:", "keys:delete", "KEYS:READ", "admin:full2"} {
		scopes := access.ParseScopes(s)
		if fine := scopes.Fine(); len(fine) != 0 {
			t.Errorf("%q stands for %v", s, fine)
		}
		for _, row := range access.Table {
			if scopes.Allow(row.Action) {
				t.Errorf("%q allows %s", s, row.Action)
			}
		}
		if s != "" && len(scopes.Unknown()) == 0 {
			t.Errorf("%q is not told as unknown", s)
		}
	}
}

func TestNoProgramDoesWhatOnlyOwnersMay(t *testing.T) {
	for _, action := range []access.Action{access.ManageOwners, access.ManagePlan, access.DeleteWorkspace, access.ManageMembers, access.ManageSettings} {
		if (access.Actor{KeyID: "k", Scopes: access.Scopes{access.AdminFull}, Role: access.Owner}).Can(action) {
			t.Errorf("admin:full may %s", action)
		}
	}
}

func TestNobodyGrantsMoreThanTheyMay(t *testing.T) {
	person := func(r access.Role) access.Actor { return access.Actor{AccountID: "a", Role: r} }
	program := func(s string) access.Actor {
		return access.Actor{KeyID: "k", Scopes: access.ParseScopes(s)}
	}
	for name, tc := range map[string]struct {
		actor access.Actor
		scope access.Scope
		may   bool
	}{
		"an owner admin:full":                    {person(access.Owner), access.AdminFull, true},
		"a developer admin:full":                 {person(access.Developer), access.AdminFull, false},
		"a developer a preset":                   {person(access.Developer), access.ReadWriteWorkspace, true},
		"a developer the audit log":              {person(access.Developer), access.AuditRead, false},
		"a developer the members":                {person(access.Developer), "members:*", false},
		"an editor anything":                     {person(access.Editor), access.SignalsRead, false},
		"a program its own preset":               {program("read:workspace"), access.ReadWorkspace, true},
		"a program a part":                       {program("read:workspace"), access.KeysRead, true},
		"a program a whole that it has in parts": {program("keys:read keys:write"), "keys:*", true},
		"a program more":                         {program("read:write:workspace"), access.AuditRead, false},
		"all parts of admin:full":                {program("read:write:workspace members:read audit:read"), access.AdminFull, false},
		"admin:full itself":                      {program("admin:full"), access.AdminFull, true},
		"anybody what does not exist":            {person(access.Owner), "root:*", false},
	} {
		if got := tc.actor.Grantable(tc.scope); got != tc.may {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAProgramsRefusalNamesTheScopeThatWouldDo(t *testing.T) {
	err := access.Actor{KeyID: "k", Scopes: access.Scopes{access.ReadWorkspace}}.Require(access.ManageKeys)
	if !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "keys:write") {
		t.Errorf("refusal %v", err)
	}
}

func TestScopesAreStoredInOneForm(t *testing.T) {
	got := access.ParseScopes("  signals:read keys:read keys:* signals:read read:workspace ").Normal().String()
	if got != "read:workspace keys:* keys:read signals:read" {
		t.Errorf("normal form %q", got)
	}
}

package access_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/access"
	"latchkey/internal/fault"
)

// golden is section 6 of the HTTP contract, a column a role.
const golden = `
data:read        Owner Admin Developer Editor Viewer
keys:manage      Owner Admin Developer Editor
api_keys:manage  Owner Admin Developer
api_keys:admin   Owner Admin
endpoints:manage Owner Admin Developer
members:manage   Owner Admin
settings:manage  Owner Admin
audit:read       Owner Admin
owners:manage    Owner
plan:manage      Owner
workspace:delete Owner
`

func TestTheRoleTableIsThePublishedOne(t *testing.T) {
	want := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(golden)) {
		parts := strings.Fields(line)
		want[parts[0]] = parts[1:]
	}
	got := map[string][]string{}
	for _, row := range access.Table {
		for _, role := range access.Roles {
			if access.Allows(role, row.Action) {
				got[string(row.Action)] = append(got[string(row.Action)], role.Title())
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownRolesMayNothing(t *testing.T) {
	for _, role := range []access.Role{"", "root", "OWNER"} {
		for _, row := range access.Table {
			if access.Allows(role, row.Action) {
				t.Errorf("%q may %s", role, row.Action)
			}
		}
	}
}

func TestARefusalNamesWhoMay(t *testing.T) {
	err := access.Actor{Role: access.Viewer}.Require(access.ReadAudit)
	if !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "Viewer") || !strings.Contains(err.Error(), "Owner, Admin") {
		t.Errorf("refusal %v", err)
	}
	if err := (access.Actor{Role: access.Admin}).Require(access.ReadAudit); err != nil {
		t.Errorf("an Admin: %v", err)
	}
}

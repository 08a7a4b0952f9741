package access

import "strings"

// Row is a line of the role table: what people read, the action, and who may.
type Row struct {
	Label  string
	Action Action
	Roles  []Role
}

// Table is the published table of roles (http-contract section 6), also shown on the Members page.
var Table = []Row{
	{"See signals, product orgs and requests", ReadData, []Role{Owner, Admin, Developer, Editor, Viewer}},
	{"See and manage webhook keys and their templates", ManageKeys, []Role{Owner, Admin, Developer, Editor}},
	{"Manage API-access keys", ManageAPIKeys, []Role{Owner, Admin, Developer}},
	{"Grant API-access keys the scope admin:full", GrantAdminScope, []Role{Owner, Admin}},
	{"Manage outbound endpoints", ManageEndpoints, []Role{Owner, Admin, Developer}},
	{"Manage members", ManageMembers, []Role{Owner, Admin}},
	{"Change workspace settings", ManageSettings, []Role{Owner, Admin}},
	{"Read the audit log", ReadAudit, []Role{Owner, Admin}},
	{"Make and remove owners", ManageOwners, []Role{Owner}},
	{"Change the plan", ManagePlan, []Role{Owner}},
	{"Delete the workspace", DeleteWorkspace, []Role{Owner}},
}

var allowed = func() map[Role]map[Action]bool {
	m := map[Role]map[Action]bool{}
	for _, row := range Table {
		for _, role := range row.Roles {
			if m[role] == nil {
				m[role] = map[Action]bool{}
			}
			m[role][row.Action] = true
		}
	}
	return m
}()

var sameRoles = map[Action]Action{
	ReadKeys:        ManageKeys,
	ReadAPIKeys:     ManageAPIKeys,
	ReadTemplates:   ManageKeys,
	ManageTemplates: ManageKeys,
	ReadMembers:     ManageMembers,
	ReadEndpoints:   ManageEndpoints,
	ListenEvents:    ManageEndpoints,
}

// Allows tells whether a role may do an action; unknown roles may nothing.
func Allows(role Role, action Action) bool { return allowed[role][ruling(action)] }

// ruling is the row of the table that says who may.
func ruling(action Action) Action {
	if row, ok := sameRoles[action]; ok {
		return row
	}
	return action
}

func whoMay(action Action) string {
	action = ruling(action)
	for _, row := range Table {
		if row.Action != action {
			continue
		}
		titles := make([]string, len(row.Roles))
		for i, r := range row.Roles {
			titles[i] = r.Title()
		}
		if len(titles) == 1 {
			return "Ask an " + titles[0] + "."
		}
		return "Ask one of: " + strings.Join(titles, ", ") + "."
	}
	return ""
}

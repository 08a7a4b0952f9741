// Package access says who may do what: roles, actions and the Actor that every use-case takes.
// Pure; the table in roles.go is the published one (docs/api.md) and has a golden test.
package access

import (
	"time"

	"latchkey/internal/fault"
)

// Role is a member's role in a workspace.
type Role string

// The roles, from most to least.
const (
	Owner     Role = "owner"
	Admin     Role = "admin"
	Developer Role = "developer"
	Editor    Role = "editor"
	Viewer    Role = "viewer"
)

// Roles lists every role, from most to least.
var Roles = []Role{Owner, Admin, Developer, Editor, Viewer}

// Valid tells whether r is one of Roles.
func (r Role) Valid() bool {
	for _, known := range Roles {
		if r == known {
			return true
		}
	}
	return false
}

// Title is the role as people read it.
func (r Role) Title() string {
	if r == "" {
		return ""
	}
	return string(r[0]-'a'+'A') + string(r[1:])
}

// Action is something a role may or may not do.
type Action string

// The actions of the console and the API.
const (
	ReadData        Action = "data:read"        // signals, product orgs, requests
	ManageKeys      Action = "keys:manage"      // webhook keys and their templates
	ManageAPIKeys   Action = "api_keys:manage"  // API-access keys
	GrantAdminScope Action = "api_keys:admin"   // ... with admin:full
	ManageEndpoints Action = "endpoints:manage" // outbound webhooks
	ManageMembers   Action = "members:manage"   // members and invitations
	ManageSettings  Action = "settings:manage"  // workspace settings
	ReadAudit       Action = "audit:read"       // the audit log
	ManageOwners    Action = "owners:manage"    // make and unmake owners
	ManagePlan      Action = "plan:manage"      // the plan
	DeleteWorkspace Action = "workspace:delete" // the end
)

// Actions that the role table has no rows of their own for: whoever may do what stands behind them
// in sameRoles may do them. Scopes tell them apart.
const (
	ReadKeys        Action = "keys:read"        // webhook keys
	ReadAPIKeys     Action = "api_keys:read"    // API-access keys
	ReadTemplates   Action = "templates:read"   // payload templates
	ManageTemplates Action = "templates:manage" // ...
	ReadMembers     Action = "members:read"
	ReadEndpoints   Action = "endpoints:read" // outbound webhooks and their deliveries
	ListenEvents    Action = "events:listen"  // ... messages as they are written
)

// Origin is where a change came from, for the audit log.
type Origin struct {
	IP        string
	RequestID string
}

// Actor is who acts, in which workspace, with which role.
type Actor struct {
	AccountID   string // empty for programs, the command line and the system
	WorkspaceID string
	Role        Role   // empty for programs
	Label       string // as the audit log shows it: an email, "command line"
	Origin      Origin

	KeyID     string    // the API-access key of a program; empty for people
	KeyMaker  string    // the account that made that key; may be empty
	Scopes    Scopes    // of that key
	KeyExpiry time.Time // of that key; zero: never
}

// System acts for nobody: what Latchkey does by itself, such as ending a key that was reported as
// leaked.
func System(workspaceID string) Actor {
	return Actor{WorkspaceID: workspaceID, Role: Owner, Label: "system"}
}

// IsProgram tells that an API-access key acts, by its scopes instead of a role.
func (a Actor) IsProgram() bool { return a.KeyID != "" }

// Maker is the account that answers for what the actor makes; empty for the command line.
func (a Actor) Maker() string {
	if a.IsProgram() {
		return a.KeyMaker
	}
	return a.AccountID
}

// CommandLine acts for the operator: whoever can run the binary beside the database is trusted as
// an owner, and is told apart in the audit log.
func CommandLine(workspaceID string) Actor {
	return Actor{WorkspaceID: workspaceID, Role: Owner, Label: "command line"}
}

// Can tells whether the actor's role, or a program's scopes, allow the action.
func (a Actor) Can(action Action) bool {
	if a.IsProgram() {
		return a.Scopes.Allow(action)
	}
	return Allows(a.Role, action)
}

// Require returns a Forbidden fault that names the action's owner roles when the actor may not.
func (a Actor) Require(action Action) error {
	if a.Can(action) {
		return nil
	}
	if a.IsProgram() {
		return fault.New(fault.Forbidden, "The scopes of this key do not allow this. "+scopesFor(action))
	}
	return fault.New(fault.Forbidden, "Your role ("+a.Role.Title()+") does not allow this. "+whoMay(action))
}

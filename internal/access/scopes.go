package access

import (
	"slices"
	"strings"
)

// Scope is a right of an API-access key: a preset, resource:action, or resource:*.
type Scope string

// The presets.
const (
	ReadWorkspace      Scope = "read:workspace"       // everything that a Developer may see
	ReadWriteWorkspace Scope = "read:write:workspace" // ... and change
	AdminFull          Scope = "admin:full"           // what an Admin may
)

// The fine scopes.
const (
	WorkspaceRead  Scope = "workspace:read"
	KeysRead       Scope = "keys:read"
	KeysWrite      Scope = "keys:write"
	SignalsRead    Scope = "signals:read"
	OrgsRead       Scope = "product_orgs:read"
	RequestsRead   Scope = "requests:read"
	TemplatesRead  Scope = "templates:read"
	TemplatesWrite Scope = "templates:write"
	AnalyticsRead  Scope = "analytics:read"
	MembersRead    Scope = "members:read"
	AuditRead      Scope = "audit:read"
	EndpointsRead  Scope = "endpoints:read"
	EndpointsWrite Scope = "endpoints:write"
	EventsListen   Scope = "events:listen"
)

// ScopeInfo is a scope as people read it.
type ScopeInfo struct {
	Scope Scope
	Text  string // what a key with it may do, in plain words
	Needs Action // what the role of the person who grants it must allow

	actions []Action // what a program with it may do
}

// FineScopes lists the fine scopes in the order in which they are shown.
var FineScopes = []ScopeInfo{
	{WorkspaceRead, "Read the workspace's name, plan and number of members", ReadData, nil},
	{KeysRead, "List keys and read their settings; never their values", ManageKeys, []Action{ReadKeys, ReadAPIKeys}},
	{KeysWrite, "Create, change, rotate and deactivate keys", ManageKeys, []Action{ManageKeys, ManageAPIKeys}},
	{SignalsRead, "Read the signals that arrived", ReadData, []Action{ReadData}},
	{OrgsRead, "Read product organisations and their history", ReadData, []Action{ReadData}},
	{RequestsRead, "Read the log of requests, refused ones too", ReadData, []Action{ReadData}},
	{TemplatesRead, "Read payload templates and their versions", ManageKeys, []Action{ReadTemplates}},
	{TemplatesWrite, "Create, change and delete payload templates", ManageKeys, []Action{ManageTemplates}},
	{AnalyticsRead, "Read how much each key received, minute by minute", ReadData, []Action{ReadData}},
	{MembersRead, "List members with their email addresses and roles", ManageMembers, []Action{ReadMembers}},
	{AuditRead, "Read the audit log", ReadAudit, []Action{ReadAudit}},
	{EndpointsRead, "Read outbound endpoints and their deliveries; never their signing secrets", ManageEndpoints, []Action{ReadEndpoints}},
	{EndpointsWrite, "Create, change, test and delete outbound endpoints, rotate and reveal their signing secrets, send again what failed", ManageEndpoints, []Action{ManageEndpoints}},
	{EventsListen, "Listen to outbound messages as they are written, while developing", ManageEndpoints, []Action{ListenEvents}},
}

// Presets lists the presets in the order in which they are shown.
var Presets = []ScopeInfo{
	{ReadWorkspace, "Read everything in the workspace but members and the audit log", ManageAPIKeys, nil},
	{ReadWriteWorkspace, "Read the same, manage keys, payload templates and outbound endpoints, and listen to messages", ManageAPIKeys, nil},
	{AdminFull, "Do everything that an Admin may do, members and the audit log included", GrantAdminScope, []Action{GrantAdminScope}},
}

var inPreset = map[Scope][]Scope{
	ReadWorkspace:      {WorkspaceRead, KeysRead, SignalsRead, OrgsRead, RequestsRead, TemplatesRead, AnalyticsRead, EndpointsRead},
	ReadWriteWorkspace: {WorkspaceRead, KeysRead, KeysWrite, SignalsRead, OrgsRead, RequestsRead, TemplatesRead, TemplatesWrite, AnalyticsRead, EndpointsRead, EndpointsWrite, EventsListen},
	AdminFull:          {WorkspaceRead, KeysRead, KeysWrite, SignalsRead, OrgsRead, RequestsRead, TemplatesRead, TemplatesWrite, AnalyticsRead, MembersRead, AuditRead, EndpointsRead, EndpointsWrite, EventsListen},
}

// Scopes are the rights of one key. None grants nothing.
type Scopes []Scope

// ParseScopes reads a space-separated list (RFC 6749, section 3.3) as it is stored.
func ParseScopes(text string) Scopes {
	var out Scopes
	for _, s := range strings.Fields(text) {
		out = append(out, Scope(s))
	}
	return out
}

// String is the stored form.
func (s Scopes) String() string { return strings.Join(s.Strings(), " ") }

// Strings are the scopes as texts, never nil.
func (s Scopes) Strings() []string {
	out := make([]string, len(s))
	for i, scope := range s {
		out[i] = string(scope)
	}
	return out
}

// Unknown returns the scopes that do not exist.
func (s Scopes) Unknown() []Scope {
	var out []Scope
	for _, scope := range s {
		if len(scope.fine()) == 0 {
			out = append(out, scope)
		}
	}
	return out
}

// Normal sorts the scopes as they are shown and drops repeats.
func (s Scopes) Normal() Scopes {
	out := slices.Clone(s)
	slices.SortFunc(out, func(a, b Scope) int {
		if d := a.rank() - b.rank(); d != 0 {
			return d
		}
		return strings.Compare(string(a), string(b))
	})
	return slices.Compact(out)
}

func (s Scope) rank() int {
	for i, p := range Presets {
		if p.Scope == s {
			return i
		}
	}
	for i, f := range FineScopes {
		if slices.Contains(s.fine(), f.Scope) {
			return len(Presets) + i
		}
	}
	return len(Presets) + len(FineScopes)
}

// fine are the fine scopes that a scope stands for; none for one that does not exist.
func (s Scope) fine() []Scope { return fineOf[s] }

// fineOf is worked out once: every call of the API asks.
var fineOf = func() map[Scope][]Scope {
	m := map[Scope][]Scope{}
	for _, list := range [][]ScopeInfo{Presets, FineScopes} {
		for _, i := range list {
			m[i.Scope] = partsOf(i.Scope)
		}
	}
	for _, f := range FineScopes {
		resource, _, _ := strings.Cut(string(f.Scope), ":")
		all := Scope(resource + ":*")
		m[all] = partsOf(all)
	}
	return m
}()

func partsOf(s Scope) []Scope {
	if preset, ok := inPreset[s]; ok {
		return preset
	}
	resource, all := strings.CutSuffix(string(s), ":*")
	var out []Scope
	for _, f := range FineScopes {
		if f.Scope == s || all && strings.HasPrefix(string(f.Scope), resource+":") {
			out = append(out, f.Scope)
		}
	}
	return out
}

// Fine are the fine scopes that the scopes stand for, in the order in which they are shown.
func (s Scopes) Fine() []Scope {
	var out []Scope
	for _, f := range FineScopes {
		if s.Has(f.Scope) {
			out = append(out, f.Scope)
		}
	}
	return out
}

// Has tells whether a fine scope, or a preset as a whole, is among what the scopes grant.
func (s Scopes) Has(want Scope) bool {
	if slices.Contains(s, want) {
		return true
	}
	if want == AdminFull {
		return false // it may grant itself, which its parts together may not
	}
	parts := want.fine()
	for _, part := range parts {
		if !slices.ContainsFunc(s, func(have Scope) bool { return slices.Contains(have.fine(), part) }) {
			return false
		}
	}
	return len(parts) > 0
}

// Wider returns the scopes of other that s does not grant: what a key with s may not give.
func (s Scopes) Wider(other Scopes) []Scope {
	var out []Scope
	for _, scope := range other {
		if !s.Has(scope) {
			out = append(out, scope)
		}
	}
	return out
}

// Allow tells whether a program with these scopes may do the action.
func (s Scopes) Allow(action Action) bool {
	if slices.Contains(s, AdminFull) && action == GrantAdminScope {
		return true
	}
	for _, f := range FineScopes {
		if slices.Contains(f.actions, action) && s.Has(f.Scope) {
			return true
		}
	}
	return false
}

// Info is the line of the tables about a scope; resource:* is described by its parts.
func (s Scope) Info() (ScopeInfo, bool) {
	for _, list := range [][]ScopeInfo{Presets, FineScopes} {
		for _, i := range list {
			if i.Scope == s {
				return i, true
			}
		}
	}
	parts := s.fine()
	if len(parts) == 0 {
		return ScopeInfo{}, false
	}
	first, _ := parts[0].Info()
	info := ScopeInfo{Scope: s, Needs: first.Needs, Text: first.Text}
	for _, p := range parts[1:] {
		i, _ := p.Info()
		info.Text += "; " + strings.ToLower(i.Text[:1]) + i.Text[1:]
	}
	return info, true
}

// Grantable tells whether the actor may give a key this scope: a person by role, a program only
// what it has itself.
func (a Actor) Grantable(s Scope) bool {
	info, ok := s.Info()
	if !ok {
		return false
	}
	if a.IsProgram() {
		return a.Scopes.Has(s)
	}
	return a.Can(ManageAPIKeys) && a.Can(info.Needs)
}

func scopesFor(action Action) string {
	if action == GrantAdminScope {
		return "It needs: " + string(AdminFull) + "."
	}
	var names []string
	for _, f := range FineScopes {
		if slices.Contains(f.actions, action) {
			names = append(names, string(f.Scope))
		}
	}
	if len(names) == 0 {
		return "Programs cannot do it; a person in the console can."
	}
	return "It needs: " + strings.Join(names, ", ") + "."
}

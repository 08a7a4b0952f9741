package api

import (
	"net/http"
)

func meRoutes() []Route {
	return []Route{{Method: http.MethodGet, Path: "/me", Operation: "getMe", Any: true, Handler: getMe}}
}

// meJSON is the key that asks, and where it works.
type meJSON struct {
	KeyID       string          `json:"key_id"`
	Name        string          `json:"name"`
	KeyPrefix   string          `json:"key_prefix"` // of the value that was sent
	Environment string          `json:"environment"`
	Scopes      []string        `json:"scopes"`         // as they were granted
	Grants      []string        `json:"granted_scopes"` // the fine scopes that these stand for
	ExpiresAt   *string         `json:"expires_at"`     // when the value that was sent stops to work
	Workspace   meWorkspaceJSON `json:"workspace"`
}

type meWorkspaceJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Plan string `json:"plan"`
}

// getMe answers from memory: what it tells was true after the call began.
func getMe(c *call) error {
	cred, key, w := c.caller.Credential, c.caller.Key, c.caller.Workspace
	ends, _ := cred.Ends()
	return c.json(http.StatusOK, meJSON{
		KeyID: key.ID, Name: key.Name, KeyPrefix: cred.Prefix, Environment: key.Environment, Scopes: c.caller.Scopes.Strings(), Grants: c.caller.Grants,
		ExpiresAt: instantOrNull(ends), Workspace: meWorkspaceJSON{w.ID, w.Name, w.Plan},
	})
}

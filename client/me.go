package client

import (
	"context"
	"net/http"
	"time"
)

// Workspace is the token's workspace. It needs workspace:read.
type Workspace struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Plan         string    `json:"plan"`
	MembersCount int       `json:"members_count"`
	CreatedAt    time.Time `json:"created_at"`
}

// Workspace reads the token's workspace.
func (c *Client) Workspace(ctx context.Context) (Workspace, error) {
	var w Workspace
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/workspaces/me", into: &w})
	return w, err
}

// Me is the token's own key, and where it works.
type Me struct {
	KeyID         string    `json:"key_id"`
	Name          string    `json:"name"`
	KeyPrefix     string    `json:"key_prefix"` // of the value that was sent
	Environment   string    `json:"environment"`
	Scopes        []string  `json:"scopes"`         // as they were granted
	GrantedScopes []string  `json:"granted_scopes"` // the fine scopes that these stand for
	ExpiresAt     time.Time `json:"expires_at"`     // of the value that was sent; zero: never
	Workspace     struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Plan string `json:"plan"`
	} `json:"workspace"`
}

// Me reads what the instance knows the token as. Any API-access key may.
func (c *Client) Me(ctx context.Context) (Me, error) {
	var me Me
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/me", into: &me})
	return me, err
}

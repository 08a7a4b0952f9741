package api

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/keys"
	"latchkey/models"
)

// enter checks the key, in this order: it is valid, of the right type, comes from where it may, the
// plan has an API, the limit has room, the URL can be read, the workspace is the key's, a scope
// allows the call. Nothing of the workspace is read before.
func (c *call) enter() error {
	presented, err := bearer(c.echo.Request().Header)
	if err != nil {
		return err
	}
	if err := c.authenticate(presented); err != nil {
		return err
	}
	for _, check := range []func() error{c.checkAddress, c.checkPlan, c.takeOfLimit, c.checkURL, c.checkWorkspace, c.checkScope} {
		if err := check(); err != nil {
			return err
		}
	}
	c.actor = c.caller.Actor(access.Origin{IP: c.echo.RealIP(), RequestID: requestID(c.echo)})
	return nil
}

const (
	realm     = `Bearer realm="latchkey"`
	challenge = realm + `, error="invalid_token"`
)

// bearer is the key in the header Authorization (RFC 6750, section 2.1), the only place for it.
func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) > 1 {
		p := newProblem(http.StatusBadRequest, codeInvalidHeader, "Send one Authorization header.")
		p.challenge = realm + `, error="invalid_request"`
		return "", p
	}
	scheme, key, _ := strings.Cut(h.Get("Authorization"), " ")
	if key = strings.TrimSpace(key); !strings.EqualFold(scheme, "Bearer") || key == "" {
		p := newProblem(http.StatusUnauthorized, codeInvalidToken, "Send an API-access key in the header Authorization: Bearer <key>.")
		p.challenge = realm
		return "", p
	}
	return key, nil
}

func (c *call) authenticate(presented string) error {
	caller, err := c.api.Keys.AuthenticateAPI(c.echo.Request().Context(), presented)
	c.caller = caller
	switch {
	case err == nil:
		c.workspace = caller.Workspace.ID
		return nil
	case errors.Is(err, keys.ErrUnknown) && caller != nil:
		return c.wrongType()
	case errors.Is(err, keys.ErrUnknown):
		return unauthenticated("This key is not known here. Check that it was copied whole.", "")
	case errors.Is(err, keys.ErrDeactivated):
		return errDeactivated()
	case errors.Is(err, keys.ErrExpired):
		return errExpired()
	default:
		return err
	}
}

// unauthenticated refuses a key. Why is told only to who presented a whole one.
func unauthenticated(detail, description string) error {
	p := newProblem(http.StatusUnauthorized, codeInvalidToken, detail)
	p.challenge, p.ofKey = challenge, true
	if description != "" {
		p.challenge += `, error_description="` + description + `"`
	}
	return p
}

func errDeactivated() error {
	return unauthenticated("This key was deactivated. Use another one.", "The key was deactivated")
}

func errExpired() error {
	return unauthenticated("This key, or the value of it that was sent, has expired. Use the present value of a key that is active.", "The key expired")
}

// wrongType refuses a key that exists for webhooks, in the order of the contract: its state first.
func (c *call) wrongType() error {
	now := c.api.Now()
	ends, ending := c.caller.Credential.Ends()
	switch {
	case c.caller.Key.Status == models.KeyDeactivated:
		return errDeactivated()
	case ending && !now.Before(ends):
		return errExpired()
	}
	p := newProblem(http.StatusForbidden, codeEndpointType,
		"This is a key for webhooks, which cannot call the management API. Use a key of the type api_access.")
	p.ofKey = true
	return p
}

// checkAddress goes by the address that the trusted proxies tell.
func (c *call) checkAddress() error {
	cred := c.caller.Credential
	if cred.AllowListMode != models.AllowListWatch && cred.AllowListMode != models.AllowListEnforce {
		return nil
	}
	addr, err := netip.ParseAddr(c.echo.RealIP())
	if err == nil && cred.Inside(addr) {
		return nil
	}
	if cred.AllowListMode == models.AllowListWatch {
		c.api.Usage.Outside(cred, c.seen(), c.api.Now())
		return nil
	}
	p := newProblem(http.StatusForbidden, codeIPNotAllowed, "This key may not be used from the address "+c.echo.RealIP()+".")
	p.ofKey = true
	return p
}

func (c *call) checkPlan() error {
	if accounts.HasAPI(c.caller.Workspace.Plan) {
		return nil
	}
	p := newProblem(http.StatusForbidden, codePlanRequired,
		"The plan of this workspace (free) has no API access. An Owner can change the plan in the workspace's settings.")
	p.ofKey = true
	return p
}

// checkWorkspace compares X-Workspace-ID with the path, then the path with the key. Another
// workspace's id is told like one that does not exist.
func (c *call) checkWorkspace() error {
	id := c.workspace
	named := strings.HasPrefix(c.route.Path, workspacePath)
	if named {
		id = c.param("id")
	}
	for _, sent := range c.echo.Request().Header.Values("X-Workspace-Id") {
		if sent != id {
			return newProblem(http.StatusBadRequest, codeWorkspaceMismatch,
				"The header X-Workspace-ID names another workspace than the URL or the key. Send the right one, or leave the header out.")
		}
	}
	if named && id != c.workspace {
		return errNotFound
	}
	return nil
}

// workspacePath begins the path of every route about the things of a workspace.
const workspacePath = "/workspaces/:id"

func (c *call) checkScope() error {
	if c.route.Any || c.caller.Scopes.Has(c.route.Scope) {
		return nil
	}
	p := newProblem(http.StatusForbidden, codeInsufficientScope,
		"The scopes of this key do not allow this call. It needs the scope "+string(c.route.Scope)+".")
	p.challenge = realm + `, error="insufficient_scope", scope="` + string(c.route.Scope) + `"`
	return p
}

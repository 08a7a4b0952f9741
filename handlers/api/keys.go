package api

import (
	"errors"
	"net/http"
	"strconv"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/models"
)

func keyRoutes() []Route {
	const (
		all = workspacePath + "/api-keys"
		one = all + "/:keyId"
	)
	write := func(method, path, operation string, handler func(*call) error) Route {
		return Route{Method: method, Path: path, Operation: operation, Scope: access.KeysWrite, Handler: handler}
	}
	return []Route{
		{Method: http.MethodGet, Path: all, Operation: "listApiKeys", Scope: access.KeysRead, Handler: listKeys,
			Query: []string{"status", "environment", "endpoint_type", "q", "limit", "cursor"}},
		write(http.MethodPost, all, "createApiKey", createKey),
		write(http.MethodPost, all+"/import", "importApiKey", importKey),
		{Method: http.MethodGet, Path: one, Operation: "getApiKey", Scope: access.KeysRead, Handler: getKey},
		write(http.MethodPatch, one, "updateApiKey", changeKey),
		write(http.MethodDelete, one, "revokeApiKey", revokeKey),
		write(http.MethodPost, one+"/rotate", "rotateApiKey", rotateKey),
		write(http.MethodPatch, one+"/rotation", "extendApiKeyRotation", extendRotation),
		write(http.MethodDelete, one+"/rotation", "finishApiKeyRotation", finishRotation),
	}
}

func listKeys(c *call) error {
	q := c.query()
	f := keys.Filter{
		Status: q.oneOf("status", "active", revoked, "expired"), Environment: q.environment(),
		Type:   q.oneOf("endpoint_type", models.SignalStaging, models.ProductOrgs, models.APIAccess),
		Search: q.text("q"), Before: q.cursorID(), Limit: q.limit(), NoCounts: true,
	}
	if err := q.err(); err != nil {
		return err
	}
	if f.Status == revoked {
		f.Status = models.KeyDeactivated
	}
	page, err := c.api.Keys.List(c.ctx(), c.actor, f)
	if err != nil {
		return err
	}
	return c.list(each(page.Items, c.keyOf), page.Next)
}

func getKey(c *call) error {
	item, err := c.api.Keys.Get(c.ctx(), c.actor, c.param("keyId"))
	if err != nil {
		return err
	}
	return c.key(http.StatusOK, item)
}

// key answers with a key as it is now.
func (c *call) key(status int, item keys.Item) error {
	c.set("ETag", keyTag(item.APIKey))
	return c.json(status, c.keyOf(item))
}

func keyTag(k models.APIKey) string { return `"` + strconv.Itoa(k.SettingsVersion) + `"` }

// seenVersion is the settings version that the caller saw, from If-Match; -1: any.
func (c *call) seenVersion() (int, error) {
	tag, err := c.ifMatch()
	if err != nil || tag == "" {
		return -1, err
	}
	version, err := strconv.Atoi(tag)
	if err != nil || version < 0 || tag != strconv.Itoa(version) {
		return 0, errMoved()
	}
	return version, nil
}

// moved turns the use-case's word for a key that changed meanwhile into what If-Match asks for.
func moved(err error, base int) error {
	if base >= 0 && errors.Is(err, keys.ErrMoved) {
		return errMoved()
	}
	return err
}

func errMoved() error {
	return newProblem(http.StatusPreconditionFailed, codePreconditionFailed,
		"This is no longer what If-Match says. Read it again, and repeat the call with its new ETag.")
}

func revokeKey(c *call) error {
	if err := c.empty(); err != nil {
		return err
	}
	if _, err := c.api.Keys.Revoke(c.ctx(), c.actor, c.param("keyId")); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"status": revoked})
}

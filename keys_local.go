package main

import (
	"context"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/keys"
	"latchkey/models"
)

// localKeys are the keys in this machine's database, beside a server that may be running.
type localKeys struct {
	app   *app.App
	actor access.Actor
}

func withLocalKeys(c *config.Config, workspace string, fn func(context.Context, keyStore) error) error {
	return withApp(c, func(ctx context.Context, a *app.App) error {
		actor, err := operator(ctx, a, workspace)
		if err != nil {
			return err
		}
		return fn(ctx, localKeys{a, actor})
	})
}

func (s localKeys) now() time.Time { return s.app.Now() }

func (s localKeys) create(ctx context.Context, k newKey) (keyObject, error) {
	form := keys.CreateForm{
		Name: k.Name, Environment: k.Environment, EndpointType: k.Type, ExpiresAt: k.Expires, WithSecret: k.WithSecret, OnError: k.OnError,
		Template: k.Template.Rows, CaptureFirst: k.Template.Capture,
	}
	for _, scope := range k.Scopes {
		form.Scopes = append(form.Scopes, access.Scope(scope))
	}
	if k.Template.Name != "" {
		var err error
		if form.TemplateID, err = s.templateNamed(ctx, k.Template.Name); err != nil {
			return keyObject{}, err
		}
	}
	made, err := s.app.Keys.Create(ctx, s.actor, form)
	if err != nil {
		return keyObject{}, findings(err)
	}
	return s.shown(made), nil
}

// shown is a key with what is printed once.
func (s localKeys) shown(made keys.Created) keyObject {
	o := object(keys.Item{APIKey: made.Key}, s.now())
	o.Key, o.Secret = made.Value.Reveal(), made.Secret.Reveal()
	return o
}

func (s localKeys) list(ctx context.Context, status string) ([]keyObject, error) {
	var out []keyObject
	filter := keys.Filter{Status: status, Limit: 100, NoCounts: true}
	for more := true; more; more = filter.Before != "" {
		page, err := s.app.Keys.List(ctx, s.actor, filter)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			out = append(out, object(item, s.now()))
		}
		filter.Before = page.Next
	}
	return out, nil
}

func (s localKeys) rotate(ctx context.Context, id string, grace time.Duration) (keyObject, error) {
	rotated, err := s.app.Keys.Rotate(ctx, s.actor, id, keys.RotateForm{Grace: grace, Base: -1})
	if err != nil {
		return keyObject{}, err
	}
	o := s.shown(rotated.Created)
	o.Rotation = rotationUntil(rotated.EndsAt)
	return o, nil
}

func (s localKeys) extend(ctx context.Context, id string, until time.Time) (time.Time, error) {
	return s.app.Keys.ExtendRotation(ctx, s.actor, id, until)
}

func (s localKeys) finish(ctx context.Context, id string) error {
	return s.app.Keys.FinishRotation(ctx, s.actor, id)
}

func (s localKeys) deactivate(ctx context.Context, id string) (bool, error) {
	return s.app.Keys.Revoke(ctx, s.actor, id)
}

// apiStatus are the words of the management API: deactivated is revoked there.
var apiStatus = map[string]string{"active": "active", "expired": "expired", "deactivated": "revoked"}

func object(item keys.Item, now time.Time) keyObject {
	o := keyObject{
		ID: item.ID, WorkspaceID: item.WorkspaceID, Name: item.Name, KeyPrefix: item.KeyPrefix,
		Status: apiStatus[item.State(now)], Environment: item.Environment, EndpointType: item.EndpointType,
		Scopes: access.ParseScopes(item.Scopes).Strings(), HasSecret: item.SecretHash != nil,
		ExpiresAt: stamp(item.ExpiresAt.Time), LastUsedAt: stamp(item.LastUsed.LastUsedAt.Time),
		CreatedBy: item.CreatedBy, CreatedAt: *stamp(item.CreatedAt.Time), UpdatedAt: *stamp(item.UpdatedAt.Time),
	}
	if item.EndpointType == models.ProductOrgs {
		o.TemplateID, o.OnError = item.TemplateID, item.OnError
	}
	if item.RotatingAt(now) {
		o.Rotation = rotationUntil(item.PreviousEndsAt.Time)
	}
	return o
}

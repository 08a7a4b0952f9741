package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"gorm.io/gorm"

	"latchkey/client"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/models"
)

func TestListenGoesOverMessagesAsTheyAreWritten(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		program := token(t, a, "events:listen")
		c := must(client.New(a.URL, program.Value.Reveal()))(t)
		var last string
		for range 2 { // the second time it comes back
			made := ""
			connected := func(string) { made = a.NewKey(t).Key.ID }
			for m, err := range c.Listen(t.Context(), client.ListenFilter{Types: []string{"api_key.created", "product_org.*"}, After: last}, connected) {
				if err != nil {
					t.Fatal(err)
				}
				row, err := gorm.G[models.Message](db.Read).Where("api_key_id = ?", made).Take(t.Context())
				if err != nil || string(row.Body) != string(m.Body) || m.Type != row.EventType || m.Timestamp.IsZero() || m.ID == last {
					t.Errorf("got %+v, stored %+v, %v", m, row, err)
				}
				last = m.ID
				break
			}
		}
		var ended error
		end := func(string) {
			if _, err := a.Keys.Revoke(t.Context(), a.Owner, program.Key.ID); err != nil {
				t.Error(err)
			}
		}
		for _, err := range c.Listen(t.Context(), client.ListenFilter{}, end) {
			ended = err
		}
		var why *client.StreamEnd
		if !errors.As(ended, &why) || why.Code != client.CodeInvalidToken || why.Detail == "" {
			t.Errorf("the stream of a key that ended ends with %v", ended)
		}
	})
}

func TestWhoComesBackWithoutHavingHadAMessageMissesNone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "events:listen")
		filter := client.ListenFilter{Types: []string{"api_key.*"}}
		ctx, leave := context.WithCancel(t.Context())
		for range c.Listen(ctx, filter, func(after string) { filter.After = after; leave() }) {
			break // the end of the context
		}
		made := a.NewKey(t).Key.ID // while nobody is connected
		for m, err := range c.Listen(t.Context(), filter, nil) {
			if err != nil || !strings.Contains(string(m.Body), made) {
				t.Errorf("got %s, %v; want the key made meanwhile", m.Body, err)
			}
			break
		}
	})
}

func TestListenSaysWhyItCannot(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	for _, c := range []struct {
		scopes string
		filter client.ListenFilter
		code   string
	}{
		{"signals:read", client.ListenFilter{}, client.CodeInsufficientScope},
		{"events:listen", client.ListenFilter{Types: []string{"no.such"}}, client.CodeValidationFailed},
		{"events:listen", client.ListenFilter{Environment: "prod"}, client.CodeValidationFailed},
	} {
		var p *client.Problem
		for _, err := range caller(t, a, c.scopes).Listen(t.Context(), c.filter, nil) {
			if !errors.As(err, &p) || p.Code != c.code {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if p == nil {
			t.Errorf("%+v: no problem", c)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	for _, err := range caller(t, a, "events:listen").Listen(ctx, client.ListenFilter{}, func(string) { cancel() }) {
		if n++; !errors.Is(err, context.Canceled) {
			t.Errorf("after its context ended: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d items after the context ended", n)
	}
}

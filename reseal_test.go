package main

import (
	"encoding/base64"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/app"
	"latchkey/internal/endpoints"
	"latchkey/internal/keys"
	"latchkey/internal/secretbox"
	"latchkey/models"
)

// TestTheSecretKeyIsChangedAsDocumented makes secrets with one key, seals them again with another
// from the command line, and takes the first one away.
func TestTheSecretKeyIsChangedAsDocumented(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		i.setUp(t)
		older, newer := []byte(strings.Repeat("old ", 8)), []byte(strings.Repeat("new ", 8))
		setting := func(key []byte) string { return base64.StdEncoding.EncodeToString(key) }
		oldFile := filepath.Join(i.dir, "old.key")
		if err := os.WriteFile(oldFile, []byte(setting(older)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		first, actor := i.app(t, older)
		made, err := first.Endpoints.Create(t.Context(), actor, endpoints.Form{
			URL: "https://127.0.0.1/hook", Environment: models.Live, EventTypes: []string{"*"},
		})
		if err != nil {
			t.Fatal(err)
		}
		key, err := first.Keys.Create(t.Context(), actor, keys.CreateForm{Name: "GitHub", Environment: models.Live, EndpointType: models.SignalStaging})
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Ingest.RequireSignature(t.Context(), actor, key.Key.ID, "github", "of github"); err != nil {
			t.Fatal(err)
		}

		_, problems, err := i.with("LATCHKEY_SECRET_KEY="+setting(newer)).run(t, "", "secrets", "reseal")
		if err == nil || !strings.Contains(problems, "LATCHKEY_SECRET_KEY_OLD") || !strings.Contains(problems, made.ID) || !strings.Contains(problems, key.Key.ID) {
			t.Errorf("without the old key: %v\n%s", err, problems)
		}
		both := i.with("LATCHKEY_SECRET_KEY="+setting(newer), "LATCHKEY_SECRET_KEY_OLD_FILE="+oldFile)
		if out := both.must(t, "", "secrets", "reseal"); !strings.HasPrefix(out, "2 stored secrets") {
			t.Errorf("printed %q", out)
		}
		if out := both.must(t, "", "secrets", "reseal"); !strings.Contains(out, "already") {
			t.Errorf("again %q", out)
		}

		second, _ := i.app(t, newer)
		if shown, err := second.Endpoints.Reveal(t.Context(), actor, made.ID); err != nil || shown.Secret != made.Secret {
			t.Errorf("with the new key: %v", err)
		}
		row, err := second.Keys.Get(t.Context(), actor, key.Key.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := second.Ingest.SignatureReadable(row.APIKey); err != nil {
			t.Errorf("the source's secret with the new key: %v", err)
		}
		if err := first.Ingest.SignatureReadable(row.APIKey); err == nil {
			t.Error("the old key still opens the source's secret")
		}
		if _, err := first.Endpoints.Reveal(t.Context(), actor, made.ID); err == nil {
			t.Error("the old key still opens the endpoint's secret")
		}
	})
}

// with is the same database with more settings.
func (i *instance) with(env ...string) *instance {
	return &instance{dir: i.dir, env: append(append([]string{}, i.env...), env...)}
}

// app is the product over the instance's database, in this process, with a key of its own.
func (i *instance) app(t *testing.T, key []byte) (*app.App, access.Actor) {
	t.Helper()
	box, err := secretbox.New(key)
	if err != nil {
		t.Fatal(err)
	}
	a := app.New(i.open(t), app.Options{Secrets: box, Targets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	actor, err := operator(t.Context(), a, "")
	if err != nil {
		t.Fatal(err)
	}
	return a, actor
}

package keys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/token"
	"latchkey/models"
)

func TestANewKeyIsStoredAsHashesOnly(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(withSecret, expiring(noon.AddDate(0, 0, 90)))
		value, secret := made.Value.Reveal(), made.Secret.Reveal()
		if _, err := token.Parse(value); err != nil || !strings.HasPrefix(value, "sk_live_") {
			t.Fatalf("the new value is no live key: %v", err)
		}
		row := w.stored(made.Key.ID)
		if !bytes.Equal(row.KeyHash, digest(value)) || !bytes.Equal(row.SecretHash, digest(secret)) {
			t.Error("the stored hashes are not those of key and secret")
		}
		if row.KeyPrefix != value[:len("sk_live_a2f9")] {
			t.Errorf("prefix = %q", row.KeyPrefix)
		}
		if row.Status != models.KeyActive || *row.CreatedBy != w.owner.AccountID || row.WorkspaceID != w.owner.WorkspaceID {
			t.Errorf("stored %+v", row)
		}
		for _, text := range []string{fmt.Sprintf("%+v %#v %s", row, row, row.KeyHash), fmt.Sprintf("%v %+v", made, made)} {
			if strings.Contains(text, value) || strings.Contains(text, secret) {
				t.Error("the plaintext is in a printed row")
			}
		}
	})
}

func TestWithoutASharedSecretNoneIsMade(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		if !made.Secret.IsZero() || w.stored(made.Key.ID).SecretHash != nil {
			t.Error("a secret was made")
		}
	})
}

func TestCreateSaysWhatIsWrongWithEachField(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for name, c := range map[string]struct {
			change func(*keys.CreateForm)
			fields []string
		}{
			"no name":          {named("  "), []string{"name"}},
			"long name":        {named(strings.Repeat("ä", 101)), []string{"name"}},
			"control in name":  {named("a\x00b"), []string{"name"}},
			"broken name":      {named("a\xff"), []string{"name"}},
			"environment":      {func(f *keys.CreateForm) { f.Environment = "prod" }, []string{"environment"}},
			"type":             {func(f *keys.CreateForm) { f.EndpointType = "everything" }, []string{"endpoint_type"}},
			"past expiry":      {expiring(noon), []string{"expires"}},
			"far expiry":       {expiring(noon.AddDate(11, 0, 0)), []string{"expires"}},
			"nonce":            {func(f *keys.CreateForm) { f.Nonce = strings.Repeat("n", 65) }, []string{"nonce"}},
			"bytes of a nonce": {func(f *keys.CreateForm) { f.Nonce = "n\x00" }, []string{"nonce"}},
			"several":          {func(f *keys.CreateForm) { *f = keys.CreateForm{ExpiresAt: noon} }, []string{"name", "environment", "endpoint_type", "expires"}},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := w.s.Create(t.Context(), w.owner, form(c.change))
				want(t, err, fault.Invalid, c.fields...)
			})
		}
		page, err := w.s.List(t.Context(), w.owner, keys.Filter{})
		if err != nil || len(page.Items) != 0 {
			t.Errorf("a refused form left %d keys (%v)", len(page.Items), err)
		}
	})
}

func TestOneFormMakesOneKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		nonce := func(f *keys.CreateForm) { f.Nonce = uuid.NewString() }
		once := form(nonce)
		const clicks = 8
		var wg sync.WaitGroup
		answers := make(chan error, clicks)
		for range clicks {
			wg.Go(func() {
				_, err := w.s.Create(t.Context(), w.owner, once)
				answers <- err
			})
		}
		wg.Wait()
		close(answers)
		made, repeated := 0, map[string]bool{}
		for err := range answers {
			var before keys.AlreadyMade
			switch {
			case err == nil:
				made++
			case errors.As(err, &before):
				repeated[before.KeyID] = true
			default:
				t.Errorf("click: %v", err)
			}
		}
		page, err := w.s.List(t.Context(), w.owner, keys.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if made != 1 || len(page.Items) != 1 || len(repeated) != 1 || !repeated[page.Items[0].ID] {
			t.Errorf("%d made, %d listed, repeats named %v", made, len(page.Items), repeated)
		}
		if _, err := w.s.Create(t.Context(), w.alien, once); err != nil {
			t.Errorf("the same nonce in another workspace: %v", err)
		}
		w.now = noon.Add(24*time.Hour - time.Microsecond)
		if _, err := w.s.Create(t.Context(), w.owner, once); !errors.As(err, new(keys.AlreadyMade)) {
			t.Errorf("within a day: %v", err)
		}
		w.now = noon.Add(24 * time.Hour)
		if made, err := w.s.Create(t.Context(), w.owner, once); err != nil || made.Value.Reveal() == "" {
			t.Errorf("after a day: %v", err)
		}
		if _, err := w.s.Create(t.Context(), w.owner, once); !errors.As(err, new(keys.AlreadyMade)) {
			t.Errorf("and once more: %v", err)
		}
	})
}

func TestAViewerMakesNoKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.owner.Role = access.Viewer
		_, err := w.s.Create(t.Context(), w.owner, form())
		want(t, err, fault.Forbidden)
	})
}

func TestEveryUseCaseTreatsAnotherWorkspacesKeyAsOneThatDoesNotExist(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.createAs(w.alien, named("Alien"), orgs, capturing)
		before := w.stored(made.Key.ID)
		for name, try := range map[string]func(ctx context.Context, id string) error{
			"Get":    func(ctx context.Context, id string) error { _, err := w.s.Get(ctx, w.owner, id); return err },
			"Rename": func(ctx context.Context, id string) error { return w.s.Rename(ctx, w.owner, id, "Mine") },
			"ChangeExpiry": func(ctx context.Context, id string) error {
				return w.s.ChangeExpiry(ctx, w.owner, id, noon.Add(time.Hour))
			},
			"Deactivate": func(ctx context.Context, id string) error { return w.s.Deactivate(ctx, w.owner, id, "Alien") },
			"Revoke":     func(ctx context.Context, id string) error { _, err := w.s.Revoke(ctx, w.owner, id); return err },
			"UseTemplate": func(ctx context.Context, id string) error {
				return w.s.UseTemplate(ctx, w.owner, id, *made.Key.TemplateID)
			},
			"DetachTemplate": func(ctx context.Context, id string) error { return w.s.DetachTemplate(ctx, w.owner, id) },
			"SetOnError": func(ctx context.Context, id string) error {
				return w.s.SetOnError(ctx, w.owner, id, models.OnErrorQuarantine)
			},
			"SetSignature": func(ctx context.Context, id string) error {
				return w.s.SetSignature(ctx, w.owner, id, "github", []byte("sealed"))
			},
			"Traffic": func(ctx context.Context, id string) error { _, err := w.s.Traffic(ctx, w.owner, id); return err },
			"Change": func(ctx context.Context, id string) error {
				limit := 5
				_, err := w.s.Change(ctx, w.owner, id, keys.Patch{RateLimit: &limit}, -1)
				return err
			},
			"Rotate": func(ctx context.Context, id string) error {
				_, err := w.s.Rotate(ctx, w.owner, id, keys.RotateForm{Base: -1})
				return err
			},
			"ExtendRotation": func(ctx context.Context, id string) error {
				_, err := w.s.ExtendRotation(ctx, w.owner, id, noon.Add(time.Hour))
				return err
			},
			"FinishRotation": func(ctx context.Context, id string) error { return w.s.FinishRotation(ctx, w.owner, id) },
			"Rotation": func(ctx context.Context, id string) error {
				_, err := w.s.Rotation(ctx, w.owner, id, keys.Spans[0])
				return err
			},
			"Usage": func(ctx context.Context, id string) error {
				_, err := w.s.Usage(ctx, w.owner, id, keys.Spans[0])
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				theirs, unknown := try(t.Context(), made.Key.ID), try(t.Context(), uuid.NewString())
				want(t, theirs, fault.NotFound)
				if theirs.Error() != unknown.Error() {
					t.Errorf("theirs says %q, an unknown id %q", theirs, unknown)
				}
				want(t, try(t.Context(), "../etc'"), fault.NotFound)
			})
		}
		if after := w.stored(made.Key.ID); !reflect.DeepEqual(after, before) {
			t.Errorf("the key changed: %+v", after)
		}
		if id, err := w.s.Find(t.Context(), w.owner, made.Value.Reveal()); err != nil || id != "" {
			t.Errorf("Find leads to another workspace's key: %q, %v", id, err)
		}
		page, err := w.s.List(t.Context(), w.owner, keys.Filter{Search: made.Value.Reveal()})
		if err != nil || len(page.Items) != 0 || page.Counts[""] != 0 {
			t.Errorf("List shows another workspace's key: %+v, %v", page, err)
		}
	})
}

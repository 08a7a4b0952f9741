package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/app"
	"latchkey/internal/config"
)

const groupTemplate = `{"rows":[{"target":"org_id","from":["groupId"],"required":true},{"target":"plan","from":["traits.plan"]}]}`

func (i *instance) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// config is what a command on this instance goes by.
func (i *instance) config() *config.Config {
	c := &config.Config{Data: filepath.Join(i.dir, "data"), KeyBrand: "sk", DefaultPlan: "enterprise"}
	for _, e := range i.env {
		if url, ok := strings.CutPrefix(e, "LATCHKEY_DATABASE_URL="); ok {
			c.DatabaseURL = url
		}
	}
	return c
}

func TestProductOrgKeysAreMadeFromTheCommandLine(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		i.setUp(t)
		orgs := func(args ...string) keyObject {
			return i.createKey(t, append([]string{"--type", "product_orgs"}, args...)...)
		}
		own := orgs("--template", i.file(t, "group.json", groupTemplate), "--on-error", "quarantine")
		if own.EndpointType != "product_orgs" || own.OnError != "quarantine" || own.TemplateID == nil {
			t.Fatalf("with a file: %+v", own)
		}
		waiting := orgs("--capture")
		if waiting.OnError != "reject" || waiting.TemplateID == nil || *waiting.TemplateID == *own.TemplateID {
			t.Errorf("capturing: %+v", waiting)
		}
		err := withApp(i.config(), func(ctx context.Context, a *app.App) error {
			actor, err := operator(ctx, a, "")
			if err != nil {
				return err
			}
			return a.Templates.Name(ctx, actor, *own.TemplateID, "Segment groups")
		})
		if err != nil {
			t.Fatal(err)
		}
		if shared := orgs("--template-name", "segment groups"); *shared.TemplateID != *own.TemplateID {
			t.Errorf("by name: %+v", shared)
		}
		if signals := i.createKey(t); signals.TemplateID != nil || signals.OnError != "" {
			t.Errorf("a signal key: %+v", signals)
		}
		_, problems, err := i.run(t, "", "keys", "create", "--name", "X", "--type", "product_orgs", "--template-name", "Other")
		if err == nil || !strings.Contains(problems, "Segment groups") {
			t.Errorf("an unknown name: %q", problems)
		}
	})
}

func TestKeysCreateSaysWhatIsWrongWithATemplate(t *testing.T) {
	i := newInstance(t, false)
	i.setUp(t)
	broken := i.file(t, "broken.json", `{"rows":[{"target":"org_id","from":["id["]},{"target":"colour","from":["c"]}]}`)
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"none":          {nil, []string{"--template", "--template-name", "--capture"}},
		"two":           {[]string{"--capture", "--template-name", "x"}, []string{"together"}},
		"no file":       {[]string{"--template", "/nowhere.json"}, []string{"--template", "/nowhere.json"}},
		"no template":   {[]string{"--template", i.file(t, "list.json", `[]`)}, []string{"list.json", "rows"}},
		"broken":        {[]string{"--template", broken}, []string{"Row 1 (org_id)", "Row 2 (colour)"}},
		"and more":      {[]string{"--template", broken, "--expires", "2020-01-01T00:00:00Z"}, []string{"expires: ", "Row 1", "Row 2"}},
		"on error":      {[]string{"--capture", "--on-error", "ignore"}, []string{"--on-error"}},
		"none has name": {[]string{"--template-name", "x"}, []string{"no named template"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, err := i.run(t, "", append([]string{"keys", "create", "--name", "X", "--type", "product_orgs"}, c.args...)...)
			for _, text := range c.want {
				if err == nil || !strings.Contains(problems, text) {
					t.Errorf("error %v, printed %q; want %q", err, problems, text)
				}
			}
		})
	}
	if out := i.must(t, "", "keys", "list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("refused commands left %s", out)
	}
}

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// remote is an instance that runs, and a machine elsewhere whose commands work on it.
type remote struct {
	server *server
	here   *instance // of the instance itself
	token  keyObject
	*instance
}

func newRemote(t *testing.T, scopes string) *remote {
	t.Helper()
	here := newInstance(t, false)
	here.setUp(t)
	s := here.serve(t)
	token := here.createKey(t, "--type", "api_access", "--scopes", scopes)
	return &remote{s, here, token, elsewhere(t, "LATCHKEY_URL="+s.url, "LATCHKEY_TOKEN="+token.Key)}
}

// elsewhere is a machine without a database.
func elsewhere(t *testing.T, env ...string) *instance {
	t.Helper()
	i := newInstance(t, false)
	i.env = append(i.env, env...)
	return i
}

func (i *instance) json(t *testing.T, into any, args ...string) {
	t.Helper()
	out := i.must(t, "", args...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("latchkey %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (r *remote) accepts(t *testing.T, key string) bool {
	t.Helper()
	res, err := http.Post(r.server.url+"/api/signal-staging/webhook/"+key, "application/json", strings.NewReader(`{"event":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func TestKeysOfARemoteInstanceAreManagedWithoutADatabaseHere(t *testing.T) {
	r := newRemote(t, "read:write:workspace")
	made := r.createKey(t, "--secret", "--expires", "90d", "--env", "test")
	if made.Key == "" || made.Secret == "" || made.Environment != "test" || made.ExpiresAt == nil || made.Status != "active" {
		t.Fatalf("created %+v", made)
	}
	plain := r.createKey(t)
	var rotated keyObject
	r.json(t, &rotated, "keys", "rotate", plain.ID, "--grace", "2h", "--json")
	if rotated.ID != plain.ID || rotated.Key == plain.Key || rotated.Rotation == nil || !r.accepts(t, plain.Key) || !r.accepts(t, rotated.Key) {
		t.Errorf("rotated %+v", rotated)
	}
	if out := r.must(t, "", "keys", "extend", plain.ID, "--until", "7d"); !strings.Contains(out, "works until 20") {
		t.Errorf("extended: %q", out)
	}
	r.must(t, "", "keys", "finish", plain.ID)
	if r.accepts(t, plain.Key) || !r.accepts(t, rotated.Key) {
		t.Error("after finish, the wrong value works")
	}
	if out := r.must(t, "", "keys", "deactivate", plain.ID); !strings.Contains(out, "refused from now on") || r.accepts(t, rotated.Key) {
		t.Errorf("deactivated: %q", out)
	}
	if out := r.must(t, "", "keys", "deactivate", plain.ID); !strings.Contains(out, "before") {
		t.Errorf("a second time: %q", out)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "data")); !os.IsNotExist(err) {
		t.Errorf("a database was made here: %v", err)
	}
}

// TestTheSameCommandPrintsTheSameHereAndThere: lists of the same keys, from the machine of the
// instance and from elsewhere.
func TestTheSameCommandPrintsTheSameHereAndThere(t *testing.T) {
	r := newRemote(t, "keys:*")
	r.createKey(t, "--type", "product_orgs", "--capture")
	ending := r.createKey(t, "--expires", "3d")
	r.must(t, "", "keys", "rotate", ending.ID)
	r.here.must(t, "", "keys", "deactivate", r.createKey(t, "--type", "api_access", "--scopes", "keys:read").ID)
	for _, args := range [][]string{{}, {"--status", "expiring"}, {"--status", "deactivated"}, {"--status", "active"}, {"--status", "expired"}} {
		for _, format := range [][]string{nil, {"--json"}} {
			list := append(append([]string{"keys", "list"}, args...), format...)
			here, there := r.here.must(t, "", list...), r.must(t, "", list...)
			if withoutUse(here) != withoutUse(there) {
				t.Errorf("%v\nhere:\n%s\nthere:\n%s", list, here, there)
			}
		}
	}
}

// withoutUse leaves out when a key was last used: asking is a use.
func withoutUse(out string) string {
	var kept []string
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "last_used_at") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func TestRefusalsOfARemoteInstanceAreSentences(t *testing.T) {
	r := newRemote(t, "keys:read")
	mine := r.here.createKey(t)
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"scope":  {[]string{"keys", "rotate", mine.ID}, []string{"keys:write", "(request "}},
		"create": {[]string{"keys", "create", "--name", "x"}, []string{"keys:write", "(request "}},
	} {
		_, problems, err := r.run(t, "", tc.args...)
		for _, want := range tc.want {
			if err == nil || !strings.Contains(problems, want) {
				t.Errorf("%s: %v, %q; want %q", name, err, problems, want)
			}
		}
	}
	w := newRemote(t, "read:write:workspace")
	_, problems, err := w.run(t, "", "keys", "create", "--name", "x", "--expires", "2020-01-01T00:00:00Z", "--type", "api_access", "--scopes", "signals:everything")
	if err == nil || !strings.Contains(problems, "expires_at: ") || !strings.Contains(problems, "scopes: ") || !strings.Contains(problems, "(request ") {
		t.Errorf("wrong fields: %q", problems)
	}
}

func TestATokenIsNeverPrinted(t *testing.T) {
	const token = "sk_live_a2f9_8e7d000000000000000000000000000000000000000000000"
	html := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(html.Close)
	r := newRemote(t, "keys:read")
	file := r.file(t, "token", token+"\n")
	for name, tc := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"unknown token":       {[]string{"LATCHKEY_URL=" + r.server.url, "LATCHKEY_TOKEN=" + token}, nil, "does not take the token"},
		"from a file":         {nil, []string{"--url", r.server.url, "--token-file", file}, "does not take the token"},
		"both":                {[]string{"LATCHKEY_URL=" + r.server.url, "LATCHKEY_TOKEN=" + token, "LATCHKEY_TOKEN_FILE=" + file}, nil, "keep one"},
		"no address":          {[]string{"LATCHKEY_TOKEN=" + token}, nil, "LATCHKEY_URL"},
		"no token":            {[]string{"LATCHKEY_URL=" + r.server.url}, nil, "LATCHKEY_TOKEN"},
		"no file":             {nil, []string{"--url", r.server.url, "--token-file", "/nowhere"}, "/nowhere"},
		"a bad address":       {[]string{"LATCHKEY_URL=latchkey.example.com", "LATCHKEY_TOKEN=" + token}, nil, "scheme and a host"},
		"a token with spaces": {[]string{"LATCHKEY_URL=" + r.server.url, "LATCHKEY_TOKEN=" + token + " " + token}, nil, "characters"},
		"something else":      {[]string{"LATCHKEY_URL=" + html.URL, "LATCHKEY_TOKEN=" + token}, nil, "does not look like Latchkey"},
		"a workspace":         {[]string{"LATCHKEY_URL=" + r.server.url, "LATCHKEY_TOKEN=" + token}, []string{"--workspace", "acme"}, "--workspace"},
	} {
		t.Run(name, func(t *testing.T) {
			i := elsewhere(t, tc.env...)
			out, problems, err := i.run(t, "", append([]string{"keys", "list"}, tc.args...)...)
			if err == nil || !strings.Contains(problems, tc.want) {
				t.Errorf("%v, printed %q; want %q", err, problems, tc.want)
			}
			if strings.Contains(out+problems, "8e7d") {
				t.Errorf("the token is printed: %q%q", out, problems)
			}
			if _, err := os.Stat(filepath.Join(i.dir, "data")); !os.IsNotExist(err) {
				t.Errorf("a database was made here: %v", err)
			}
		})
	}
}

func TestTemplatesOfARemoteInstanceAreFoundByName(t *testing.T) {
	r := newRemote(t, "read:write:workspace")
	own := r.createKey(t, "--type", "product_orgs", "--template", r.file(t, "group.json", groupTemplate), "--on-error", "quarantine")
	if own.TemplateID == nil || own.OnError != "quarantine" {
		t.Fatalf("with a file: %+v", own)
	}
	_, problems, err := r.run(t, "", "keys", "create", "--name", "X", "--type", "product_orgs", "--template-name", "Other")
	if err == nil || !strings.Contains(problems, "no named template") {
		t.Errorf("an unknown name: %q", problems)
	}
	broken := r.file(t, "broken.json", `{"rows":[{"target":"org_id","from":["id["]}]}`)
	_, problems, err = r.run(t, "", "keys", "create", "--name", "X", "--type", "product_orgs", "--template", broken)
	if err == nil || !strings.Contains(problems, "rows[0].from") {
		t.Errorf("a broken template: %q", problems)
	}
}

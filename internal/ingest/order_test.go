package ingest_test

import (
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/keys"
)

// TestAKeyEndedElsewhereIsRefusedAsSuch holds the order of checks when an instance still has the
// key in memory: another one, or the command line, ended it.
func TestAKeyEndedElsewhereIsRefusedAsSuch(t *testing.T) {
	cfg := apptest.SQLiteConfig(t)
	one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
	for name, tc := range map[string]struct {
		path, body string
		secret     bool
	}{
		"its secret is missing":    {"webhook/", `{"event":"x"}`, true},
		"the item is bad":          {"webhook/", `{}`, false},
		"all items are bad":        {"webhook/", `[{},{}]`, false},
		"the body is broken":       {"webhook/", `{`, false},
		"all lines are bad":        {"bulk/", "{}\n{}\n", false},
		"nothing is wrong with it": {"webhook/", `{"event":"x"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			k := one.NewKey(t, func(f *keys.CreateForm) { f.WithSecret = tc.secret })
			path := "/api/signal-staging/" + tc.path + k.Value.Reveal()
			one.Post(t, path, tc.body) // now the instance knows the key
			if _, err := two.Keys.Revoke(t.Context(), one.Owner, k.Key.ID); err != nil {
				t.Fatal(err)
			}
			if got := one.Post(t, path, tc.body); got.Status != 401 || got.Code(t) != "deactivated_api_key" {
				t.Errorf("answer %d %s", got.Status, got.Body)
			}
		})
	}
}

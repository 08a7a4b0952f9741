package leaks_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
)

func digestOf(text string) [32]byte { return sha256.Sum256([]byte(text)) }

var github = leaks.Reporter{Name: "GitHub secret scanning", From: access.Origin{IP: "192.0.2.1", RequestID: "r"}}

func TestOfFiveHundredTokensTheOneOfOursEndsAndIsToldOfOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Leaked")
		values := make([]string, 500)
		for i := range values {
			values[i] = fmt.Sprintf("ghp_%040d", i)
		}
		values[77], values[177], values[277], values[377] = made.Value.Reveal(), generate(t, "sk", "live"), "", strings.Repeat("x", 5000)
		for range 2 {
			for i, v := range w.report(github, values...) {
				if v.Known != (i == 77) || v.Hash != digestOf(values[i]) {
					t.Fatalf("verdict %d: %+v", i, v)
				}
			}
		}
		if w.status(made.Key) != "deactivated" {
			t.Error("the key still works")
		}
		if _, err := w.keys.Authenticate(t.Context(), made.Value.Reveal(), ""); err != keys.ErrDeactivated {
			t.Errorf("it authenticates: %v", err)
		}
		open, log := w.open(), w.audited(made.Key, "api_key.leaked")
		if len(open) != 1 || len(log) != 1 || len(w.audited(made.Key, "api_key.deactivated")) != 1 {
			t.Fatalf("%d notices, %d entries", len(open), len(log))
		}
		for name, want := range map[string]string{
			"reporter": "GitHub secret scanning", "source": "commit", "url": "https://git.example/acme/app/blob/1/.env", "value": "present", "outcome": "ended",
		} {
			if open[0].Text(name) != want || log[0][name] != want {
				t.Errorf("%s: notice %q, entry %v, want %q", name, open[0].Text(name), log[0][name], want)
			}
		}
		if open[0].KeyName != "Leaked" {
			t.Errorf("notice of %q", open[0].KeyName)
		}
	})
}

func TestAKeyThatAsksForAnAlertStaysUntilWhoHasItEndsIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Careful", alertOnly)
		for range 3 {
			w.report(github, made.Value.Reveal())
		}
		if open := w.open(); w.status(made.Key) != "active" || len(open) != 1 || open[0].Text("outcome") != leaks.OutcomeAlert {
			t.Fatalf("%s, notices %+v", w.status(made.Key), open)
		}
		for range 3 {
			w.report(leaks.Reporter{Name: "Whoever has it", Force: true}, "  "+made.Value.Reveal()+"\n")
		}
		open := w.open()
		if w.status(made.Key) != "deactivated" || len(open) != 1 || open[0].Text("outcome") != leaks.OutcomeEnded || open[0].Text("reporter") != "Whoever has it" {
			t.Errorf("%s, notices %+v", w.status(made.Key), open)
		}
		if log := w.audited(made.Key, "api_key.leaked"); len(log) != 2 {
			t.Errorf("log %v", log)
		}
	})
}

func TestALeakedOldValueEndsAndTheNewOneStays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Rotating", alertOnly)
		rotated := w.rotate(made.Key, 24*time.Hour)
		if v := w.report(github, made.Value.Reveal()); !v[0].Known {
			t.Fatal("the old value is unknown")
		}
		if _, err := w.keys.Authenticate(t.Context(), made.Value.Reveal(), ""); err != keys.ErrExpired {
			t.Errorf("the old value: %v", err)
		}
		if _, err := w.keys.Authenticate(t.Context(), rotated.Value.Reveal(), ""); err != nil {
			t.Errorf("the new value: %v", err)
		}
		if open := w.open(); len(open) != 1 || open[0].Text("value") != keys.ValuePrevious || open[0].Text("outcome") != leaks.OutcomeEnded {
			t.Errorf("notices %+v", open)
		}
	})
}

func TestAValueThatHadEndedIsToldOfAndEndsNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Rotated")
		w.rotate(made.Key, 0)
		if v := w.report(leaks.Reporter{Name: "x", Force: true}, made.Value.Reveal()); !v[0].Known {
			t.Fatal("a retired value is unknown")
		}
		if open := w.open(); w.status(made.Key) != "active" || len(open) != 1 || open[0].Text("value") != keys.ValueRetired || open[0].Text("outcome") != leaks.OutcomeOver {
			t.Errorf("%s, notices %+v", w.status(made.Key), open)
		}
		ended := w.create("Ended")
		if _, err := w.keys.Revoke(t.Context(), w.owner, ended.Key.ID); err != nil {
			t.Fatal(err)
		}
		w.report(github, ended.Value.Reveal())
		if open := w.open(); len(open) != 2 || open[0].Text("outcome") != leaks.OutcomeOver {
			t.Errorf("notices %+v", open)
		}
	})
}

func TestAnImportedKeyIsKnownByItsValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.imported("Legacy", "legacy-7f3a9c", "legacy")
		if v := w.report(github, "legacy-7f3a9c"); !v[0].Known || w.status(key) != "deactivated" {
			t.Errorf("verdict %+v, %s", v, w.status(key))
		}
	})
}

func TestParallelReportsOfOneValueTellOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Leaked")
		var work sync.WaitGroup
		for range 12 {
			work.Go(func() {
				if _, err := w.s.Report(t.Context(), github, []leaks.Token{{Value: made.Value.Reveal()}, {Value: made.Value.Reveal()}}); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		if n, m := len(w.open()), len(w.audited(made.Key, "api_key.leaked")); n != 1 || m != 1 {
			t.Errorf("%d notices, %d entries", n, m)
		}
	})
}

func TestNothingThatIsKeptOfAReportHoldsTheSecret(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made, foreign := w.create("Leaked"), "foreign-0123456789-abcdefghij"
		w.imported("Legacy", foreign, "foreign-01")
		var tokens []leaks.Token
		for _, v := range []string{made.Value.Reveal(), foreign} {
			tokens = append(tokens, leaks.Token{Value: v, Type: v, Source: "a\x00b\n" + v, URL: "https://x.example/?k=" + v + "&long=" + strings.Repeat("é", 900)})
		}
		tokens[0].URL = "javascript:alert('" + made.Value.Reveal() + "')"
		if _, err := w.s.Report(t.Context(), github, tokens); err != nil {
			t.Fatal(err)
		}
		open := w.open()
		if len(open) != 2 || open[1].Text("url") != "" || !strings.HasPrefix(open[0].Text("url"), "https://x.example/?k=[key]&long=é") {
			t.Errorf("notices %+v", open)
		}
		for _, n := range open {
			secretless(t, "a notice", string(n.Data)+n.Dedup, made.Value.Reveal(), foreign)
			if n.Text("source") != "ab[key]" || len([]rune(n.Text("url"))) > 501 {
				t.Errorf("source %q", n.Text("source"))
			}
		}
	})
}

func TestAReportOfTooManyTokensIsRefusedWhole(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Safe")
		tokens := make([]leaks.Token, leaks.MaxTokens+1)
		tokens[0].Value = made.Value.Reveal()
		if _, err := w.s.Report(t.Context(), github, tokens); !fault.Is(err, fault.Invalid) || w.status(made.Key) != "active" {
			t.Errorf("%v, %s", err, w.status(made.Key))
		}
		if v, err := w.s.Report(t.Context(), github, nil); err != nil || len(v) != 0 {
			t.Errorf("no tokens: %v, %v", v, err)
		}
	})
}

package signals_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/signals"
	"latchkey/models"
)

func TestSignalFiltersNarrowTheList(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		second := w.apiKey(w.mine, "Staging", models.Live)
		plain := w.signal(50*time.Hour, nil)
		other := w.signal(time.Hour, func(s *models.Signal) {
			s.APIKeyID, s.Source, s.Event, s.Email, s.UserID, s.MessageID = second, "hubspot", "Deal 100% Won", "bob@example.com", "User-7", "msg_1"
			s.Kind = "group"
		})
		w.signal(0, func(s *models.Signal) { s.Environment = models.Test })
		alien := w.signal(0, func(s *models.Signal) { s.WorkspaceID, s.APIKeyID = w.other.WorkspaceID, w.alien })
		cases := map[string]struct {
			f    signals.Filter
			want []string
		}{
			"all":               {signals.Filter{}, []string{other.ID, plain.ID}},
			"event":             {signals.Filter{Event: "Deal 100% Won"}, []string{other.ID}},
			"email":             {signals.Filter{Email: " BOB@example.com"}, []string{other.ID}},
			"event and email":   {signals.Filter{Event: "form_submitted", Email: "bob@example.com"}, nil},
			"kind":              {signals.Filter{Kind: "group"}, []string{other.ID}},
			"source":            {signals.Filter{Source: "hubspot"}, []string{other.ID}},
			"key":               {signals.Filter{KeyID: second}, []string{other.ID}},
			"request":           {signals.Filter{RequestID: plain.RequestID}, []string{plain.ID}},
			"from":              {signals.Filter{From: noon.Add(-time.Hour)}, []string{other.ID}},
			"to":                {signals.Filter{To: noon.Add(-time.Hour)}, []string{plain.ID}},
			"search id":         {signals.Filter{Search: other.ID}, []string{other.ID}},
			"search request id": {signals.Filter{Search: strings.ToUpper(plain.RequestID)}, []string{plain.ID}},
			"search address":    {signals.Filter{Search: "Bob@Example.com"}, []string{other.ID}},
			"search part":       {signals.Filter{Search: "deal 100%"}, []string{other.ID}},
			"search user":       {signals.Filter{Search: "user-7"}, []string{other.ID}},
			"search message id": {signals.Filter{Search: "MSG_1"}, []string{other.ID}},
			"search wildcard":   {signals.Filter{Search: "msg%1"}, nil},
			"alien id":          {signals.Filter{Search: alien.ID}, nil},
			"alien key":         {signals.Filter{KeyID: w.alien}, nil},
		}
		for name, c := range cases {
			sameIDs(t, name, signalIDs(w.signals(c.f).Items), c.want...)
		}
		if _, err := w.s.Signal(t.Context(), w.mine, alien.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another workspace's signal: %v", err)
		}
		if _, err := w.s.Signal(t.Context(), w.mine, "x"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no id: %v", err)
		}
	})
}

func TestASignalKeepsItsBytesAndNamesItsKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		raw := "\xef\xbb\xbf{\"event\":\"x\\u0000\\ud800\",\"n\":12345678901234567890.10}\n"
		stored := w.signal(0, func(s *models.Signal) { s.Raw, s.Warnings = []byte(raw), "sanitised,no_identity" })
		got, err := w.s.Signal(t.Context(), w.mine, stored.ID)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Raw) != raw || got.KeyName != "Production" || len(got.WarningCodes()) != 2 {
			t.Errorf("signal: %q %q %v", got.Raw, got.KeyName, got.WarningCodes())
		}
	})
}

func TestCleanReplacesOnlyWhatCannotBeStored(t *testing.T) {
	for in, want := range map[string]string{
		`{"n":1.10e400,"a":"b"}`:                    `{"n":1.10e400,"a":"b"}`,
		`{"a":"x\u0000y"}`:                          `{"a":"x\ufffdy"}`,
		`{"a":"\\u0000"}`:                           `{"a":"\\u0000"}`,
		`{"a":"\\\u0000"}`:                          `{"a":"\\\ufffd"}`,
		`{"a":"\ud83d\ude00"}`:                      `{"a":"\ud83d\ude00"}`,
		`{"a":"\ud83d"}`:                            `{"a":"\ufffd"}`,
		`{"a":"\ud83d\u0041"}`:                      `{"a":"\ufffd\u0041"}`,
		`{"a":"\uDC00\uD800\uDC00"}`:                `{"a":"\ufffd\uD800\uDC00"}`,
		"{\"a\":\"\xff\"}":                          "{\"a\":\"\uFFFD\"}",
		"\xef\xbb\xbf {\"a\":\"\\n\\\"\\u00e9\"}\n": `{"a":"\n\"\u00e9"}`,
		`{"a":"\u00`:                                `{"a":"\u00`,
		`\`:                                         `\`,
	} {
		if got := string(signals.Clean([]byte(in))); got != want {
			t.Errorf("%q:\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestExportsAreCompleteAndHarmlessInASpreadsheet(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for _, event := range []string{"=HYPERLINK(\"http://evil\")", "+1", "-1", "@x", "\tx", "\rx", "plain, \"quoted\"\nline"} {
			w.signal(time.Minute, func(s *models.Signal) {
				s.Event, s.Raw = event, []byte("{\n \"n\": 10000000000000000001, \"html\": \"<b>\", \"z\": \"\\u0000\" }")
			})
		}
		w.signal(time.Minute, func(s *models.Signal) { s.WorkspaceID = w.other.WorkspaceID })
		f := signals.Filter{Environment: models.Live}

		var out bytes.Buffer
		if err := w.s.WriteCSV(t.Context(), w.mine, f, &out); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 8 || rows[0][1] != "event" || rows[1][1] != "plain, \"quoted\"\nline" {
			t.Fatalf("rows: %q", rows)
		}
		for _, row := range rows[2:] {
			if !strings.HasPrefix(row[1], "'") {
				t.Errorf("a formula: %q", row[1])
			}
		}

		out.Reset()
		if err := w.s.WriteNDJSON(t.Context(), w.mine, f, &out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 7 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) || !strings.Contains(line, `"payload":{"n":10000000000000000001,"html":"<b>","z":"\ufffd"}`) ||
				!strings.Contains(line, `"warnings":[]`) || !strings.Contains(line, `"key":"Production"`) {
				t.Errorf("line: %s", line)
			}
		}
	})
}

func TestAnExportSpansPagesAndLargePayloads(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.s.LookThrough(100)
		var batch []models.Signal
		for i := range 1203 {
			raw := []byte(`{"event":"x"}`)
			if i%400 == 0 {
				raw = []byte(`{"event":"` + strings.Repeat("x", 3<<20) + `"}`)
			}
			at := noon.Add(-time.Duration(i) * time.Second)
			batch = append(batch, models.Signal{
				ID: w.id(at), WorkspaceID: w.mine.WorkspaceID, Environment: models.Live, APIKeyID: w.key, RequestID: w.id(at),
				Event: "x", Source: []string{"", "segment"}[i%2], OccurredAt: models.At(at), ReceivedAt: models.At(at), Raw: raw,
			})
		}
		if err := db.Write.CreateInBatches(batch, 500).Error; err != nil {
			t.Fatal(err)
		}
		for f, want := range map[signals.Filter]int{{}: 1203, {Source: "segment"}: 601} {
			f.Environment = models.Live
			seen, bytes := map[string]bool{}, 0
			err := w.s.Each(t.Context(), w.mine, f, func(i signals.SignalItem) error {
				seen[i.ID] = true
				bytes += len(i.Raw)
				return nil
			})
			if err != nil || len(seen) != want || bytes == 0 {
				t.Errorf("%+v: %d signals, %v", f, len(seen), err)
			}
		}
	})
}

func TestReadingNeedsARole(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	nobody := access.Actor{WorkspaceID: w.mine.WorkspaceID}
	ctx := t.Context()
	calls := map[string]func() error{
		"Requests":      func() error { _, err := w.s.Requests(ctx, nobody, signals.RequestFilter{}); return err },
		"Request":       func() error { _, err := w.s.Request(ctx, nobody, w.key); return err },
		"RequestsSince": func() error { _, err := w.s.RequestsSince(ctx, nobody, signals.RequestFilter{}, noon); return err },
		"Follow":        func() error { _, err := w.s.Follow(ctx, nobody, signals.RequestFilter{}); return err },
		"Signals":       func() error { _, err := w.s.Signals(ctx, nobody, signals.Filter{}); return err },
		"Signal":        func() error { _, err := w.s.Signal(ctx, nobody, w.key); return err },
		"Each":          func() error { return w.s.Each(ctx, nobody, signals.Filter{}, nil) },
		"Today":         func() error { _, err := w.s.Today(ctx, nobody, models.Live, time.UTC); return err },
		"Progress":      func() error { _, err := w.s.Progress(ctx, nobody, models.Live); return err },
		"KeyNames":      func() error { _, err := w.s.KeyNames(ctx, nobody, models.Live); return err },
	}
	for name, call := range calls {
		if err := call(); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTodayBeginsAtMidnightOfTheReadersZone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		usage := func(at time.Time, env string, accepted, duplicates, rejected int64) {
			w.create(&models.KeyUsageMinute{
				APIKeyID: w.key, Minute: at.Unix() / 60, WorkspaceID: w.mine.WorkspaceID, Environment: env,
				Accepted: accepted, Duplicates: duplicates, Rejected: rejected,
			})
		}
		usage(noon.Add(-time.Hour), models.Live, 5, 2, 1)
		usage(noon.Add(-13*time.Hour), models.Live, 100, 0, 10) // yesterday in UTC, today in Auckland
		usage(noon.Add(-30*time.Minute), models.Test, 1000, 0, 0)
		auckland := time.FixedZone("Auckland", 13*3600)
		for zone, want := range map[*time.Location]signals.Numbers{time.UTC: {Accepted: 7, Rejected: 1}, auckland: {Accepted: 7, Rejected: 1}} {
			got, err := w.s.Today(t.Context(), w.mine, models.Live, zone)
			if err != nil || got != want {
				t.Errorf("%v: %+v, %v", zone, got, err)
			}
		}
		w.now = noon.Add(-90 * time.Minute) // 23:30 in Auckland: its day began 13:00 hours ago
		got, err := w.s.Today(t.Context(), w.mine, models.Live, time.FixedZone("", 13*3600))
		if err != nil || got != (signals.Numbers{Accepted: 107, Rejected: 11}) {
			t.Errorf("across UTC's midnight: %+v, %v", got, err)
		}
	})
}

func TestProgressTicksOffWhatIsThere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		look := func(env string) signals.Progress {
			p, err := w.s.Progress(t.Context(), w.mine, env)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if p := look(models.Test); p != (signals.Progress{}) {
			t.Errorf("nothing yet: %+v", p)
		}
		if p := look(models.Live); p != (signals.Progress{HasKey: true}) {
			t.Errorf("a key: %+v", p)
		}
		w.request(0, rejectedFor("invalid_json", 400))
		if p := look(models.Live); !p.HasRequest || p.FirstSignal != "" {
			t.Errorf("a refused request: %+v", p)
		}
		first := w.signal(time.Minute, nil)
		w.signal(0, nil)
		if p := look(models.Live); p.FirstSignal != first.ID {
			t.Errorf("a signal: %+v", p)
		}
	})
}

// code is the shape of an error code among the other string literals.
var code = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

func TestEveryCodeThatTheGatewayAnswersHasItsReason(t *testing.T) {
	var codes []string
	for _, dir := range []string{"../ingest", "../../handlers/gateway"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				codes = append(codes, codesIn(t, file)...)
			}
		}
	}
	if len(codes) < 25 {
		t.Fatalf("only %d codes found: %v", len(codes), codes)
	}
	if missing := signals.MissingReasons(codes); len(missing) > 0 {
		t.Errorf("codes without a reason: %v", missing)
	}
}

// codesIn finds refuse(status, "code", ...) and Code: "code".
func codesIn(t *testing.T, file string) []string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	keep := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && code.MatchString(text) {
				codes = append(codes, text)
			}
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && strings.HasPrefix(name.Name, "refus") && len(n.Args) > 1 {
				keep(n.Args[1])
			}
		case *ast.KeyValueExpr:
			if name, ok := n.Key.(*ast.Ident); ok && name.Name == "Code" {
				keep(n.Value)
			}
		}
		return true
	})
	return codes
}

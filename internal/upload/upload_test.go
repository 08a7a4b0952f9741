package upload_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/handlers"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
	"latchkey/internal/upload"
)

// options import content from a file of its own.
func options(t *testing.T, a *apptest.App, name string, content []byte) upload.Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, content)
	return upload.Options{
		URL: a.URL, Key: a.NewKey(t).Value.Reveal(), File: path, StateFile: upload.StateFile(path), PartBytes: 4096,
		Say: func(text string) { t.Log(text) },
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, o upload.Options) upload.Counts {
	t.Helper()
	counts, err := upload.New(o).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func ndjson(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "{\"event\":\"row\",\"userId\":\"u-%d\",\"properties\":{\"text\":\"a \\\" ] , \\\\ \"}}\n", i)
	}
	return b.Bytes()
}

func array(n int) []byte {
	lines := strings.Split(strings.TrimSpace(string(ndjson(n))), "\n")
	return []byte("\xef\xbb\xbf\n[\n  " + strings.Join(lines, " ,\r\n  ") + "\n]\n")
}

func zipped(text []byte) []byte {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	_, _ = zip.Write(text)
	_ = zip.Close()
	return b.Bytes()
}

func TestEveryFormIsStoredWhole(t *testing.T) {
	const n = 500
	pretty := []byte(strings.ReplaceAll(string(array(n)), `,"properties"`, ",\n\t\"properties\""))
	for name, content := range map[string][]byte{
		"lines": ndjson(n), "no last end": bytes.TrimSpace(ndjson(n)), "lines.gz": zipped(ndjson(n)),
		"array": array(n), "array.gz": zipped(array(n)), "pretty array": pretty,
		"blank lines": bytes.ReplaceAll(ndjson(n), []byte("\n"), []byte("\r\n\r\n")),
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.Start(t, apptest.SQLite(t))
			o := options(t, a, name, content)
			if got := run(t, o); got != (upload.Counts{Accepted: n}) || a.CountSignals(t) != n {
				t.Fatalf("%+v, %d stored", got, a.CountSignals(t))
			}
			if got := run(t, o); got.Accepted != n {
				t.Errorf("run again: %+v", got)
			}
			o.Restart = true
			if got := run(t, o); got != (upload.Counts{Duplicates: n}) || a.CountSignals(t) != n {
				t.Errorf("sent again: %+v, %d stored", got, a.CountSignals(t))
			}
			o.File, o.StateFile, o.Stream, o.ID = "", "", bytes.NewReader(content), "import-another"
			if got := run(t, o); got != (upload.Counts{Accepted: n}) || a.CountSignals(t) != 2*n {
				t.Errorf("as a stream: %+v, %d stored", got, a.CountSignals(t))
			}
		})
	}
}

func TestRefusedLinesAreAllListed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		lines := strings.Split(strings.TrimSpace(string(ndjson(6000))), "\n")
		want := map[int64]string{}
		for i := range lines {
			if i%2 == 0 && i < 5000 || i == 5999 {
				lines[i] = fmt.Sprintf(`{"noevent":%d}`, i)
				want[int64(i+1)] = lines[i]
			}
		}
		lines[4] = "[1]"
		want[5] = "[1]"
		o := options(t, a, "f", []byte(strings.Join(lines, "\n")))
		o.PartBytes, o.Rejects = 1<<20, filepath.Join(t.TempDir(), "rejects")
		told := 0
		o.Refused = func(upload.Refused) { told++ }
		got := run(t, o)
		if got.Rejected != int64(len(want)) || got.Accepted != int64(6000-len(want)) || got.Duplicates != 0 || told != len(want) || a.CountSignals(t) != 6000-len(want) {
			t.Errorf("%+v of %d, %d told, %d stored", got, len(want), told, a.CountSignals(t))
		}
		text, err := os.ReadFile(o.Rejects)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var r upload.Refused
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			if want[r.Line] != string(r.Item) || r.Code == "" {
				t.Errorf("%s", line)
			}
			delete(want, r.Line)
		}
		if len(want) > 0 {
			t.Errorf("%d are missing", len(want))
		}
	})
}

// shaky stands before an instance and breaks what passes.
func shaky(t *testing.T, a *apptest.App, spoil func(n int64, w http.ResponseWriter, pass http.Handler, r *http.Request)) string {
	t.Helper()
	to, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { spoil(n.Add(1), w, proxy, r) }))
	t.Cleanup(s.Close)
	return s.URL
}

func TestALostAnswerStoresNothingTwice(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		const n = 300
		o := options(t, a, "f", ndjson(n))
		o.URL = shaky(t, a, func(i int64, w http.ResponseWriter, pass http.Handler, r *http.Request) {
			switch i {
			case 1, 3: // stored, and the answer lost
				pass.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			case 2:
				w.Header().Set("Retry-After", "1")
				http.Error(w, "<html>busy", http.StatusServiceUnavailable)
			case 4: // half a part
				r.Body = http.MaxBytesReader(w, r.Body, 2000)
				pass.ServeHTTP(w, r)
			default:
				pass.ServeHTTP(w, r)
			}
		})
		got := run(t, o)
		if got.Accepted+got.Duplicates != n || got.Duplicates == 0 || a.CountSignals(t) != n {
			t.Errorf("%+v, %d stored", got, a.CountSignals(t))
		}
	})
}

func TestAnInterruptedImportGoesOnWhereItWas(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	const n = 1000
	o := options(t, a, "f.gz", zipped(array(n)))
	ctx, cancel := context.WithCancel(t.Context())
	o.URL = shaky(t, a, func(i int64, w http.ResponseWriter, pass http.Handler, r *http.Request) {
		if pass.ServeHTTP(w, r); i == 5 {
			cancel()
		}
	})
	if _, err := upload.New(o).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	stored := a.CountSignals(t)
	if stored == 0 || stored == n {
		t.Fatalf("%d stored", stored)
	}
	if got := run(t, o); got.Accepted+got.Duplicates != n || a.CountSignals(t) != n {
		t.Errorf("%+v, %d stored", got, a.CountSignals(t))
	}
}

func TestAnImportThatIsOfNoUseSaysWhy(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(`{"hello":1}`)) }))
	t.Cleanup(other.Close)
	for name, tc := range map[string]struct {
		change func(t *testing.T, o *upload.Options)
		want   string
	}{
		"a key that is over": {func(t *testing.T, o *upload.Options) { o.Key = o.Key[:len(o.Key)-1] + "!" }, "invalid_api_key"},
		"another server":     {func(_ *testing.T, o *upload.Options) { o.URL = other.URL }, "does not look like Latchkey"},
		"no address":         {func(_ *testing.T, o *upload.Options) { o.URL = "latchkey" }, "is no address"},
		"no file":            {func(_ *testing.T, o *upload.Options) { o.File += "x" }, "no such file"},
		"an array cut off":   {func(t *testing.T, o *upload.Options) { write(t, o.File, bytes.TrimRight(array(300), "]\n")) }, "breaks off after item 299"},
		"after the array":    {func(t *testing.T, o *upload.Options) { write(t, o.File, append(array(3), '{')) }, "more follows"},
		"two commas":         {func(t *testing.T, o *upload.Options) { write(t, o.File, []byte(`[{"event":"a"},,1]`)) }, "nothing between"},
		"no gzip":            {func(t *testing.T, o *upload.Options) { write(t, o.File, []byte("\x1f\x8bnothing")) }, "none"},
		"a wrong state":      {func(t *testing.T, o *upload.Options) { write(t, o.StateFile, []byte("{}")) }, "no state"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, a, "f", ndjson(2000))
			tc.change(t, &o)
			if _, err := upload.New(o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), o.Key) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAChangedFileIsNoticed(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	o := options(t, a, "f", ndjson(10))
	run(t, o)
	write(t, o.File, append(ndjson(10), `{"event":"more"}`...))
	if _, err := upload.New(o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "has changed since") {
		t.Fatalf("%v", err)
	}
	o.Restart = true
	if got := run(t, o); got != (upload.Counts{Accepted: 1, Duplicates: 10}) {
		t.Errorf("the grown file: %+v", got)
	}
	o.Restart, o.URL = false, strings.Replace(o.URL, "127.0.0.1", "localhost", 1)
	if _, err := upload.New(o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "keep to that address") {
		t.Errorf("another instance: %v", err)
	}
	o = options(t, a, "g", ndjson(400))
	o.Refused = nil
	o.URL = shaky(t, a, func(i int64, w http.ResponseWriter, pass http.Handler, r *http.Request) {
		if pass.ServeHTTP(w, r); i == 2 {
			_ = os.Chtimes(o.File, time.Now(), time.Now().Add(time.Hour))
		}
	})
	if _, err := upload.New(o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "was changed while") {
		t.Errorf("changed meanwhile: %v", err)
	}
}

func TestASecretIsSentAndAPartThatIsTooLargeIsHalved(t *testing.T) {
	limits := ingest.DefaultLimits
	limits.BulkBody = 100 << 10
	a := apptest.Start(t, apptest.SQLite(t), func(o *app.Options, _ *handlers.Options) { o.Limits = limits })
	made := a.NewKey(t, func(f *keys.CreateForm) { f.WithSecret = true })
	o := options(t, a, "f.gz", zipped(ndjson(5000)))
	o.Key, o.Secret, o.PartBytes = made.Value.Reveal(), made.Secret.Reveal(), 1<<20
	if got := run(t, o); got.Accepted+got.Duplicates != 5000 || a.CountSignals(t) != 5000 {
		t.Errorf("%+v", got)
	}
	o.Secret, o.Restart = "wrong", true
	if _, err := upload.New(o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "invalid_api_secret") {
		t.Errorf("%v", err)
	}
}

// TestWhatIsRefusedBehindACutIsSentAgain: an upload that breaks may have listed lines behind the one
// to go on from.
func TestWhatIsRefusedBehindACutIsSentAgain(t *testing.T) {
	var from []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if from = append(from, r.URL.Query().Get("from_line")); len(from) > 1 {
			_, _ = w.Write([]byte(`{"status":"accepted","received":6,"accepted":6}`))
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"incomplete","received":9,"accepted":3,"rejected":5,"resume_from_line":5,"error":{"code":"stopping","message":"Stopping."},
			"errors":[{"line":2,"error":{"code":"a","message":"b"}},{"line":9,"error":{"code":"a","message":"b"}}]}`))
	}))
	t.Cleanup(s.Close)
	counts, err := upload.New(upload.Options{URL: s.URL, Key: "k", Stream: bytes.NewReader(ndjson(10))}).Run(t.Context())
	if err != nil || counts != (upload.Counts{Accepted: 9, Rejected: 1}) || len(from) != 2 || from[1] != "5" {
		t.Errorf("%v: %+v, from lines %v", err, counts, from)
	}
}

package gateway_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/handlers"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ingest"
)

func bulk(t *testing.T, a *apptest.App) string {
	return "/api/signal-staging/bulk/" + a.NewKey(t).Value.Reveal()
}

func TestBulkTakesEveryForm(t *testing.T) {
	for name, tc := range map[string]struct {
		body     string
		accepted int
	}{
		"lines":                    {"{\"event\":\"a\"}\n{\"event\":\"b\"}\n", 2},
		"CRLF, blank, no last end": {"{\"event\":\"a\"}\r\n\r\n{\"event\":\"b\"}", 2},
		"array after a line end":   {"\n[{\"event\":\"a\"},\n{\"event\":\"b\"}]\n", 2},
		"envelope on a line":       {`{"batch":[{"event":"a"},{"event":"b"}],"sentAt":"2026-01-01T00:00:00Z"}`, 2},
		"envelope over lines":      {"{\n \"api_key\": {\"a\":[1]},\n \"events\": [\n  {\"event\":\"a\"}\n ]\n}\n", 1},
		"one pretty object":        {"{\n \"event\": \"a\",\n \"properties\": {\n  \"x\": 1\n }\n}\n", 1},
		"an event with a batch":    {"{\n \"event\": \"a\",\n \"batch\": [\n 1\n ]\n}", 1},
		"byte order mark":          {"\xef\xbb\xbf{\"event\":\"a\"}", 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.Start(t, apptest.SQLite(t))
			got := a.Post(t, bulk(t, a), tc.body)
			if got.Status != 200 || a.CountSignals(t) != tc.accepted {
				t.Errorf("answer %d %s, stored %d", got.Status, got.Body, a.CountSignals(t))
			}
		})
	}
}

func TestBulkDropsNothingSilently(t *testing.T) {
	for name, tc := range map[string]struct {
		body, code string
		stored     int
	}{
		"after the array":     {`[{"event":"a"}] {"event":"b"}`, "invalid_body", 1},
		"a second array":      {"[{\"event\":\"a\"}]\n[{\"event\":\"b\"}]", "invalid_body", 1},
		"two lists":           {"{\n\"batch\":[{\"event\":\"a\"}],\n\"events\":[{\"event\":\"b\"}]}", "invalid_body", 1},
		"a list and an event": {"{\n\"batch\":[{\"event\":\"a\"}],\n\"event\":\"b\"}", "invalid_body", 1},
		"cut in an array":     {`[{"event":"a"},`, "invalid_json", 1},
		"empty list":          {"[]", "empty_batch", 0},
		"empty envelope":      {`{"batch":[]}`, "empty_batch", 0},
		"nothing":             {" \n", "empty_body", 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.Start(t, apptest.SQLite(t))
			got := a.Post(t, bulk(t, a), tc.body)
			if got.Status != 400 || got.Code(t) != tc.code || a.CountSignals(t) != tc.stored {
				t.Errorf("answer %d %s, stored %d", got.Status, got.Body, a.CountSignals(t))
			}
			if line := a.Logged(t, got.Header.Get("X-Request-Id")); line.Status != got.Status || line.Code != tc.code {
				t.Errorf("the log says %d %s", line.Status, line.Code)
			}
		})
	}
}

func TestABatchOfTwoListsIsRefusedWhole(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t)
	for _, body := range []string{`{"batch":[{"event":"a"}],"events":[{"event":"b"}]}`, `{"batch":[{"event":"a"}],"batch":[{"event":"b"}]}`} {
		if got := a.Post(t, webhook(k), body); got.Status != 400 || got.Code(t) != "invalid_body" {
			t.Errorf("%s: %d %s", body, got.Status, got.Body)
		}
	}
	for _, body := range []string{`{"event_name":"outer","batch":[{"event":"a"}]}`, `{"Batch":[{"event":"a"}],"event":"x"}`} {
		if got := a.Post(t, webhook(k), body); got.Status != 200 || got.JSON(t)["id"] == nil {
			t.Errorf("%s: %d %s", body, got.Status, got.Body)
		}
	}
	if n := a.CountSignals(t); n != 2 {
		t.Errorf("stored %d", n)
	}
}

func TestBlankMessageIDsDoNotMakeEventsTheSame(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		for _, id := range []string{`" "`, `"\u00a0"`, `"\u0000"`, `""`} {
			for _, user := range []string{"u", "v"} {
				if v := a.Post(t, webhook(k), `{"event":"x","userId":"`+user+`","messageId":`+id+`}`).JSON(t); v["duplicate"] != false {
					t.Errorf("%s of %s: %v", id, user, v)
				}
			}
		}
	})
}

func TestParametersThatAreNotUnderstoodAreRefused(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t)
	for path, field := range map[string]string{
		webhook(k) + "/batch?atomic=yes":                "atomic",
		webhook(k) + "?results=none":                    "results",
		bulk(t, a) + "?atomic=true":                     "atomic",
		bulk(t, a) + "?from_line=0":                     "from_line",
		bulk(t, a) + "?from_line=abc":                   "from_line",
		bulk(t, a) + "?from_line=999999999999999999999": "from_line",
	} {
		got := a.Post(t, path, form)
		if got.Status != 400 || got.Code(t) != "invalid_parameter" || got.JSON(t)["error"].(map[string]any)["field"] != field {
			t.Errorf("%s: %d %s", field, got.Status, got.Body)
		}
	}
	if got := a.Post(t, webhook(k)+"/batch?atomic=1", `[{"event":"a"},{}]`); got.Status != 400 || a.CountSignals(t) != 0 {
		t.Errorf("atomic=1: %d %s", got.Status, got.Body)
	}
	if got := a.Post(t, "/api/signal-staging/webhook/Bad-Source/"+strings.Repeat("x", 40), form); got.Code(t) != "invalid_api_key" {
		t.Errorf("an unknown key is told about its source: %s", got.Body)
	}
}

func TestABigUploadMayNameItsLength(t *testing.T) {
	limits := ingest.DefaultLimits
	limits.QueueBytes = 2 << 20
	a := apptest.Start(t, apptest.SQLite(t), func(o *app.Options, _ *handlers.Options) { o.Limits = limits })
	body := strings.Repeat(`{"event":"row","pad":"`+strings.Repeat("x", 1000)+"\"}\n", 4000)
	if got := a.Post(t, bulk(t, a), body); got.Status != 200 || a.CountSignals(t) != 4000 {
		t.Errorf("answer %d %s", got.Status, got.Body)
	}
	if got := a.Post(t, webhook(a.NewKey(t)), body); got.Status != 413 || got.Code(t) != "payload_too_large" {
		t.Errorf("over the URL's limit: %d %s", got.Status, got.Body)
	}
}

func TestAStoppingServerTellsAnUploadWhereToGoOn(t *testing.T) {
	stopping := make(chan struct{})
	a := apptest.Start(t, apptest.SQLite(t), func(_ *app.Options, o *handlers.Options) { o.Stopping = stopping })
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, strings.Repeat("{\"event\":\"a\"}\n", 1500))
		apptest.Eventually(t, "a first chunk", func() bool { return a.CountSignals(t) > 0 })
		close(stopping)
		<-t.Context().Done()
		_ = w.Close()
	}()
	got := a.Send(t, http.MethodPost, bulk(t, a), r)
	v := got.JSON(t)
	if got.Status != 503 || got.Code(t) != "stopping" || got.Header.Get("Retry-After") == "" {
		t.Fatalf("answer %d %s", got.Status, got.Body)
	}
	stored := a.CountSignals(t)
	if v["accepted"] != json.Number(itoa(stored)) || v["resume_from_line"] != json.Number(itoa(stored+1)) {
		t.Errorf("stored %d, answer %s", stored, got.Body)
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestARefusalDoesNotWaitForABodyThatNeverComes(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	for _, path := range []string{"/api/signal-staging/webhook/nokey", "/api/nowhere"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		text, err := io.ReadAll(conn)
		_ = conn.Close()
		if err != nil || !strings.Contains(string(text), "HTTP/1.1 40") {
			t.Errorf("%s: %v, %q", path, err, text)
		}
	}
}

func TestBulkStoresAStreamAndNamesItsBadLines(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		path := "/api/signal-staging/bulk/" + a.NewKey(t).Value.Reveal()
		const total = 5000
		bad := map[int]string{1: "not json", 777: `{"noevent":1}`, total: `[1]`}
		var lines bytes.Buffer
		zip := gzip.NewWriter(&lines)
		for i := 1; i <= total; i++ {
			if text, ok := bad[i]; ok {
				_, _ = fmt.Fprintln(zip, text)
				continue
			}
			_, _ = fmt.Fprintf(zip, "{\"event\":\"row\",\"userId\":\"%d\"}\n", i)
		}
		_ = zip.Close()
		body := lines.Bytes()
		headers := []string{"Content-Type", "application/x-ndjson", "Content-Encoding", "gzip", "Idempotency-Key", "upload-1"}
		got := a.Send(t, "POST", path, bytes.NewReader(body), headers...)
		v := got.JSON(t)
		if got.Status != 207 || v["accepted"] != json.Number("4997") || v["rejected"] != json.Number("3") || a.CountSignals(t) != 4997 {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		for _, e := range v["errors"].([]any) {
			line, _ := e.(map[string]any)["line"].(json.Number).Int64()
			if _, ok := bad[int(line)]; !ok {
				t.Errorf("line %d is named as bad", line)
			}
		}
		again := a.Send(t, "POST", path, bytes.NewReader(body), headers...).JSON(t)
		if again["accepted"] != json.Number("0") || again["duplicates"] != json.Number("4997") {
			t.Errorf("sent again: %v", again)
		}
	})
}

func TestBulkTakesAnArrayAndABrokenOneResumes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		path := "/api/signal-staging/bulk/" + a.NewKey(t).Value.Reveal()
		if got := a.Post(t, path, `[{"event":"a"},{"event":"b"}]`); got.Status != 200 || a.CountSignals(t) != 2 {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		got := a.Post(t, path, `[{"event":"a"},{"event":"b"},{"eve`)
		v := got.JSON(t)
		if got.Status != 400 || v["status"] != "incomplete" || v["resume_from_line"] != json.Number("3") || a.CountSignals(t) != 4 {
			t.Fatalf("answer %d %s, stored %d", got.Status, got.Body, a.CountSignals(t))
		}
	})
}

func TestAGzipBombIsCutAtTheLimit(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write([]byte(`{"event":"`))
	_, _ = zip.Write(bytes.Repeat([]byte("x"), 200<<20))
	_ = zip.Close()
	got := a.Send(t, "POST", webhook(a.NewKey(t)), bytes.NewReader(bomb.Bytes()), "Content-Encoding", "gzip")
	if got.Status != 413 || got.Code(t) != "payload_too_large" {
		t.Errorf("answer %d %s", got.Status, got.Body)
	}
}

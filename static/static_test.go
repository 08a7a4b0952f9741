package static_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"latchkey/static"
)

func get(t *testing.T, url string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var names = map[string]string{
	"app.css":                     "text/css; charset=utf-8",
	"app.js":                      "text/javascript; charset=utf-8",
	"htmx.min.js":                 "text/javascript; charset=utf-8",
	"hx-sse.min.js":               "text/javascript; charset=utf-8",
	"favicon.svg":                 "image/svg+xml",
	"fonts/inter-latin.woff2":     "font/woff2",
	"fonts/inter-latin-ext.woff2": "font/woff2",
}

func TestFilesHaveHashedAddressesThatMayBeKeptForEver(t *testing.T) {
	for name, kind := range names {
		url := static.URL(name)
		if !regexp.MustCompile(`\.[0-9a-f]{12}\.[a-z0-9]+$`).MatchString(url) {
			t.Errorf("%s has no hash", url)
		}
		res := get(t, url)
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %d %s", name, res.StatusCode, res.Header.Get("Content-Type"))
		}
		if c := res.Header.Get("Cache-Control"); !strings.Contains(c, "immutable") {
			t.Errorf("%s: Cache-Control %q", name, c)
		}
	}
}

func TestOnlyCurrentAddressesAreServed(t *testing.T) {
	for _, url := range []string{"/static/", "/static/app.css", "/static/app.000000000000.css", "/static/../go.mod", "/static/src/app.css"} {
		if res := get(t, url); res.StatusCode != http.StatusNotFound || strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", url, res.StatusCode, res.Header)
		}
	}
}

func TestCompressedAndPlainAnswersAreTheSameFile(t *testing.T) {
	plain := body(t, get(t, static.URL("app.js")).Body)
	res := get(t, static.URL("app.js"), "Accept-Encoding", "br, gzip")
	if res.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal("gzip was offered and not used")
	}
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body(t, z) != plain {
		t.Error("the compressed file differs")
	}
	if res := get(t, static.URL("app.js"), "Accept-Encoding", "gzip;q=0"); res.Header.Get("Content-Encoding") != "" {
		t.Error("gzip was refused and used")
	}
}

func TestStylesheetLoadsOnlyFilesThatExist(t *testing.T) {
	css := body(t, get(t, static.URL("app.css")).Body)
	found := regexp.MustCompile(`url\(["']?([^)"']+)`).FindAllStringSubmatch(css, -1)
	if len(found) == 0 {
		t.Fatal("the stylesheet names no fonts")
	}
	for _, m := range found {
		if res := get(t, m[1]); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", m[1], res.StatusCode)
		}
	}
	if strings.Contains(css, "http://") {
		t.Error("the stylesheet names another host")
	}
}

func TestScriptsRunWithoutEvaluatingText(t *testing.T) {
	js := body(t, get(t, static.URL("app.js")).Body)
	for _, bad := range []string{"eval(", "new Function", ".innerHTML", "insertAdjacentHTML", "document.write", "localStorage", "sessionStorage"} {
		if strings.Contains(js, bad) {
			t.Errorf("app.js uses %s", bad)
		}
	}
}

func TestOldBrowsersFindTheIcon(t *testing.T) {
	if res := get(t, "/favicon.ico"); res.Header.Get("Location") != static.URL("favicon.svg") {
		t.Errorf("/favicon.ico: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
}

package console_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/source"
)

func TestSourcesDocumentsEveryVendorByTheTableOfTheGateway(t *testing.T) {
	a := app(t)
	b := member(t, a, access.Viewer)
	s := b.Get("/w/acme").Follow("Sources").Want(http.StatusOK).At("/docs/sources")
	s.Shows("Any other sender", "A vendor not listed", a.URL+"/api/signal-staging/webhook/{key}", a.URL+"/api/signal-staging/webhook/{source}/{key}")
	for _, v := range source.Vendors() {
		if s.Link(v.Title) != "#"+v.Name || !strings.Contains(s.Body, `id="`+v.Name+`"`) {
			t.Errorf("%s has no anchor", v.Name)
		}
		s.Shows(v.Title, v.Expects, v.Where, a.URL+"/api/signal-staging/webhook/"+v.Name+"/{key}", v.Docs)
		if scheme := source.SchemeNamed(v.Scheme); scheme != nil {
			s.Shows(scheme.Header)
		}
		for _, sample := range v.Samples {
			s.Shows(sample.Title)
		}
	}
}

// TestEverySampleOnThePageSaysWhatItBecomes: an example that its own adapter does not know would
// document nothing.
func TestEverySampleOnThePageSaysWhatItBecomes(t *testing.T) {
	a := app(t)
	s := signIn(t, a, ownerEmail).Get("/docs/sources").Want(http.StatusOK)
	tables := strings.Count(s.Body, "Stands in the sample at</th>") + strings.Count(s.Body, "Stands in the sample at\n")
	samples := 0
	for _, v := range source.Vendors() {
		samples += len(v.Samples)
	}
	if tables < samples {
		t.Errorf("%d tables for %d samples", tables, samples)
	}
	for _, place := range []string{"header X-GitHub-Event", "userId", "traits."} {
		s.Shows(place)
	}
}

func TestLinksToVendorsTellThemNothing(t *testing.T) {
	a := app(t)
	s := signIn(t, a, ownerEmail).Get("/docs/sources")
	for part := range strings.SplitSeq(s.Body, "<a ") {
		tag, _, _ := strings.Cut(part, ">")
		if strings.Contains(tag, `href="https://`) && !strings.Contains(tag, "noreferrer") {
			t.Errorf("<a %s>", tag)
		}
	}
}

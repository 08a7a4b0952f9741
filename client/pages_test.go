package client_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/client"
)

func TestListsGoOnToTheLastPage(t *testing.T) {
	var f *far
	f = newFar(t,
		func(w http.ResponseWriter, r *http.Request) {
			say(200, `[{"id":"1"},{"id":"2"}]`, "Link", `<`+f.URL+`/help>; rel="help", <`+f.URL+`/api/v1/workspaces/w/api-keys?cursor=b&limit=100>; rel="next"`)(w, r)
		},
		say(200, `[]`, "Link", `</api/v1/workspaces/w/api-keys?cursor=c>; rel=next`), // a page that a search left empty
		say(200, `[{"id":"3"}]`))
	var ids []string
	for k, err := range f.client(t).Keys(t.Context(), client.KeyFilter{Status: client.Active}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, k.ID)
	}
	if strings.Join(ids, "") != "123" || len(f.seen) != 3 {
		t.Errorf("items %v in %d calls", ids, len(f.seen))
	}
	if f.seen[0].uri != "/api/v1/workspaces/w/api-keys?limit=100&status=active" || f.seen[1].uri != "/api/v1/workspaces/w/api-keys?cursor=b&limit=100" {
		t.Errorf("asked for %s, then %s", f.seen[0].uri, f.seen[1].uri)
	}
}

func TestAListThatIsLeftAsksForNoMore(t *testing.T) {
	f := newFar(t, say(200, `[{"id":"1"},{"id":"2"}]`, "Link", `</api/v1/x>; rel="next"`))
	for range f.client(t).Keys(t.Context(), client.KeyFilter{}) {
		break
	}
	if len(f.seen) != 1 {
		t.Errorf("%d calls", len(f.seen))
	}
}

func TestAnErrorEndsAList(t *testing.T) {
	f := newFar(t, say(200, `[{"id":"1"}]`, "Link", `</api/v1/x>; rel="next"`), refuse(401, client.CodeInvalidToken))
	var all []error
	for _, err := range f.client(t).Keys(t.Context(), client.KeyFilter{}) {
		all = append(all, err)
	}
	if len(all) != 2 || all[0] != nil || client.Code(all[1]) != client.CodeInvalidToken {
		t.Errorf("%v", all)
	}
}

func TestTheTokenGoesToNoOtherOrigin(t *testing.T) {
	other := newFar(t, say(200, `[]`))
	here := newFar(t, say(200, `[{"id":"1"}]`, "Link", `<`+other.URL+`/api/v1/x>; rel="next"`))
	var last error
	for _, err := range here.client(t).Keys(t.Context(), client.KeyFilter{}) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), other.URL) {
		t.Errorf("a next page elsewhere: %v", last)
	}
	for _, status := range []int{301, 302, 307, 308} {
		moved := newFar(t, say(status, ``, "Location", other.URL+"/api/v1/x"))
		if _, err := moved.client(t).Key(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), other.URL) {
			t.Errorf("a redirect with %d: %v", status, err)
		}
	}
	if len(other.seen) != 0 {
		t.Errorf("the other origin got %+v", other.seen)
	}
}

func TestARedirectNeverTurnsAChangeIntoAReading(t *testing.T) {
	f := newFar(t, say(302, ``, "Location", "/elsewhere"), key)
	if _, err := f.client(t).CreateKey(t.Context(), client.CreateKey{}); err == nil || len(f.seen) != 1 {
		t.Errorf("%v after %d calls", err, len(f.seen))
	}
	f = newFar(t, say(308, ``, "Location", "/api/v1/moved"), say(201, `{"id":"k","key":"x"}`))
	if _, err := f.client(t).CreateKey(t.Context(), client.CreateKey{Name: "x"}); err != nil || f.seen[1].method != "POST" || f.seen[1].body != f.seen[0].body {
		t.Errorf("%v, then %+v", err, f.seen)
	}
}

package api_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
)

func TestBothValuesWorkUntilTheGraceIsOver(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("read:write:workspace")
		made := w.create(key, `{"name":"CI","environment":"live","endpoint_type":"api_access","scopes":["keys:read"]}`).want(201)
		path, old := w.here("/api-keys/"+made.member("id")), made.member("key")
		turned := w.Clock.Now()
		rotated := w.as(key, "POST", path+"/rotate", "").want(200)
		value := rotated.member("key")
		ends, err := time.Parse(time.RFC3339, rotated.object()["rotation"].(map[string]any)["ends_at"].(string))
		if err != nil || ends.Sub(turned) < 24*time.Hour-time.Second || ends.Sub(turned) > 25*time.Hour || value == old || value == "" {
			t.Errorf("rotated %s", rotated.Body)
		}
		me := func(value string) reply { return w.call("GET", "/me", "", "Authorization", "Bearer "+value) }
		if r := me(value).want(200); r.Header.Get("Deprecation") != "" || r.Header.Get("Sunset") != "" {
			t.Errorf("the new value is told as old: %v", r.Header)
		}
		r := me(old).want(200)
		since, _ := strconv.ParseInt(r.Header.Get("Deprecation")[1:], 10, 64)
		if since < turned.Unix()-1 || since > turned.Unix()+60 || r.Header.Get("Sunset") != ends.UTC().Format(http.TimeFormat) {
			t.Errorf("headers %v", r.Header)
		}
		if refused := w.call("GET", w.here("/members"), "", "Authorization", "Bearer "+old); refused.Header.Get("Sunset") == "" {
			t.Error("a refusal does not tell that the value is old")
		}
		w.as(key, "POST", path+"/rotate", "").refused(409, "conflict")
		w.Clock.Advance(25 * time.Hour)
		me(old).refused(401, "invalid_token")
		me(value).want(200)
	})
}

func TestARotationIsExtendedAndFinished(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		made := w.create(key, `{"name":"CI","environment":"live","endpoint_type":"api_access"}`).want(201)
		path, old := w.here("/api-keys/"+made.member("id")), made.member("key")
		me := func() reply { return w.call("GET", "/me", "", "Authorization", "Bearer "+old) }
		w.as(key, "POST", path+"/rotate", `{"grace_seconds":60}`).want(200)
		until := w.Clock.Now().Add(2 * time.Hour).UTC().Truncate(time.Second)
		if got := w.as(key, "PATCH", path+"/rotation", `{"ends_at":"`+at(until)+`"}`).want(200).member("ends_at"); got != until.Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("ends at %s", got)
		}
		w.Clock.Advance(time.Hour)
		me().want(200)
		w.as(key, "DELETE", path+"/rotation", "").want(200)
		me().refused(401, "invalid_token")
		w.as(key, "DELETE", path+"/rotation", "").refused(409, "conflict")
	})
}

func TestWithoutAGraceTheOldValueEndsAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		turned := w.as(key, "POST", w.here("/api-keys/"+key.Key.ID+"/rotate"), `{"grace_seconds":0}`).want(200)
		if turned.object()["rotation"] != nil {
			t.Errorf("rotation %s", turned.Body)
		}
		w.as(key, "GET", "/me", "").refused(401, "invalid_token")
		w.call("GET", "/me", "", "Authorization", "Bearer "+turned.member("key")).want(200)
	})
}

func TestOfManyRotationsOneWins(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		made := w.NewKey(t)
		var mu sync.Mutex
		statuses := map[int]int{}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				r := w.as(key, "POST", w.here("/api-keys/"+made.Key.ID+"/rotate"), "")
				mu.Lock()
				defer mu.Unlock()
				statuses[r.Status]++
			})
		}
		all.Wait()
		if statuses[200] != 1 || statuses[409] != 49 {
			t.Errorf("statuses %v", statuses)
		}
	})
}

func TestTheGraceIsCappedByTheKeysOwnExpiry(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("keys:write")
	expiry := w.Clock.Now().Add(5 * time.Minute).UTC().Truncate(time.Millisecond)
	made := w.NewKey(t, func(f *keys.CreateForm) { f.ExpiresAt = expiry })
	path := w.here("/api-keys/" + made.Key.ID + "/rotate")
	if got := w.as(key, "POST", path, "").want(200).object()["rotation"].(map[string]any)["ends_at"]; got != expiry.Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("ends at %v", got)
	}
	w.Clock.Advance(time.Hour)
	w.as(key, "POST", path, "").refused(409, "conflict")
}

package main

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
)

func TestWaitsAreRecordedWhileSomebodyAsksAndNotAfterwards(t *testing.T) {
	var rates []int
	p := &waiting{name: "mutex", record: func(rate int) { rates = append(rates, rate) }}
	p.count(1)
	p.count(1)
	p.count(-1)
	p.count(-1)
	if want := []int{1, 1, 1, 0}; !slices.Equal(rates, want) {
		t.Errorf("recorded at %v, want %v", rates, want)
	}
}

func TestProfilesOfWaitsAreServed(t *testing.T) {
	mux := http.NewServeMux()
	handleProfiles(mux)
	for _, path := range []string{"/debug/pprof/block", "/debug/pprof/mutex"} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusOK || answer.Body.Len() == 0 {
			t.Errorf("%s: %d, %d bytes", path, answer.Code, answer.Body.Len())
		}
	}
	if rate := runtime.SetMutexProfileFraction(-1); rate != 0 {
		t.Errorf("mutexes are still recorded, one in %d", rate)
	}
}

package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAnOverloadSendsOrCountsWhateverIsDue(t *testing.T) {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch n.Add(1) % 4 {
		case 0:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			w.WriteHeader(http.StatusTooManyRequests) // without a time
		}
	}))
	defer s.Close()
	f := &flood{
		addr: strings.TrimPrefix(s.URL, "http://"), request: post("/", jsonType, nil, item(false)),
		perSecond: 400, length: 500 * time.Millisecond, most: 3, window: 100 * time.Millisecond,
	}
	f.run()
	sum := merged(f.bins)
	sent := int64(sum.accepted.count+sum.refused.count) + sum.other[noRetryAfter] + sum.other[0]
	if sent+sum.unsent != 200 || sent != n.Load() || len(f.bins) != 5 {
		t.Errorf("%d sent, %d not, %d arrived, %d bins", sent, sum.unsent, n.Load(), len(f.bins))
	}
	if sum.refused.count == 0 || sum.other[noRetryAfter] == 0 || f.open.Load() > 3 {
		t.Errorf("refused %d, without a time %d, %d connections", sum.refused.count, sum.other[noRetryAfter], f.open.Load())
	}
}

func TestAnAnswerThatIsNoneIsNoRefusal(t *testing.T) {
	b := &bin{other: map[int]int64{}}
	b.count(0, errors.New("cut"), false, time.Second)
	b.count(http.StatusInternalServerError, nil, true, time.Second)
	if b.refused.count != 0 || b.other[0] != 1 || b.other[http.StatusInternalServerError] != 1 {
		t.Errorf("refused %d, other %v", b.refused.count, b.other)
	}
}

func TestPagesAreCountedInThePartOfTheRunInWhichTheyWereOpened(t *testing.T) {
	var series []watched
	for i := range 4 {
		series = append(series, watched{at: time.Duration(i) * time.Second, pages: map[string]page{"/": {took: time.Duration(i), ok: i != 2}}})
	}
	h, failed := pagesOf(between(series, time.Second, 3*time.Second), "/")
	if h.count != 1 || h.max != 1 || failed != 1 {
		t.Errorf("%d answered, the slowest %d, %d failed", h.count, h.max, failed)
	}
}

func TestNumbersOfInstancesAreAList(t *testing.T) {
	if got, err := listOf("1,2,4"); err != nil || !slices.Equal(got, []int{1, 2, 4}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "0", "1,,2", "two"} {
		if _, err := listOf(text); err == nil {
			t.Error(fmt.Sprintf("%q", text) + " is taken")
		}
	}
}

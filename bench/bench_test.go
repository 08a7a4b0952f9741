package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/mapping"
)

func TestBucketsCoverEveryValueWithoutGapOrOverlap(t *testing.T) {
	for i := range histBuckets - 1 {
		if last, next := upper(i), upper(i)+1; bucket(last) != i || bucket(next) != i+1 {
			t.Fatalf("bucket %d ends at %d, which is in %d; the next value is in %d", i, last, bucket(last), bucket(next))
		}
	}
	if bucket(math.MaxInt64) >= histBuckets {
		t.Errorf("the largest duration is in bucket %d of %d", bucket(math.MaxInt64), histBuckets)
	}
}

func TestQuantilesAreWithinTwoPercentOfTheExactOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, scale := range []float64{50, 1e4, 1e7, 1e10} {
		var h histogram
		exact := make([]time.Duration, 20_000)
		for i := range exact {
			exact[i] = time.Duration(r.ExpFloat64() * scale)
			h.record(exact[i])
		}
		slices.Sort(exact)
		for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			want := exact[int(math.Ceil(q*float64(len(exact))))-1]
			got := h.quantile(q)
			if got < want || float64(got-want) > 0.02*float64(want) {
				t.Errorf("scale %g: quantile %g is %d, exactly %d", scale, q, got, want)
			}
		}
		if h.max != exact[len(exact)-1] {
			t.Errorf("max %d, want %d", h.max, exact[len(exact)-1])
		}
	}
}

func TestMergedHistogramsEqualOne(t *testing.T) {
	var a, b, whole histogram
	for i := range 1000 {
		d := time.Duration(i * i)
		whole.record(d)
		if i%3 == 0 {
			a.record(d)
		} else {
			b.record(d)
		}
	}
	a.merge(&b)
	if a != whole {
		t.Error("merging two halves differs from recording all in one")
	}
}

func TestEmptyHistogramHasZeroQuantiles(t *testing.T) {
	if q := new(histogram).quantile(0.99); q != 0 {
		t.Errorf("quantile %v", q)
	}
}

func TestScheduleHandsOutEachInstantOnceWhoeverAsks(t *testing.T) {
	start := time.Now()
	s := newSchedule(start, 1000, 2*time.Second)
	var mu sync.Mutex
	var got []time.Duration
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for at, ok := s.take(); ok; at, ok = s.take() {
				mu.Lock()
				got = append(got, at.Sub(start))
				mu.Unlock()
			}
		})
	}
	work.Wait()
	slices.Sort(got)
	if len(got) != 2000 {
		t.Fatalf("%d instants in two seconds at 1,000 a second", len(got))
	}
	for i, at := range got {
		if want := time.Duration(i) * time.Millisecond; at != want {
			t.Fatalf("instant %d is at %v, want %v", i, at, want)
		}
	}
}

// A server that stands still delays every request that should have been sent meanwhile: the open
// loop counts all of them, not only the one that was on the wire.
func TestOpenLoopCountsTheWaitInFrontOfAStoppedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		send := func([]byte) (int, error) {
			if first {
				first = false
				time.Sleep(300 * time.Millisecond) // of the bubble's clock
			}
			return http.StatusOK, nil
		}
		out := loop([]*numbered{newNumbered(nil)}, newSchedule(time.Now(), 200, time.Second).take, send)
		if out.ok != 200 || out.hist.max != 300*time.Millisecond {
			t.Fatalf("%d answers, the slowest after %v", out.ok, out.hist.max)
		}
		// Due every 5 ms, so 60 waited: the 30th slowest for 300 - 29 x 5 ms.
		if got, want := out.hist.quantile(1-29.0/200), 155*time.Millisecond; got < want || got > want*102/100 {
			t.Errorf("the 30th slowest took %v, want %v", got, want)
		}
		if got := out.hist.quantile(0.5); got != 0 {
			t.Errorf("the median is %v; those after the pause waited for nothing", got)
		}
	})
}

func TestClientReadsWhatServersAnswer(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprint(len(body)))
		switch r.URL.Path {
		case "/chunked":
			for range 3 {
				_, _ = io.WriteString(w, strings.Repeat("x", 5000))
				w.(http.Flusher).Flush()
			}
		case "/refused":
			http.Error(w, "no", http.StatusUnauthorized)
		default:
			_, _ = io.WriteString(w, "yes")
		}
	}))
	defer server.Close()
	c := &connection{addr: strings.TrimPrefix(server.URL, "http://")}
	defer c.close()
	for _, want := range []struct {
		path   string
		status int
	}{{"/", 200}, {"/chunked", 200}, {"/refused", 401}, {"/", 200}} {
		status, err := c.send(post(want.path, jsonType, nil, item(false)))
		if err != nil || status != want.status {
			t.Fatalf("%s: %d, %v; want %d", want.path, status, err, want.status)
		}
	}
	if want := []string{"250", "250", "250", "250"}; !slices.Equal(got, want) {
		t.Errorf("bodies of %v bytes, want %v", got, want)
	}
}

func TestItemsHaveTheirSizeAndAreValid(t *testing.T) {
	for _, withID := range []bool{false, true} {
		if b := item(withID); len(b) != itemBytes || !json.Valid(b) {
			t.Errorf("item of %d bytes: %s", len(b), b)
		}
	}
	for _, b := range [][]byte{orgUpdate(manyOrgs-1, time.Now()), track()} {
		if len(b) != largeBytes || !json.Valid(b) {
			t.Errorf("payload of %d bytes: %s", len(b), b)
		}
	}
	if !json.Valid(array(3)) {
		t.Errorf("array: %s", array(3))
	}
	if n := strings.Count(string(lines(3)), "\n"); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}

func TestEachRequestCarriesItsOwnNumber(t *testing.T) {
	n := newNumbered(post("/", jsonType, nil, item(true)))
	n.set(0x1f)
	if !strings.Contains(string(n.bytes), `"messageId":"bench-000000000000001f"`) {
		t.Errorf("request: %s", n.bytes)
	}
	plain := newNumbered(post("/", jsonType, nil, item(false)))
	before := string(plain.bytes)
	plain.set(7)
	if string(plain.bytes) != before {
		t.Error("a request without a message id was changed")
	}
}

func TestEachUpdateIsNewerThanTheLastAndOtherwiseOneOfItsOrganisation(t *testing.T) {
	template, err := mapping.ParseJSON([]byte(orgTemplate))
	if err != nil {
		t.Fatal(err)
	}
	program, findings := mapping.Compile(template)
	if program == nil || len(template.Rows) != 15 {
		t.Fatalf("%d rows, %v", len(template.Rows), findings)
	}
	apply := func(n *numbered, id uint64) mapping.Result {
		n.set(id)
		root, err := mapping.Decode(n.bytes)
		if err != nil {
			t.Fatal(err)
		}
		r := program.Apply(root)
		if r.OrgID != "acct_0007" || len(r.Values) != 15 || len(r.Errors)+len(r.Warnings) > 0 {
			t.Fatalf("%+v of %s", r, n.bytes)
		}
		return r
	}
	n := newNumbered(orgUpdate(7, time.Now()))
	before, after := apply(n, 41), apply(n, 42)
	var changed []string
	for name, value := range after.Values {
		if string(value) != string(before.Values[name]) {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	if !slices.Equal(changed, []string{"mrr", "seats", "user_count"}) {
		t.Errorf("%v changed", changed)
	}
	if d := after.OccurredAt.Sub(before.OccurredAt); d != time.Microsecond || time.Since(after.OccurredAt) < 0 {
		t.Errorf("at %v, %v after the last", after.OccurredAt, d)
	}
}

func TestConnectionsShareOutTheRequestsAndEachHasOne(t *testing.T) {
	list := [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	for connections, want := range map[int]string{1: "abc", 2: "ac,b", 3: "a,b,c", 5: "a,b,c,a,b"} {
		l := load{requests: list, connections: connections}
		var got []string
		for i := range connections {
			own := ""
			for _, n := range l.share(i) {
				own += string(n.bytes)
			}
			got = append(got, own)
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%d connections: %v, want %s", connections, got, want)
		}
	}
}

func TestSpreadIsTheMiddleAndTheEnds(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{{nil, spread{}}, {[]float64{3}, spread{3, 3, 3}}, {[]float64{4, 1}, spread{2.5, 1, 4}}, {[]float64{9, 1, 5}, spread{5, 1, 9}}} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.values, got, c.want)
		}
	}
}

func TestThousandsAreGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

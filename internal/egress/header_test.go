package egress_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"latchkey/internal/egress"
	"latchkey/internal/fault"
)

func headers(n, size int) (out []egress.Header) {
	for i := range n {
		out = append(out, egress.Header{Name: fmt.Sprintf("X-%04d", i), Value: strings.Repeat("v", size)})
	}
	return out
}

func TestOrdinaryCustomHeadersAreAccepted(t *testing.T) {
	for _, list := range [][]egress.Header{
		nil, {{"Authorization", "Bearer abc.def"}}, {{"x-api-key", "k"}, {"X-Team", "a; b=\"c\", d"}}, {{"X_Under.score", "1"}}, headers(20, 300),
		{{"Idempotency-Key", "1"}, {"Accept", "*/*"}, {"Cookie", "a=b"}},
	} {
		if err := egress.CheckHeaders(list); err != nil {
			t.Errorf("%v: %v", list, err)
		}
	}
}

func TestHeadersThatWouldInjectOrOverrideAreRefused(t *testing.T) {
	for _, h := range []egress.Header{
		{"", "x"}, {" ", "x"}, {"X Y", "x"}, {"X:", "x"}, {"X\r\nEvil", "x"}, {"X\x00", "x"}, {"Ä", "x"}, {"X\n", "x"}, {"(X)", "x"}, {strings.Repeat("x", 101), "x"},
		{"X", ""}, {"X", " "}, {"X", "a\r\nEvil: 1"}, {"X", "a\nEvil: 1"}, {"X", "a\rb"}, {"X", "a\x00b"}, {"X", "a\x7f"}, {"X", "ä"}, {"X", "a\u2028b"}, {"X", "\ta"}, {"X", "a "}, {"X", "a\x0bb"}, {"X", "\xff"},
		{"webhook-id", "x"}, {"Webhook-Signature", "x"}, {"WEBHOOK-TIMESTAMP", "x"}, {"webhook_id", "x"}, {"Webhook.Signature", "x"}, {"webhook-anything", "x"},
		{"Content-Type", "x"}, {"content_type", "x"}, {"Content-Length", "1"}, {"Content-Encoding", "gzip"}, {"Host", "x"}, {"User-Agent", "x"}, {"Connection", "close"}, {"Keep-Alive", "1"},
		{"Transfer-Encoding", "chunked"}, {"TE", "trailers"}, {"Trailer", "X"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "x"}, {"Proxy-Authorization", "x"}, {"Proxy-Connection", "x"}, {"Expect", "100-continue"}, {"Accept-Encoding", "gzip"},
		{":authority", "x"},
	} {
		err := egress.CheckHeaders([]egress.Header{{"X-Good", "1"}, h})
		sentence := fault.FieldsOf(err)["headers"]
		if sentence == "" || !strings.HasPrefix(sentence, "Header 2 ") {
			t.Errorf("%q: %v", h, err)
		}
		if len(h.Value) > 5 && strings.Contains(sentence, h.Value) {
			t.Errorf("the sentence repeats the value: %s", sentence)
		}
	}
	for name, list := range map[string][]egress.Header{
		"twice": {{"X-A", "1"}, {"x-a", "2"}}, "twice in another spelling": {{"X-A", "1"}, {"x_a", "2"}}, "too many": headers(21, 1), "too much": headers(20, 500),
	} {
		if err := egress.CheckHeaders(list); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAHeaderThatWouldInjectIsNotSentEither(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	c := client(t, patience)
	for _, h := range []http.Header{{"X": {"a\r\nEvil: 1"}}, {"X": {"a\n"}}, {"X\r\nEvil": {"1"}}, {"": {"1"}}, {"X": {"\x00"}}} {
		r := c.Post(t.Context(), egress.Request{URL: s.URL, Header: h})
		wants(t, r, egress.InvalidHeader)
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests were sent", asked.Load())
	}
}

package egress_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"latchkey/internal/egress"
)

// BenchmarkPost compares the guarded client with a bare one, both to a receiver on loopback.
func BenchmarkPost(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer s.Close()
	body := make([]byte, 1024)
	b.Run("guarded", func(b *testing.B) {
		c := egress.New(egress.Options{Allow: loopback})
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if r := c.Post(b.Context(), egress.Request{URL: s.URL, Live: true, Body: body}); r.Error != "" {
					b.Error(r.Detail)
				}
			}
		})
	})
	b.Run("bare", func(b *testing.B) {
		c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r, err := c.Post(s.URL, "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					continue
				}
				_, _ = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
			}
		})
	})
}

package source

import (
	"net/http"
	"testing"

	"latchkey/internal/payload"
)

// BenchmarkAdapters is what an adapter adds to an item whose first level is decoded already, with
// the decoding beside it for comparison.
func BenchmarkAdapters(b *testing.B) {
	for _, v := range Vendors() {
		s := v.Samples[0]
		list, envelope := items(b, s.Body)
		in := Input{Header: headers(s.Headers), Top: list[0].Object(), Envelope: envelope, Raw: list[0]}
		b.Run(v.Name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in.Raw)))
			for b.Loop() {
				if _, ok := v.Normalise(in); !ok {
					b.Fatal("not the vendor's")
				}
			}
		})
	}
	b.Run("decoding the first level of stripe's", func(b *testing.B) {
		text := payload.Value(stripe.Samples[0].Body)
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			text.Object()
		}
	})
}

func BenchmarkSignatures(b *testing.B) {
	for _, v := range vectors {
		d := v.delivery()
		d.Method = http.MethodPost
		b.Run(v.name, func(b *testing.B) {
			s := SchemeNamed(v.scheme)
			for b.Loop() {
				if err := s.Verify(v.secret, d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

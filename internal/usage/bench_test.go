package usage_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/usage"
	"latchkey/models"
)

// BenchmarkFlush writes what so many busy keys have gathered, their rows being there already.
func BenchmarkFlush(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": apptest.SQLite, "postgres": apptest.Postgres} {
		for _, n := range []int{1, 100, 3000} {
			b.Run(fmt.Sprintf("%s, %d keys", name, n), func(b *testing.B) {
				db := open(b)
				r := usage.New(db, nil)
				busy := make([]*keys.Credential, n)
				for i := range busy {
					busy[i] = &keys.Credential{ID: uuid.NewString(), WorkspaceID: uuid.NewString(), Environment: models.Live}
				}
				record := func() {
					for _, c := range busy {
						r.Used(c, usage.Seen{IP: "192.0.2.1", UserAgent: "curl/8.5.0"}, noon)
						r.Count(c, 1, 0, 0, noon)
					}
				}
				record()
				r.Flush()
				for b.Loop() {
					b.StopTimer()
					record()
					b.StartTimer()
					r.Flush()
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/key")
			})
		}
	}
}

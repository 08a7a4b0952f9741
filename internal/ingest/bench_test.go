package ingest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
)

const post250 = `{"event":"Page Viewed","email":"ada@example.org","userId":"u-1001","timestamp":"2026-01-05T12:34:00Z","properties":{"path":"/pricing","referrer":"https://search.example/","plan":"team","seats":12,"campaign":"spring","variant":"b","duration_ms":5321}}`

// BenchmarkAccept is the use-case without HTTP: 64 callers share the writer.
func BenchmarkAccept(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": apptest.SQLite, "postgres": apptest.Postgres} {
		b.Run(name, func(b *testing.B) { benchmarkAccept(b, open(b)) })
	}
}

func benchmarkAccept(b *testing.B, db *database.DB) {
	a := app.New(db, app.Options{Now: time.Now, Accounts: accounts.Config{Hash: apptest.CheapHash}})
	ctx, cancel := context.WithCancel(context.Background())
	go a.RunWriters(ctx)
	defer cancel()
	account, workspace, err := a.Accounts.SetUpFromCommandLine(ctx, accounts.SetUpForm{Name: "O", Email: "o@acme.example", Password: apptest.Password, Workspace: "Acme"})
	if err != nil {
		b.Fatal(err)
	}
	owner := access.Actor{AccountID: account.ID, WorkspaceID: workspace.ID, Role: access.Owner}
	k, err := a.Keys.Create(ctx, owner, keys.CreateForm{Name: "k", Environment: "live", EndpointType: "signal_staging"})
	if err != nil {
		b.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"bench/1.0"}, "Accept": {"*/*"}}
	var failed atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, err := a.Ingest.Accept(ctx, &ingest.Request{
				ID: uuid.Must(uuid.NewV7()).String(), Kind: ingest.Universal, Key: k.Value.Reveal(), Header: header, IP: "127.0.0.1",
				Body: io.NopCloser(strings.NewReader(post250)), Length: int64(len(post250)), ReceivedAt: time.Now(),
			})
			if err != nil {
				failed.Add(1)
			}
		}
	})
	if failed.Load() > 0 {
		b.Errorf("%d failed", failed.Load())
	}
}

package hygiene_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/hygiene"
	"latchkey/internal/keys"
	"latchkey/models"
)

// BenchmarkHygiene looks at 10,000 keys of one workspace, half of them for the API, with findings of
// every kind: the first page of all, the first page of one kind, and a run of reminders with nothing
// to do. Another workspace has as many keys.
func BenchmarkHygiene(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": apptest.SQLite, "postgres": apptest.Postgres} {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			actor := many(b, db, 10_000)
			many(b, db, 10_000)
			now := func() time.Time { return noon }
			s := hygiene.New(db, keys.New(db, keys.Options{Now: now}), now)
			list := func(f hygiene.Filter) func(*testing.B) {
				return func(b *testing.B) {
					for b.Loop() {
						if page, err := s.List(b.Context(), actor, f); err != nil || len(page.Findings) == 0 {
							b.Fatalf("%+v, %v", page.Counts, err)
						}
					}
				}
			}
			b.Run("all", list(hygiene.Filter{Limit: 100}))
			for _, k := range hygiene.Kinds() {
				if k.Kind != hygiene.NoExpiry { // the policy speaks instead
					b.Run(k.Kind, list(hygiene.Filter{Kind: k.Kind}))
				}
			}
			if err := s.Remind(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.Run("remind", func(b *testing.B) {
				for b.Loop() {
					if err := s.Remind(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// many makes a workspace with n keys.
func many(b *testing.B, db *database.DB, n int) access.Actor {
	b.Helper()
	insert := func(rows any) {
		if err := db.Write.WithContext(b.Context()).CreateInBatches(rows, 500).Error; err != nil {
			b.Fatal(err)
		}
	}
	id := uuid.NewString()
	insert(&[]models.Workspace{{
		ID: id, Name: "Many", Slug: "many-" + id[:8], Plan: models.PlanEnterprise, RawRetentionDays: 30, RejectedRetentionDays: 7,
		PolicyMaxAgeDays: 90, PolicyRequireExpiry: true, PolicyRequireSecret: true, CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}})
	account := models.Account{
		ID: uuid.NewString(), Email: id + "@example.com", Name: "Olive", PasswordHash: "none", Theme: "system", TimeZone: "UTC",
		PasswordChangedAt: models.At(noon), CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	insert(&[]models.Account{account})
	insert(&[]models.Membership{{WorkspaceID: id, AccountID: account.ID, Role: "owner", CreatedAt: models.At(noon)}})
	rows, uses := make([]models.APIKey, n), []models.KeyLastUsed{}
	var scopes []models.KeyScopeUse
	for i := range rows {
		rows[i] = oneOfMany(id, account.ID, i)
		if i%7 == 0 {
			continue // never used
		}
		used := models.At(noon.Add(-time.Duration(i%120) * day))
		u := models.KeyLastUsed{APIKeyID: rows[i].ID, LastUsedAt: used}
		if i%11 == 0 {
			u.BrowserSeenAt = models.At(noon)
		}
		if i%13 == 0 {
			u.PreviousUsedAt = models.At(noon.Add(-time.Minute))
		}
		uses = append(uses, u)
		for j := range 7 {
			if rows[i].EndpointType == models.APIAccess && (i%3 == 0 || j < 5) {
				scopes = append(scopes, models.KeyScopeUse{APIKeyID: rows[i].ID, Scope: string(access.Scopes{access.ReadWorkspace}.Fine()[j]), LastUsedAt: used})
			}
		}
	}
	insert(&rows)
	insert(&uses)
	insert(&scopes)
	if db.IsPostgres() {
		if err := db.Write.Exec("ANALYZE").Error; err != nil {
			b.Fatal(err)
		}
	}
	return access.Actor{AccountID: account.ID, WorkspaceID: id, Role: access.Owner, Label: account.Email}
}

func oneOfMany(workspace, account string, i int) models.APIKey {
	made := noon.Add(-time.Duration(20+i%200) * day)
	id := uuid.Must(uuid.NewV7())
	hash := make([]byte, 32)
	copy(hash, id[:])
	binary.BigEndian.PutUint64(hash[16:], uint64(i))
	k := models.APIKey{
		ID: id.String(), WorkspaceID: workspace, Name: fmt.Sprint("Key ", i), Environment: models.Live, EndpointType: models.SignalStaging,
		KeyPrefix: fmt.Sprintf("sk_live_%04x", i), KeyHash: hash, Status: models.KeyActive, OnError: models.OnErrorReject,
		CreatedBy: &account, CreatedAt: models.At(made), UpdatedAt: models.At(made), ValueSince: models.At(made),
	}
	if i%2 == 0 {
		k.EndpointType, k.Scopes = models.APIAccess, string(access.ReadWorkspace)
	}
	if i%3 > 0 {
		k.ExpiresAt = models.At(noon.Add(time.Duration(1+i%400) * day))
	}
	if i%13 == 0 {
		k.PreviousEndsAt = models.At(noon.Add(time.Hour))
	}
	if i%17 == 0 {
		left := uuid.NewString()
		k.CreatedBy = &left
	}
	if i%19 == 0 {
		k.Status = models.KeyDeactivated
	}
	return k
}

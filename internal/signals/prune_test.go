package signals_test

import (
	"crypto/sha256"
	"strconv"
	"sync"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/signals"
	"latchkey/models"
)

const day = 24 * time.Hour

func (w *world) prune() signals.Pruned {
	w.t.Helper()
	done, err := w.s.Prune(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

func (w *world) messageID(name string, ago time.Duration) {
	digest := sha256.Sum256([]byte(name))
	w.create(&models.SignalDedup{Digest: digest[:], SignalID: w.id(noon), PayloadDigest: digest[:], ReceivedAt: models.At(w.now.Add(-ago))})
}

func TestPruneDeletesWhatIsPastItsRetentionAndNothingElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		kept := w.signal(30*day-time.Minute, nil)
		w.signal(30*day+time.Minute, nil)
		w.signal(31*day, func(s *models.Signal) { s.Environment = models.Test })
		ok := w.request(29*day, nil)
		partly := w.request(20*day, func(r *models.GatewayRequest) { r.Status, r.Code = 207, "items_rejected" })
		fresh := w.request(6*day, rejectedFor("invalid_json", 400))
		w.request(8*day, rejectedFor("invalid_json", 400))
		w.request(31*day, nil)
		w.messageID("young", 7*day)
		w.messageID("old", 7*day+2*time.Hour)
		for _, ago := range []time.Duration{99 * day, 101 * day} {
			w.create(&models.KeyUsageMinute{APIKeyID: w.key, Minute: noon.Add(-ago).Unix() / 60, WorkspaceID: w.mine.WorkspaceID, Environment: models.Live})
		}
		if got, want := w.prune(), (signals.Pruned{Signals: 2, Requests: 2, MessageIDs: 1, UsageMinutes: 1}); got != want {
			t.Errorf("first: %+v, want %+v", got, want)
		}
		sameIDs(t, "signals", signalIDs(w.signals(signals.Filter{}).Items), kept.ID)
		sameIDs(t, "requests", requestIDs(w.requests(signals.RequestFilter{}).Items), fresh.ID, partly.ID, ok.ID)
		if got := w.prune(); got.Total() != 0 {
			t.Errorf("again: %+v", got)
		}
	})
}

func TestPruneKeepsToEachWorkspacesDays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		if err := db.Write.Exec("UPDATE workspaces SET raw_retention_days = 2, rejected_retention_days = 60 WHERE id = ?", w.mine.WorkspaceID).Error; err != nil {
			t.Fatal(err)
		}
		w.signal(3*day, nil)
		w.signal(3*day, func(s *models.Signal) { s.WorkspaceID = w.other.WorkspaceID })
		w.request(50*day, rejectedFor("invalid_json", 400))
		if got, want := w.prune(), (signals.Pruned{Signals: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestInstancesThatPruneAtOnceDeleteEachRowOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		const n = 1700
		var rows []models.Signal
		for range n {
			at := noon.Add(-40 * day)
			rows = append(rows, models.Signal{
				ID: w.id(at), WorkspaceID: w.mine.WorkspaceID, Environment: models.Live, APIKeyID: w.key, RequestID: w.id(at),
				Event: "x", OccurredAt: models.At(at), ReceivedAt: models.At(at), Raw: []byte("{}"),
			})
		}
		if err := db.Write.CreateInBatches(rows, 500).Error; err != nil {
			t.Fatal(err)
		}
		for i := range 700 {
			w.messageID(strconv.Itoa(i), 10*day)
		}
		var total signals.Pruned
		var mu sync.Mutex
		var work sync.WaitGroup
		for range 3 {
			work.Go(func() {
				done, err := signals.New(db, func() time.Time { return noon }).Prune(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				total.Signals += done.Signals
				total.MessageIDs += done.MessageIDs
			})
		}
		work.Wait()
		w.prune() // what one instance skipped, because another had it locked
		if total.Signals > n || total.MessageIDs > 700 {
			t.Errorf("deleted more than there was: %+v", total)
		}
		for _, table := range []string{"signals", "signal_dedup"} {
			if left := countRows(t, db.Read, table); left != 0 {
				t.Errorf("%s: %d left", table, left)
			}
		}
	})
}

func (w *world) orgUpdate(status string, ago time.Duration) models.ProductOrgUpdate {
	at := w.now.Add(-ago)
	u := models.ProductOrgUpdate{
		ID: w.id(at), WorkspaceID: w.mine.WorkspaceID, Environment: models.Live, APIKeyID: w.key, RequestID: w.id(at), Status: status,
		OccurredAt: models.At(at), ReceivedAt: models.At(at), Raw: []byte("{}"),
	}
	w.create(&u)
	return u
}

func (w *world) replay(status string, ago time.Duration) {
	at := w.now.Add(-ago)
	w.create(&models.OrgReplay{ID: w.id(at), WorkspaceID: w.mine.WorkspaceID, APIKeyID: w.key, Status: status, UptoID: w.id(at), StartedAt: models.At(at), UpdatedAt: models.At(at)})
}

func TestPruneKeepsWhatIsKnownOfAnOrganisationWhenItsHistoryGoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.create(&models.ProductOrg{
			ID: w.id(noon.Add(-900 * day)), WorkspaceID: w.mine.WorkspaceID, Environment: models.Live, OrgKey: "acme", Fields: []byte("{}"),
			LastEventAt: models.At(noon.Add(-900 * day)), CreatedAt: models.At(noon.Add(-900 * day)), UpdatedAt: models.At(noon.Add(-900 * day)),
		})
		w.orgUpdate(models.UpdateApplied, 31*day)
		w.orgUpdate(models.UpdateStale, 31*day)
		w.orgUpdate(models.UpdateQuarantined, 31*day)
		w.orgUpdate(models.UpdateFailed, 8*day)
		var kept []string
		for status, ago := range map[string]time.Duration{models.UpdateApplied: 29 * day, models.UpdateQuarantined: 20 * day, models.UpdateFailed: 6 * day} {
			kept = append(kept, w.orgUpdate(status, ago).ID)
		}
		w.replay("finished", 101*day)
		w.replay("running", 101*day)
		w.replay("stopped", 99*day)
		if got, want := w.prune(), (signals.Pruned{OrgUpdates: 4, Replays: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		for _, id := range kept {
			if n := countRows(t, db.Read, "product_org_updates WHERE id = '"+id+"'"); n != 1 {
				t.Errorf("update %s is gone", id)
			}
		}
		if countRows(t, db.Read, "product_orgs") != 1 {
			t.Error("the organisation is gone")
		}
		if got := w.prune(); got.Total() != 0 {
			t.Errorf("again: %+v", got)
		}
	})
}

package keys_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

func alertOnly(f *keys.CreateForm) { f.OnLeak = models.OnLeakAlert }

// report reports a value as leaked, and tells what the callback was given.
func (w *world) report(value string, force bool) (r keys.Reported, told int) {
	w.t.Helper()
	r, err := w.s.EndReported(w.t.Context(), access.System(""), sha256.Sum256([]byte(value)), force, func(_ *gorm.DB, in keys.Reported) error {
		if !in.Known {
			w.t.Error("the callback runs for a value of nobody's")
		}
		told++
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return r, told
}

func TestAReportEndsWhatTheKeysRuleSays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		strict, lenient := w.create(), w.create(alertOnly)
		r, told := w.report(strict.Value.Reveal(), false)
		if !r.Known || !r.Ended || r.WasPrevious || r.WasRetired || r.Key.ID != strict.Key.ID || r.Key.WorkspaceID != w.owner.WorkspaceID || told != 1 {
			t.Errorf("reported %+v, told %d times", r, told)
		}
		w.wantRefusal(w.s, strict.Value.Reveal(), keys.ErrDeactivated)
		if log := w.audit(strict.Key.ID); len(log) != 2 || log[1].Action != "api_key.deactivated" || log[1].ActorLabel != "system" || *log[1].WorkspaceID != w.owner.WorkspaceID {
			t.Errorf("audit %+v", log)
		}
		if r, told := w.report(strict.Value.Reveal(), false); !r.Known || r.Ended || told != 1 || len(w.audit(strict.Key.ID)) != 2 {
			t.Errorf("again: %+v, told %d times", r, told)
		}
		if r, _ := w.report(lenient.Value.Reveal(), false); !r.Known || r.Ended {
			t.Errorf("alert only: %+v", r)
		}
		w.wantRefusal(w.s, lenient.Value.Reveal(), nil)
		if r, _ := w.report(lenient.Value.Reveal(), true); !r.Ended {
			t.Errorf("forced: %+v", r)
		}
		w.wantRefusal(w.instance(), lenient.Value.Reveal(), keys.ErrDeactivated)
		if r, told := w.report("nobody's", true); r.Known || told != 0 {
			t.Errorf("unknown: %+v", r)
		}
	})
}

func TestAReportOfAnOldValueLeavesThePresentOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(alertOnly)
		r := w.rotate(made.Key.ID, time.Hour)
		if got, _ := w.report(made.Value.Reveal(), false); !got.Known || !got.WasPrevious || got.WasRetired || !got.Ended {
			t.Errorf("still valid: %+v", got)
		}
		w.wantRefusal(w.s, made.Value.Reveal(), keys.ErrExpired)
		w.wantRefusal(w.s, r.Value.Reveal(), nil)
		if got, told := w.report(made.Value.Reveal(), true); !got.Known || got.WasPrevious || !got.WasRetired || got.Ended || told != 1 {
			t.Errorf("over: %+v", got)
		}
	})
}

func TestAReportHappensWithItsNoticeOrNotAtAll(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		broken := errors.New("no notice")
		r, err := w.s.EndReported(t.Context(), access.System(""), sha256.Sum256([]byte(made.Value.Reveal())), true, func(*gorm.DB, keys.Reported) error { return broken })
		if !errors.Is(err, broken) || r.Known {
			t.Errorf("%+v, %v", r, err)
		}
		w.wantRefusal(w.s, made.Value.Reveal(), nil)
	})
}

func TestKnownTellsOurHashesFromOthers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		r := w.rotate(made.Key.ID, 0)
		var hashes [][32]byte
		for i := range 1000 {
			hashes = append(hashes, sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
		}
		present, retired := sha256.Sum256([]byte(r.Value.Reveal())), sha256.Sum256([]byte(made.Value.Reveal()))
		hashes = append(hashes, present, retired)
		known, err := w.s.Known(t.Context(), hashes)
		if err != nil || len(known) != 2 || !known[present] || !known[retired] {
			t.Errorf("known %v, %v", known, err)
		}
	})
}

package seed_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/deliveries"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/seed"
	"latchkey/models"
)

func TestTheDemosEndpointsHaveDeliveriesOfEveryState(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a, owner, _ := seeded(t, db)
		states := map[string]int{}
		for _, d := range all[models.Delivery](t, db, "status <> ''") {
			states[d.Status]++
		}
		for _, state := range []string{models.DeliveryPending, models.DeliveryDelivered, models.DeliveryFailed, models.DeliverySkipped} {
			if states[state] == 0 {
				t.Errorf("no delivery is %s: %v", state, states)
			}
		}
		var failing, disabled, rotating, healthy int
		for _, env := range []string{models.Live, models.Test} {
			page, err := a.Endpoints.List(t.Context(), owner, endpoints.Filter{Environment: env})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Items {
				switch {
				case e.Rotating:
					rotating++
				case e.Status == models.EndpointDisabled:
					disabled++
				case e.Failing():
					failing++
					if e.NextAttemptAt.Before(time.Now().Add(-time.Minute)) || e.DisablesAt.IsZero() || e.State.Warned != 50 {
						t.Errorf("%s: next attempt %v, disabled at %v, warned at %d %%", e.Description, e.NextAttemptAt, e.DisablesAt, e.State.Warned)
					}
				default:
					healthy++
				}
			}
		}
		if failing != 1 || disabled != 1 || rotating != 1 || healthy != 2 {
			t.Errorf("%d failing, %d disabled, %d rotating, %d healthy", failing, disabled, rotating, healthy)
		}
	})
}

// minutesKept is how long the worker's counts are kept.
const minutesKept = 8 * 24 * time.Hour

func TestTheDemosDeliveriesAgreeWithTheirAttemptsAndMessages(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		_, _, _ = seeded(t, db)
		now := time.Now()
		messages := map[string]models.Message{}
		for _, m := range all[models.Message](t, db, "event_type <> ''") {
			messages[m.ID] = m
			var body struct{ Type string }
			if err := json.Unmarshal(m.Body, &body); err != nil || body.Type != m.EventType || m.CreatedAt.After(now) {
				t.Errorf("message %s of %v: %s, %v", m.ID, m.CreatedAt, m.Body, err)
			}
		}
		type key struct{ endpoint, message string }
		attempts, failed := map[key][]models.DeliveryAttempt{}, int64(0)
		for _, a := range all[models.DeliveryAttempt](t, db, "number > 0 ORDER BY number") {
			k := key{a.EndpointID, a.MessageID}
			attempts[k] = append(attempts[k], a)
			if a.StartedAt.After(now) || a.StartedAt.Before(messages[a.MessageID].CreatedAt.Time) || (a.Error == "") != (a.Status/100 == 2) {
				t.Errorf("attempt %+v", a)
			}
			ended := a.StartedAt.Add(time.Duration(a.DurationUS) * time.Microsecond)
			if a.Error != "" && a.Cause != models.CauseTest && now.Sub(ended) < minutesKept { // minutes before are not kept
				failed++
			}
		}
		for _, d := range all[models.Delivery](t, db, "status <> ''") {
			made := attempts[key{d.EndpointID, d.MessageID}]
			if _, ok := messages[d.MessageID]; !ok || len(made) != d.Attempts {
				t.Errorf("%+v has %d attempts, message %v", d, len(made), ok)
				continue
			}
			last := models.DeliveryAttempt{}
			if len(made) > 0 {
				last = made[len(made)-1]
			}
			pending := d.Status == models.DeliveryPending
			switch {
			case last.Status != d.LastStatus, last.Error != d.LastError, pending != d.FinishedAt.IsZero(), pending == d.NextAttemptAt.IsZero():
				t.Errorf("%+v ends with %+v", d, last)
			case d.Status == models.DeliverySkipped && d.Attempts > 0, d.Status == models.DeliveryDelivered && last.Error != "", d.Attempts > len(dispatch.Schedule):
				t.Errorf("%+v with %+v", d, last)
			case pending && !d.NextAttemptAt.After(now.Add(-time.Minute)):
				t.Errorf("a pending delivery is due since %v", d.NextAttemptAt)
			}
		}
		var counted int64
		for _, m := range all[models.EndpointMinute](t, db, "minute > 0") {
			counted += m.Failed
		}
		if counted != failed {
			t.Errorf("%d failures counted, %d made", counted, failed)
		}
	})
}

func TestTheFirstCleanUpTakesNothingOfTheDemoAway(t *testing.T) {
	a, _, _ := seeded(t, apptest.SQLite(t))
	pruned, err := a.Deliveries.Prune(t.Context())
	if err != nil || pruned != (deliveries.Pruned{}) {
		t.Errorf("pruned %+v, %v", pruned, err)
	}
}

func TestWithoutAKeyForSecretsTheDemoHasNoEndpoints(t *testing.T) {
	db := apptest.SQLite(t)
	var out bytes.Buffer
	if err := seed.Run(t.Context(), app.New(db, app.Options{}), seed.Options{Signals: 400, Out: &out}); err != nil {
		t.Fatal(err)
	}
	if n := len(all[models.Endpoint](t, db, "status <> ''")) + len(all[models.Message](t, db, "event_type <> ''")); n != 0 || !bytes.Contains(out.Bytes(), []byte("LATCHKEY_SECRET_KEY")) {
		t.Errorf("%d rows; printed %s", n, out.String())
	}
}

func TestTheDemosUpdatesOfOrganisationsAreAsOldAsTheyLook(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		_, _, _ = seeded(t, db)
		updates := map[string]string{} // statuses
		for _, u := range all[models.ProductOrgUpdate](t, db, "id IS NOT NULL") {
			updates[u.ID] = u.Status
			checkMade(t, "update", u.ID, u.ReceivedAt.Time)
		}
		for _, o := range all[models.ProductOrg](t, db, "last_update_id IS NOT NULL") {
			status, named := updates[*o.LastUpdateID], bytes.Contains(o.Fields, []byte(*o.LastUpdateID))
			if status != models.UpdateUnchanged && (status != models.UpdateApplied || !named) { // one that changes nothing owns no value
				t.Errorf("%s was last changed by %s (%q), values %s", o.OrgKey, *o.LastUpdateID, status, o.Fields)
			}
		}
		told := all[models.Message](t, db, "event_type = 'product_org.updated'")
		for _, m := range told {
			checkMade(t, "message", m.ID, m.CreatedAt.Time)
			if updates[m.ID] == "" || !bytes.Contains(m.Body, []byte(`"update_id":"`+m.ID+`"`)) {
				t.Errorf("message %s tells of no update: %s", m.ID, m.Body)
			}
		}
		if len(told) == 0 {
			t.Error("nothing was told of organisations")
		}
	})
}

// checkMade compares the time in a UUID v7 with the one that its row has.
func checkMade(t *testing.T, what, id string, at time.Time) {
	t.Helper()
	seconds, nanos := uuid.MustParse(id).Time().UnixTime()
	if made := time.Unix(seconds, nanos); made.Sub(at).Abs() > time.Second {
		t.Errorf("%s %s is of %v by its id, of %v by its row", what, id, made, at)
	}
}

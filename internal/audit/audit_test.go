package audit_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	acme  = "0197f0a0-0000-7000-8000-00000000000a"
	other = "0197f0a0-0000-7000-8000-00000000000b"
	ada   = "0197f0a0-0000-7000-8000-0000000000a1"
)

func owner(workspace string) access.Actor {
	return access.Actor{AccountID: ada, WorkspaceID: workspace, Role: access.Owner, Label: "ada@example.com", Origin: access.Origin{IP: "192.0.2.7", RequestID: "req"}}
}

// record writes n entries about things with that label, a minute apart.
func record(t *testing.T, db *database.DB, actor access.Actor, action, label string, n int) {
	t.Helper()
	for i := range n {
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			return audit.Record(t.Context(), tx, start.Add(time.Duration(i)*time.Minute), actor, audit.Change{
				Action: action, Target: audit.Target{Type: "thing", ID: fmt.Sprintf("%s-%d", label, i), Label: label},
				After: audit.Values{"n": i},
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func each(t *testing.T, test func(t *testing.T, db *database.DB, log *audit.Log)) {
	t.Helper()
	apptest.Each(t, func(t *testing.T, db *database.DB) { test(t, db, audit.NewLog(db)) })
}

func TestPagesCoverEveryEntryOnceInBothDirections(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, log *audit.Log) {
		record(t, db, owner(acme), "thing.made", "a", 25)
		var seen []string
		var cursors []audit.Cursor
		at := audit.Cursor{}
		for {
			cursors = append(cursors, at)
			p, err := log.List(t.Context(), owner(acme), audit.Filter{}, at, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range p.Entries {
				seen = append(seen, e.TargetID)
			}
			if (p.Newer == "") != (len(cursors) == 1) {
				t.Errorf("page %d: newer = %q", len(cursors), p.Newer)
			}
			if p.Older == "" {
				back, err := log.List(t.Context(), owner(acme), audit.Filter{}, audit.Cursor{After: p.Newer}, 10)
				if err != nil || len(back.Entries) != 10 || back.Entries[0].TargetID != "a-14" {
					t.Errorf("one page back: %d entries, %v", len(back.Entries), err)
				}
				break
			}
			at = audit.Cursor{Before: p.Older}
		}
		if len(seen) != 25 || seen[0] != "a-24" || seen[24] != "a-0" || len(cursors) != 3 {
			t.Errorf("saw %v over %d pages", seen, len(cursors))
		}
	})
}

func TestFiltersNarrowTheList(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, log *audit.Log) {
		record(t, db, owner(acme), "thing.made", "50%_off", 3)
		record(t, db, access.CommandLine(acme), "thing.broken", "plain", 2)
		for name, tc := range map[string]struct {
			filter audit.Filter
			want   int
		}{
			"none":               {audit.Filter{}, 5},
			"account":            {audit.Filter{Actor: ada}, 3},
			"command line":       {audit.Filter{Actor: "command line"}, 2},
			"action":             {audit.Filter{Action: "thing.broken"}, 2},
			"label, other case":  {audit.Filter{Target: "50%_OFF"}, 3},
			"wildcards are text": {audit.Filter{Target: "%_l"}, 0},
			"whole id":           {audit.Filter{Target: "plain-1"}, 1},
			"exact target":       {audit.Filter{TargetID: "plain-0"}, 1},
			"from":               {audit.Filter{From: start.Add(time.Minute)}, 3},
			"to, exclusive":      {audit.Filter{To: start.Add(time.Minute)}, 2},
			"part of an action":  {audit.Filter{Action: "thing."}, 0},
		} {
			p, err := log.List(t.Context(), owner(acme), tc.filter, audit.Cursor{}, 50)
			if err != nil || len(p.Entries) != tc.want {
				t.Errorf("%s: %d entries, %v; want %d", name, len(p.Entries), err, tc.want)
			}
		}
		actors, err := log.Actors(t.Context(), owner(acme))
		if err != nil || len(actors) != 2 {
			t.Errorf("actors = %v, %v", actors, err)
		}
		actions, err := log.Actions(t.Context(), owner(acme))
		if err != nil || strings.Join(actions, " ") != "thing.broken thing.made" {
			t.Errorf("actions = %v, %v", actions, err)
		}
	})
}

func TestAProgramIsFoundByItsKeyWhateverItIsCalled(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, log *audit.Log) {
		const keyID = "0197f0a0-0000-7000-8000-0000000000c1"
		program := access.Actor{KeyID: keyID, WorkspaceID: acme, Label: "CI", Scopes: access.Scopes{access.KeysWrite}}
		record(t, db, program, "thing.made", "by a key", 2)
		program.Label = "CI, renamed"
		record(t, db, program, "thing.made", "by the same key", 1)
		record(t, db, access.CommandLine(acme), "thing.made", "by the operator", 4)

		p, err := log.List(t.Context(), owner(acme), audit.Filter{Actor: keyID}, audit.Cursor{}, 50)
		if err != nil || len(p.Entries) != 3 {
			t.Fatalf("%d entries, %v; want 3", len(p.Entries), err)
		}
		if id := p.Entries[0].ActorKeyID; id == nil || *id != keyID {
			t.Errorf("the entry's key is %v", id)
		}
		actors, err := log.Actors(t.Context(), owner(acme))
		want := []audit.Choice{{Value: keyID, Label: "CI, renamed"}, {Value: "command line", Label: "command line"}}
		if err != nil || !slices.Equal(actors, want) {
			t.Errorf("actors = %v, %v; want %v", actors, err, want)
		}
		var out bytes.Buffer
		if err := log.WriteNDJSON(t.Context(), owner(acme), audit.Filter{Actor: keyID}, &out); err != nil || strings.Count(out.String(), `"actor_key_id":"`+keyID+`"`) != 3 {
			t.Errorf("export: %s, %v", out.String(), err)
		}
	})
}

func TestAnotherWorkspacesEntriesAreNeverRead(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, log *audit.Log) {
		record(t, db, owner(other), "thing.made", "secret", 3)
		p, err := log.List(t.Context(), owner(acme), audit.Filter{Target: "secret"}, audit.Cursor{}, 50)
		if err != nil || len(p.Entries) != 0 {
			t.Errorf("list: %d entries, %v", len(p.Entries), err)
		}
		if rows, err := log.OfTarget(t.Context(), owner(acme), "secret-0", 5); err != nil || len(rows) != 0 {
			t.Errorf("of target: %d entries, %v", len(rows), err)
		}
		var out bytes.Buffer
		if err := log.WriteNDJSON(t.Context(), owner(acme), audit.Filter{}, &out); err != nil || out.Len() != 0 {
			t.Errorf("export: %q, %v", out.String(), err)
		}
		if rows, err := log.OfTarget(t.Context(), owner(other), "secret-0", 5); err != nil || len(rows) != 1 {
			t.Errorf("its own: %d entries, %v", len(rows), err)
		}
	})
}

func TestOnlyWhoMayReadTheLogReadsIt(t *testing.T) {
	db := apptest.SQLite(t)
	log := audit.NewLog(db)
	for _, role := range access.Roles {
		actor := owner(acme)
		actor.Role = role
		_, listed := log.List(t.Context(), actor, audit.Filter{}, audit.Cursor{}, 5)
		exported := log.WriteCSV(t.Context(), actor, audit.Filter{}, &bytes.Buffer{})
		for _, err := range []error{listed, exported} {
			if fault.Is(err, fault.Forbidden) == access.Allows(role, access.ReadAudit) {
				t.Errorf("%s: %v", role, err)
			}
		}
	}
}

func TestExportHoldsMoreThanOneBatchInOrder(t *testing.T) {
	db := apptest.SQLite(t)
	record(t, db, owner(acme), "thing.made", "x", 1203)
	var out bytes.Buffer
	if err := audit.NewLog(db).WriteCSV(t.Context(), owner(acme), audit.Filter{}, &out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 1204 {
		t.Fatalf("%d lines, %v; want 1204", len(rows), err)
	}
	if rows[1][4] != "x-0" || rows[1203][4] != "x-1202" {
		t.Errorf("from %s to %s", rows[1][4], rows[1203][4])
	}
}

func TestCellsThatASpreadsheetWouldRunAreNeutralised(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM": "'@SUM", "\tx": "'\tx", "\rx": "'\rx",
		"plain": "plain", "": "", "a=b": "a=b", "{\"a\":1}": "{\"a\":1}",
	} {
		if got := audit.PlainCell(in); got != want {
			t.Errorf("PlainCell(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEveryEntryReadsAsASentence(t *testing.T) {
	for action, want := range map[string]string{
		"api_key.deactivated": "deactivated the API key Production",
		"member.left":         "left the workspace",
		"widget.turned_off":   "turned off widget Production",
		"api_key.rotated":     "rotated the API key Production",
		"api_key.leaked":      "took a report that the API key Production has leaked",
		"template.saved":      "saved a new version of the template Production",
	} {
		if got := audit.Sentence(audit.Entry{Action: action, TargetLabel: "Production"}); got != want {
			t.Errorf("%s reads %q, want %q", action, got, want)
		}
	}
}

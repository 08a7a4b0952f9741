package console

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/ingest"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) replayAll(c Ctx) error { return s.startReplay(c, "") }

func (s *server) replayOne(c Ctx) error { return s.startReplay(c, c.Param("update")) }

func (s *server) startReplay(c Ctx, updateID string) error {
	v, key := visit(c), c.Param("id")
	id, err := s.Ingest.StartReplay(c.Request().Context(), v.Actor, key, updateID)
	if err != nil {
		return err
	}
	return s.done(c, v.path(keysPath, key, waitingPart, "replays", id), "Replay started.")
}

func (s *server) stopReplay(c Ctx) error {
	v, id := visit(c), c.Param("replay")
	if err := s.Ingest.StopReplay(c.Request().Context(), v.Actor, id); err != nil {
		return err
	}
	return s.done(c, v.path(keysPath, c.Param("id"), waitingPart, "replays", id), "Replay stopped. What it had replayed stays so.")
}

func (s *server) showReplay(c Ctx) error {
	k, err := s.waitingKey(c)
	if err != nil {
		return err
	}
	v := visit(c)
	r, err := s.Orgs.Replay(c.Request().Context(), v.Actor, c.Param("replay"))
	if err != nil {
		return err
	}
	if r.APIKeyID != k.ID {
		return fault.New(fault.NotFound, "This replay does not exist.")
	}
	shown := s.replayView(c, k.ID, r)
	if isHTMX(c) {
		return write(c, http.StatusOK, views.Replay(shown))
	}
	p := views.ReplayPageView{
		Replay: shown, BackHref: v.path(keysPath, k.ID, waitingPart), TemplateHref: v.path(keysPath, k.ID, "template"), OrgsHref: v.envPath(orgsPath),
	}
	p.Page = s.keyShell(c, "Replay")
	return s.render(c, http.StatusOK, views.ReplayPage(p), nil)
}

func (s *server) replayView(c Ctx, keyID string, r models.OrgReplay) views.ReplayView {
	done := r.Applied + r.Stale + r.Unchanged + r.Duplicates + r.Failed
	href := visit(c).path(keysPath, keyID, waitingPart, "replays", r.ID)
	p := views.ReplayView{
		Title: "Last replay", Href: href, PollHref: href, WaitingHref: visit(c).path(keysPath, keyID, waitingPart), Counts: replayCounts(r),
		By: "Started " + s.time(c, r.StartedAt.Time, "").Relative + " by " + orText(r.StartedLabel, "somebody") + ", with template version " + strconv.Itoa(r.TemplateVersion) + ".",
	}
	of := ui.Count(int(done)) + " of " + countedText(r.Total, "update")
	switch r.Status {
	case "running":
		p.Running, p.Title, p.Stop, p.Text = true, "Replay in progress", href+"/stop", "Replaying: "+of+" so far."
		p.Percent = strconv.FormatInt(min(100, 100*done/max(1, r.Total)), 10)
	case "finished":
		p.Text = "Replay finished: " + of + "."
	case "stopped":
		p.Text = "Replay stopped after " + of + ". The rest still waits."
	default:
		p.Text = "Replay ended after " + of + ": " + orText(r.Problem, "it could not go on.")
	}
	return p
}

// replayCounts says what came of those that were replayed; empty before the first.
func replayCounts(r models.OrgReplay) string {
	var parts []string
	for _, part := range []struct {
		n    int64
		word string
	}{
		{r.Applied, "applied"}, {r.Stale, "stale"}, {r.Unchanged, "unchanged"}, {r.Duplicates, "known already"}, {r.Failed, "still waiting, since the template does not map them"},
	} {
		if part.n > 0 {
			parts = append(parts, ui.Count(int(part.n))+" "+part.word)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + "."
}

// previewView is what a replay of all would do now.
func (s *server) previewView(c Ctx, keyID string) (*views.PreviewView, error) {
	v := visit(c)
	found, err := s.Ingest.ReplayPreview(c.Request().Context(), v.Actor, keyID)
	if err != nil {
		return nil, err
	}
	here := v.path(keysPath, keyID, waitingPart)
	p := &views.PreviewView{
		Title: "What a replay would do now", Note: previewNote(found), Cancel: here,
		Stats: []ui.StatProps{
			{Label: "Would apply", Value: ui.Count(found.WouldApply)}, {Label: "Stale", Value: ui.Count(found.Stale), Hint: "older than what is known"},
			{Label: "Unchanged", Value: ui.Count(found.Unchanged)}, {Label: "Known already", Value: ui.Count(found.Duplicate)},
			{Label: "Still failing", Value: ui.Count(found.Failing), Tone: failingTone(found.Failing)},
		},
	}
	for _, r := range found.Reasons {
		reason := views.PreviewReason{Count: ui.Count(r.Count) + " ×", Target: r.Target, Problem: r.Problem}
		if strings.Contains(r.Problem, r.Target) {
			reason.Target = "" // the sentence names it
		}
		p.Reasons = append(p.Reasons, reason)
	}
	for _, item := range found.Sample {
		p.Rows = append(p.Rows, previewRow(v, keyID, item))
	}
	p.RowNote = "The first " + counted(len(p.Rows), "update")
	switch {
	case found.TemplateVersion == 0:
		p.Hint = "The key has no payload template yet, so nothing can be mapped. Make one first."
	case found.Looked > 0 && found.Failing == found.Looked && found.Looked == found.Total:
		p.Hint = "The template maps none of them yet, so a replay would change nothing. Correct the template first."
	default:
		p.Action, p.Submit = here+"/replays", "Replay all "+ui.Count(found.Total)
		p.Hint = "What maps is applied at the time of its own event; what does not goes on waiting. Nothing is applied twice."
	}
	return p, nil
}

func previewNote(p *ingest.Preview) string {
	note := "Under version " + strconv.Itoa(p.TemplateVersion) + " of the template. Nothing has been changed."
	if p.TemplateVersion == 0 {
		note = "Nothing has been changed."
	}
	if p.Looked < p.Total {
		note += " Counted over the first " + ui.Count(p.Looked) + " of " + ui.Count(p.Total) + "."
	}
	return note
}

func failingTone(n int) ui.Tone {
	if n > 0 {
		return ui.ToneDanger
	}
	return ui.ToneNeutral
}

func previewRow(v *visitor, keyID string, item ingest.PreviewItem) views.PreviewRow {
	row := views.PreviewRow{
		Org: orText(item.OrgKey, "No org ID"), Href: v.path(keysPath, keyID, waitingPart, item.UpdateID), Outcome: previewOutcome(item.Status), Problems: problemTexts(item.Problems),
	}
	row.Changes, row.More = changeViews(item.Changes)
	return row
}

// previewOutcome is the word for what would become of an update.
func previewOutcome(status string) ui.BadgeProps {
	badge := updateOutcomes[status].badge
	switch status {
	case models.UpdateApplied:
		badge.Label = "Would apply"
	case models.UpdateFailed, models.UpdateQuarantined:
		badge.Label, badge.Tone = "Still fails", ui.ToneDanger
	}
	return badge
}

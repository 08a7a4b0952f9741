package console

import (
	"net/http"
	"strconv"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/signals"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	uploadsPath = "uploads"
	// keyPageUploads bounds the running uploads on the pages of others.
	keyPageUploads = 5
	// askForUploads is how often the page looks for the next one while none runs: who waits for one
	// has just started it.
	askForUploads = "5s"
)

func (s *server) uploadRoutes() []Route {
	return []Route{{GET, "/w/:slug/" + uploadsPath, In(access.ReadData), s.listUploads}}
}

// listUploads shows every upload, or with running=1 those that run, for a page that shows only them.
func (s *server) listUploads(c Ctx) error {
	v, ctx := visit(c), c.Request().Context()
	q := envQuery(v.Env)
	if isHTMX(c) && c.QueryParam("running") != "" {
		list, err := s.running(c, c.QueryParam("key"))
		if err != nil {
			return err
		}
		return write(c, http.StatusOK, views.UploadList(list))
	}
	f := signals.UploadFilter{Environment: v.Env, At: signals.Cursor{Before: c.QueryParam("before"), After: c.QueryParam("after")}}
	found, err := s.Signals.Uploads(ctx, v.Actor, f)
	if err != nil {
		return err
	}
	here := v.path(uploadsPath)
	p := views.UploadsView{List: s.uploadList(c, found.Items), Paging: pages(here, q, found.Paging)}
	if f.At == (signals.Cursor{}) {
		p.List.PollHref, p.List.Every = withQuery(here, q), askForUploads
		for _, u := range found.Items {
			if u.Status == models.UploadRunning {
				p.List.Every = askSoon
			}
		}
	}
	if len(p.List.Rows) == 0 {
		p.List.Empty = s.noUploads(c)
	}
	if isHTMX(c) {
		return write(c, http.StatusOK, views.UploadList(p.List))
	}
	p.Page = s.shell(c, page{Title: "Uploads", Nav: navUploads, HasEnv: true})
	return s.render(c, http.StatusOK, views.Uploads(p), nil)
}

func (s *server) noUploads(c Ctx) *ui.EmptyStateProps {
	base, key := s.base(c), maskedKey(s.Keys.Brand()+"_"+visit(c).Env)
	return &ui.EmptyStateProps{
		Icon: ui.IconUpload, Title: "No uploads yet.",
		Text: "One request takes up to 1 GiB: one JSON object a line, or an array of them, gzipped or not. With a key in place of the dots, either of these sends a file; latchkey import takes one of any size, and goes on after an interruption.",
		Code: "curl " + base + "/api/signal-staging/bulk \\\n  -H 'Authorization: Bearer " + key + "' \\\n  -H 'Content-Type: application/x-ndjson' \\\n  -T events.ndjson -X POST\n\n" +
			"export LATCHKEY_URL=" + base + " LATCHKEY_KEY=" + key + "\nlatchkey import events.ndjson",
		CodeLabel: "Example uploads",
	}
}

// runningUploads are those of the environment, or of one key; nil when none runs.
func (s *server) runningUploads(c Ctx, keyID string) (*views.UploadListView, error) {
	list, err := s.running(c, keyID)
	if err != nil || len(list.Rows) == 0 {
		return nil, err
	}
	return &list, nil
}

func (s *server) running(c Ctx, keyID string) (views.UploadListView, error) {
	v := visit(c)
	found, err := s.Signals.Uploads(c.Request().Context(), v.Actor, signals.UploadFilter{
		Environment: v.Env, KeyID: keyID, Status: models.UploadRunning, Limit: keyPageUploads,
	})
	list := s.uploadList(c, found.Items)
	list.None = "No upload runs any more."
	if len(list.Rows) > 0 {
		q := withValue(withValue(envQuery(v.Env), "running", "1"), "key", keyID)
		list.Every, list.PollHref = askSoon, withQuery(v.path(uploadsPath), q)
	}
	return list, err
}

func (s *server) uploadList(c Ctx, items []signals.UploadItem) views.UploadListView {
	v := visit(c)
	var list views.UploadListView
	for _, u := range items {
		row := views.UploadRow{
			ID: u.ID, Time: s.time(c, u.StartedAt.Time, ""), Status: uploadBadges[u.Status], Sent: byteSize(u.BytesRead),
			Lines: ui.Count(int(u.Lines)), Accepted: ui.Count(int(u.Accepted)), Repeated: ui.Count(int(u.Duplicates)), Refused: ui.Count(int(u.Rejected)),
			Key: u.KeyName, KeyHref: keyHref(v, u.APIKeyID, u.KeyType), Note: uploadNote(u), Speed: uploadSpeed(u),
		}
		if u.Status == models.UploadRunning && u.BytesTotal != nil && *u.BytesTotal > 0 {
			row.Percent = strconv.FormatInt(min(100, 100*u.BytesRead / *u.BytesTotal), 10)
		}
		if u.BytesTotal != nil && u.BytesRead < *u.BytesTotal {
			row.Sent += " of " + byteSize(*u.BytesTotal)
		}
		if !u.EndedAt.IsZero() {
			row.Href = v.path(requestsPath, u.ID)
		}
		list.Rows = append(list.Rows, row)
	}
	return list
}

var uploadBadges = map[string]ui.BadgeProps{
	models.UploadRunning:      {Label: "Running", Tone: ui.ToneInfo, Icon: ui.IconClock},
	models.UploadDone:         {Label: "Done", Tone: ui.ToneOK, Icon: ui.IconCheckCircle},
	models.UploadCutOff:       {Label: "Cut off", Tone: ui.ToneDanger, Icon: ui.IconError},
	signals.UploadInterrupted: {Label: "Interrupted", Tone: ui.ToneWarn, Icon: ui.IconWarn},
}

// uploadNote says why an upload is not whole, and where its sender can go on.
func uploadNote(u signals.UploadItem) string {
	note := u.Message
	switch {
	case u.Status == signals.UploadInterrupted:
		note = "The server that took it went away"
	case u.Status != models.UploadCutOff:
		return ""
	}
	if u.ResumeFromLine != nil && *u.ResumeFromLine > 1 {
		note = joinSentences(note, "Go on at line "+ui.Count(int(*u.ResumeFromLine)))
	}
	return joinSentences(note)
}

// uploadSpeed is the rate since the beginning, and from it the time that is left.
func uploadSpeed(u signals.UploadItem) string {
	took := u.UpdatedAt.Sub(u.StartedAt.Time).Seconds()
	if took < 1 || u.BytesRead == 0 || u.Status == signals.UploadInterrupted {
		return ""
	}
	perSecond := float64(u.BytesRead) / took
	text := byteSize(int64(perSecond)) + "/s"
	if u.Status == models.UploadRunning && u.BytesTotal != nil && *u.BytesTotal > u.BytesRead {
		left := time.Duration(float64(*u.BytesTotal-u.BytesRead) / perSecond * float64(time.Second))
		text += ", about " + left.Round(time.Second).String() + " left"
	}
	return text
}

// allUploads is where the rest is listed.
func allUploads(v *visitor) string { return withQuery(v.path(uploadsPath), envQuery(v.Env)) }

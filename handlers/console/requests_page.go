package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/signals"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) showRequest(c Ctx) error {
	v := visit(c)
	d, err := s.Signals.Request(c.Request().Context(), v.Actor, c.Param("id"))
	if err != nil {
		return err
	}
	v.Env = d.Environment
	p := views.RequestView{
		Title: requestTitle(d), ID: d.ID, Badges: []ui.BadgeProps{requestBadge(d.RequestItem), envBadge(d.Environment)},
		ListHref: v.envPath(requestsPath), Refusal: refusalView(d), Facts: s.requestFacts(c, d),
		KeyFact: keyFact(v, d.APIKeyID, d.KeyName, d.KeyPrefix, d.KeyType),
		Refused: refusedRows(d), RefusedNote: refusedNote(d),
	}
	if takesOrgs(d) {
		if err := s.orgRows(c, &p, d); err != nil {
			return err
		}
	} else {
		s.storedRows(c, &p, d)
	}
	for _, h := range d.Headers {
		p.Headers = append(p.Headers, ui.Fact{Label: h.Name, Value: h.Value, Mono: true})
	}
	if d.Body != nil {
		p.Payload = payloadView("Payload of the request", d.Body, v.path(requestsPath, d.ID, "body"))
	} else {
		p.PayloadNote = noPayload(d)
	}
	if p.Telling, err = s.telling(c, subjectsOf(d, p)...); err != nil {
		return err
	}
	p.Page = s.detailShell(c, p.Title, navRequests)
	return s.render(c, http.StatusOK, views.Request(p), nil)
}

// detailShell is the frame of a thing that belongs to one environment: it says so in Test, and
// offers no switch.
func (s *server) detailShell(c Ctx, title string, at nav) views.Page {
	p := s.shell(c, page{Title: title, Nav: at})
	if p.Shell != nil {
		p.Shell.Environment = visit(c).Env
	}
	return p
}

func (s *server) downloadRequest(c Ctx) error {
	d, err := s.Signals.Request(c.Request().Context(), visit(c).Actor, c.Param("id"))
	if err != nil {
		return err
	}
	if d.Body == nil {
		return fault.New(fault.NotFound, "The body of this request was not kept.")
	}
	return attachment(c, "request-"+d.ID, d.Body)
}

// attachment answers with somebody else's bytes: a file to keep, never a document to show.
func attachment(c Ctx, name string, body []byte) error {
	extension, contentType := ".json", "application/json"
	if _, err := ui.ParseJSON(signals.Clean(body)); err != nil && err != ui.ErrJSONTooLarge {
		extension, contentType = ".txt", "text/plain; charset=utf-8"
	}
	startDownload(c, contentType, name+extension)
	return c.Blob(http.StatusOK, contentType, body)
}

func requestTitle(d signals.RequestDetail) string {
	switch {
	case d.Event != "":
		return d.Event
	case d.Status >= http.StatusMultipleChoices:
		return "Rejected request"
	default:
		return "Request"
	}
}

// refusalView explains a request that was refused, wholly or in part.
func refusalView(d signals.RequestDetail) *views.RefusalView {
	if d.Code == "" {
		return nil
	}
	r := views.RefusalView{Heading: "Why was this rejected?", Code: d.Code, Told: d.Message}
	if d.Status == http.StatusMultiStatus {
		r.Heading = "Why was a part of this rejected?"
	}
	reason, known := signals.ReasonFor(d.Code)
	if !known {
		reason = signals.Reason{Why: d.Message, Fix: "Look at what the sender was told."}
	}
	r.Why, r.Fix = reason.Why, reason.Fix
	return &r
}

func refusedRows(d signals.RequestDetail) []views.RefusedRow {
	place := "Item %d"
	if bulk(d) {
		place = "Line %d"
	}
	var rows []views.RefusedRow
	for _, item := range d.Refused {
		reason, _ := signals.ReasonFor(item.Error.Code)
		number := item.Index
		if !bulk(d) {
			number++ // positions count from 0, lines from 1
		}
		rows = append(rows, views.RefusedRow{
			Place: fmt.Sprintf(place, number), Code: item.Error.Code, Field: item.Error.Field, Why: item.Error.Message, Fix: reason.Fix,
		})
	}
	return rows
}

func refusedNote(d signals.RequestDetail) string {
	if len(d.Refused) > 0 && len(d.Refused) < d.Rejected {
		return "The first " + ui.Count(len(d.Refused)) + " of " + ui.Count(d.Rejected) + "."
	}
	return ""
}

func bulk(d signals.RequestDetail) bool { return strings.Contains(d.Route, "/bulk") }

// storedRows lists what the request stored, or which signal it repeats.
func (s *server) storedRows(c Ctx, p *views.RequestView, d signals.RequestDetail) {
	v := visit(c)
	for _, item := range d.Signals {
		row := views.StoredRow{Href: v.path(signalsPath, item.ID), Event: item.Event, Email: item.Email}
		if n := len(item.WarningCodes()); n > 0 {
			row.Note = counted(n, "warning")
		}
		p.Signals = append(p.Signals, row)
	}
	switch {
	case d.Original != "":
		p.SignalsNote = "Nothing new was stored: this message id came before."
		p.Signals = []views.StoredRow{{Href: v.path(signalsPath, d.Original), Event: orText(d.Event, "The first signal"), Email: d.Email, Note: "The first one"}}
	case d.Accepted > len(p.Signals) && len(p.Signals) > 0:
		p.SignalsNote = "The latest " + ui.Count(len(p.Signals)) + " of " + ui.Count(d.Accepted) + "."
		p.SignalsHref = withQuery(v.path(signalsPath), withValue(envQuery(d.Environment), "q", d.ID))
	case d.Accepted > 0 && len(p.Signals) == 0:
		p.SignalsNote = "Their retention has ended."
	}
}

func envQuery(env string) url.Values {
	if env == testEnv {
		return url.Values{"env": {testEnv}}
	}
	return url.Values{}
}

func noPayload(d signals.RequestDetail) string {
	switch {
	case takesOrgs(d) && d.Accepted+d.Rejected > 0 && d.Status != http.StatusUnauthorized:
		return "The payload was kept with its updates, whose retention has ended."
	case bulk(d):
		return "The body of a bulk upload is not kept as a whole; each signal keeps its own bytes."
	case d.Status == http.StatusOK:
		return "The payload was kept with its signal, whose retention has ended."
	default:
		return "The request was rejected before its body was read, so there is none to show."
	}
}

func (s *server) requestFacts(c Ctx, d signals.RequestDetail) []ui.Fact {
	received := s.exactTime(c, d.ReceivedAt.Time)
	var facts []ui.Fact
	if d.Code == "" { // else it stands with the reason
		facts = []ui.Fact{{Label: "Request ID", Value: d.ID, Mono: true, Copy: true, Hint: "The sender got it in X-Request-Id."}}
	}
	facts = append(facts, []ui.Fact{
		{Label: "Received", Time: &received, Hint: s.time(c, d.ReceivedAt.Time, "").Relative},
		{Label: "URL", Value: "POST " + urlTemplate(d.Route), Mono: true},
		{Label: "Answer", Value: strconv.Itoa(d.Status) + " " + http.StatusText(d.Status)},
		{Label: "Items", Value: itemCounts(d.GatewayRequest)},
	}...)
	event := ui.Fact{Label: "Event", Value: d.Event}
	if takesOrgs(d) {
		event.Label = "Org ID"
	}
	for _, f := range []ui.Fact{event, {Label: "Email", Value: d.Email}, {Label: "Source", Value: d.Source}} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return append(facts,
		ui.Fact{Label: "Latency", Value: latency(d.DurationUS)},
		ui.Fact{Label: "Size", Value: byteSize(d.Bytes), Hint: "after decompression"},
		ui.Fact{Label: "Address", Value: d.IP, Mono: true},
		ui.Fact{Label: "User agent", Value: orText(d.UserAgent, "Not sent")},
	)
}

// urlTemplate writes a route's parameters as the documentation does.
func urlTemplate(route string) string {
	parts := strings.Split(route, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func itemCounts(r models.GatewayRequest) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{r.Accepted, "accepted"}, {r.Duplicates, "repeated"}, {r.Rejected, "rejected"}} {
		if p.n > 0 {
			parts = append(parts, ui.Count(p.n)+" "+p.word)
		}
	}
	if len(parts) == 0 {
		return "None"
	}
	return strings.Join(parts, ", ")
}

// keyHref leads to a key's page; empty when the visitor may not open it.
func keyHref(v *visitor, id, endpointType string) string {
	need := access.ManageKeys
	if endpointType == models.APIAccess {
		need = access.ManageAPIKeys
	}
	if endpointType == "" || !v.Actor.Can(need) {
		return ""
	}
	return v.path(keysPath, id)
}

// keyFact names a key; those who may not see keys get its name alone.
func keyFact(v *visitor, id *string, name, prefix, endpointType string) views.KeyFact {
	f := views.KeyFact{Name: name}
	if id == nil {
		return f
	}
	if f.Href = keyHref(v, *id, endpointType); f.Href != "" {
		f.Masked = maskedKey(prefix)
	}
	return f
}

// latency writes microseconds with three digits that mean something.
func latency(us int64) string {
	switch ms := float64(us) / 1000; {
	case ms < 1:
		return "< 1 ms"
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 1000:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	default:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
	}
}

func byteSize(n int64) string {
	switch {
	case n < 1024:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1<<20:
		return strconv.FormatFloat(float64(n)/1024, 'f', 1, 64) + " KiB"
	default:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
	}
}

// maxShown bounds what a page shows of a payload; the download has all of it.
const maxShown = 256 << 10

func payloadView(label string, raw []byte, downloadHref string) *views.PayloadView {
	p := views.PayloadView{Label: label, Raw: string(raw), DownloadHref: downloadHref}
	if len(raw) > maxShown {
		p.Raw = strings.ToValidUTF8(string(raw[:maxShown]), "")
		p.RawNote = "The first 256 KiB of " + byteSize(int64(len(raw))) + "; copying takes these. Download it for all."
	}
	clean := signals.Clean(raw)
	tree, err := ui.ParseJSON(clean)
	switch {
	case err == ui.ErrJSONTooLarge:
		p.TreeNote = "The payload has too many values to fold; it is shown as it was sent."
	case err != nil:
		p.TreeNote = "The payload is not JSON; it is shown as it was sent."
	default:
		p.Tree = &tree
	}
	return &p
}

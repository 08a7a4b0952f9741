package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/orgs"
	"latchkey/internal/signals"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// gatewayAnswer is what the page reads of the gateway's answer; the whole is shown beside.
type gatewayAnswer struct {
	itemAnswer
	Results []itemAnswer `json:"results"`
}

type itemAnswer struct {
	Index           int      `json:"index"`
	Status          string   `json:"status"`
	ID              string   `json:"id"`
	Warnings        []string `json:"warnings"`
	OrgID           string   `json:"org_id"`
	Applied         []string `json:"applied"`
	Stale           []string `json:"stale"`
	Unchanged       []string `json:"unchanged"`
	TemplateVersion int      `json:"template_version"`
	Error           *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Details struct {
			Problems []struct {
				Problem string `json:"problem"`
			} `json:"problems"`
		} `json:"details"`
	} `json:"error"`
}

// maxTestItems bounds the items of a list that the page looks up; the answer lists all.
const maxTestItems = 10

func (s *server) testResult(c Ctx, e testEvent, a testAnswer) (*views.TestResult, error) {
	v := visit(c)
	out := &views.TestResult{
		Status: answerBadge(a.status), Latency: latency(a.took.Microseconds()), RequestID: a.requestID,
		AnswerText: string(a.body), Curl: e.curl(s.base(c)), CurlNote: curlNote(e),
	}
	if a.requestID != "" {
		out.RequestHref = v.path(requestsPath, a.requestID)
	}
	if tree, err := ui.ParseJSON(a.body); err == nil {
		out.Answer = &tree
	}
	var answer gatewayAnswer
	if err := json.Unmarshal(a.body, &answer); err != nil {
		out.Sentence = "The gateway's answer could not be read; it stands below."
		return out, nil
	}
	out.Sentence = testSentence(answer)
	s.explain(c, e, answer, out)
	return out, s.testItems(c, e, answer, out)
}

func answerBadge(status int) ui.BadgeProps {
	label := strconv.Itoa(status) + " " + http.StatusText(status)
	switch {
	case status == http.StatusOK:
		return ui.BadgeProps{Label: label, Tone: ui.ToneOK, Icon: ui.IconCheckCircle}
	case status == http.StatusMultiStatus:
		return ui.BadgeProps{Label: label, Tone: ui.ToneWarn, Icon: ui.IconWarn}
	default:
		return ui.BadgeProps{Label: label, Tone: ui.ToneDanger, Icon: ui.IconError}
	}
}

// testSentence says in words what the answer's status means.
func testSentence(a gatewayAnswer) string {
	switch {
	case a.Error != nil && a.Results == nil:
		return "Rejected."
	case a.Results != nil:
		return counted(len(a.Results), "item") + " in the list: " + a.Status + "."
	case a.Status == "duplicate":
		return "A duplicate: this message id came before, so nothing new was stored."
	case a.Status == "quarantined":
		return "Accepted and kept, but not applied: it waits for a template that fits."
	default:
		return "Accepted."
	}
}

// explain says why a whole event was rejected, and what to do.
func (s *server) explain(c Ctx, e testEvent, a gatewayAnswer, out *views.TestResult) {
	if a.Error == nil {
		return
	}
	out.Refusal = &views.RefusalView{Code: a.Error.Code, Told: a.Error.Message}
	if reason, known := signals.ReasonFor(a.Error.Code); known {
		out.Refusal.Why, out.Refusal.Fix = reason.Why, reason.Fix
	}
	problems := a.Error.Details.Problems
	for _, p := range problems {
		if len(problems) > 1 { // a single one stands in the message
			out.Problems = append(out.Problems, p.Problem)
		}
	}
	if e.key.EndpointType == models.ProductOrgs && len(problems) > 0 {
		out.FixLabel, out.FixHref = "Edit the template", visit(c).path(keysPath, e.key.ID, "template")
	}
}

func (s *server) testItems(c Ctx, e testEvent, a gatewayAnswer, out *views.TestResult) error {
	items := a.Results
	if items == nil && a.Error == nil {
		items = []itemAnswer{a.itemAnswer}
	}
	if n := len(items); n > maxTestItems {
		out.More = fmt.Sprintf("%s more items are not shown here; the answer lists them.", ui.Count(n-maxTestItems))
		items = items[:maxTestItems]
	}
	updates, err := s.testUpdates(c, e, out.RequestID)
	if err != nil {
		return err
	}
	for _, item := range items {
		view, err := s.testItem(c, e, item, updates[item.Index])
		if err != nil {
			return err
		}
		if a.Results != nil {
			view.Title = fmt.Sprintf("Item %d: %s", item.Index+1, item.Status)
		}
		out.Items = append(out.Items, view)
	}
	return nil
}

// testUpdates are what a request brought for product orgs, by their place in it.
func (s *server) testUpdates(c Ctx, e testEvent, requestID string) (map[int]*orgs.Update, error) {
	if e.key.EndpointType != models.ProductOrgs {
		return nil, nil
	}
	found, _, err := s.Orgs.UpdateOfRequest(c.Request().Context(), visit(c).Actor, requestID)
	updates := make(map[int]*orgs.Update, len(found))
	for i := range found {
		updates[found[i].ItemIndex] = &found[i]
	}
	return updates, err
}

func (s *server) testItem(c Ctx, e testEvent, item itemAnswer, update *orgs.Update) (views.TestItem, error) {
	var view views.TestItem
	for _, code := range item.Warnings {
		view.Warnings = append(view.Warnings, views.WarningView{Code: code, Text: signals.WarningText(code)})
	}
	if item.Error != nil {
		view.Error = item.Error.Message
		return view, nil
	}
	if e.key.EndpointType == models.ProductOrgs {
		s.orgResult(c, item, update, &view)
		return view, nil
	}
	return view, s.signalResult(c, item, &view)
}

// signalResult reads the stored signal back: what the page shows is what is there.
func (s *server) signalResult(c Ctx, item itemAnswer, view *views.TestItem) error {
	v := visit(c)
	stored, err := s.Signals.Signal(c.Request().Context(), v.Actor, item.ID)
	if fault.Is(err, fault.NotFound) {
		return nil // a duplicate of one whose retention has ended
	}
	if err != nil {
		return err
	}
	occurred := s.exactTime(c, stored.OccurredAt.Time)
	view.Facts = []ui.Fact{{Label: "Event", Value: stored.Event}, {Label: "Kind", Value: stored.Kind}, {Label: "Occurred", Time: &occurred}}
	for _, f := range []ui.Fact{
		{Label: "Email", Value: stored.Email}, {Label: "User ID", Value: stored.UserID}, {Label: "Anonymous ID", Value: stored.AnonymousID},
		{Label: "Group ID", Value: stored.GroupID}, {Label: "Source", Value: stored.Source}, {Label: "Message ID", Value: stored.MessageID},
	} {
		if f.Value != "" {
			f.Mono = strings.HasSuffix(f.Label, "ID")
			view.Facts = append(view.Facts, f)
		}
	}
	view.Href, view.Link = v.path(signalsPath, stored.ID), "Open the signal"
	if item.Status == "duplicate" {
		view.Link = "Open the signal that came first"
	}
	return nil
}

// orgResult says what an update did to its organisation. The update is nil when it was known already.
func (s *server) orgResult(c Ctx, item itemAnswer, update *orgs.Update, view *views.TestItem) {
	v := visit(c)
	add := func(label, value, hint string) {
		if value != "" {
			view.Facts = append(view.Facts, ui.Fact{Label: label, Value: value, Hint: hint})
		}
	}
	add("Organisation", item.OrgID, "")
	if update != nil {
		for _, change := range update.Did {
			if !change.Stale {
				add(change.Field, testValue(change.After), "was "+testValue(change.Before))
			}
		}
		for _, problem := range problemTexts(update.Found) {
			add("Left out", problem, "")
		}
		if update.OrgID != nil {
			view.Href, view.Link = v.path("product-orgs", *update.OrgID), "Open the organisation"
		}
	}
	add("Unchanged", strings.Join(item.Unchanged, ", "), "The values were so already.")
	add("Stale", strings.Join(item.Stale, ", "), "Newer values are there already, so these are kept in the history only.")
	if item.TemplateVersion > 0 {
		add("Template", "Version "+strconv.Itoa(item.TemplateVersion), "")
	}
}

// testValue is a JSON value as people read it.
func testValue(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "unknown"
	case json.Unmarshal(raw, &text) == nil:
		return text
	default:
		return string(raw)
	}
}

func curlNote(e testEvent) string {
	note := "Put the key in place of the dots."
	if e.key.SecretHash != nil {
		note = "Put the key and the shared secret in place of the dots."
	}
	if e.key.SignatureScheme != "" {
		note += " This key asks for the vendor's signature, which only the vendor can make: without it, this line gets 401."
	}
	return note
}

package gateway

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/internal/ingest"
)

// timeFormat is RFC 3339 with milliseconds, in UTC.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

type singleAnswer struct {
	Status     string   `json:"status"`
	ID         string   `json:"id"`
	MessageID  *string  `json:"message_id"`
	Duplicate  bool     `json:"duplicate"`
	ReceivedAt string   `json:"received_at"`
	Warnings   []string `json:"warnings"`
}

// append encodes the answer as encoding/json does: most answers are this one, and the encoder's way
// through reflection is a good part of what they cost.
func (a *singleAnswer) append(out []byte) []byte {
	out = appendText(append(out, `{"status":`...), a.Status)
	out = appendText(append(out, `,"id":`...), a.ID)
	out = append(out, `,"message_id":`...)
	if a.MessageID == nil {
		out = append(out, "null"...)
	} else {
		out = appendText(out, *a.MessageID)
	}
	out = strconv.AppendBool(append(out, `,"duplicate":`...), a.Duplicate)
	out = appendText(append(out, `,"received_at":`...), a.ReceivedAt)
	out = append(out, `,"warnings":[`...)
	for i, w := range a.Warnings {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendText(out, w)
	}
	return append(out, "]}\n"...)
}

func appendText(out []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			encoded, err := json.Marshal(text)
			if err != nil {
				return append(out, `""`...) // a string always encodes
			}
			return append(out, encoded...)
		}
	}
	return append(append(append(out, '"'), text...), '"')
}

// orgAnswer is what an update of product orgs did, beside what every item tells.
type orgAnswer struct {
	OrgID           *string  `json:"org_id"`
	Applied         []string `json:"applied"`
	Stale           []string `json:"stale"`
	Unchanged       []string `json:"unchanged"`
	TemplateVersion int      `json:"template_version"`
}

type singleOrgAnswer struct {
	singleAnswer
	orgAnswer
}

type itemAnswer struct {
	Index     int               `json:"index"`
	Status    string            `json:"status"`
	ID        string            `json:"id,omitempty"`
	MessageID *string           `json:"message_id,omitempty"`
	Warnings  []string          `json:"warnings,omitempty"`
	Error     *ingest.ItemError `json:"error,omitempty"`
	*orgAnswer
}

type batchAnswer struct {
	Status     string       `json:"status"`
	RequestID  string       `json:"request_id"`
	ReceivedAt string       `json:"received_at"`
	Received   int          `json:"received"`
	Accepted   int          `json:"accepted"`
	Duplicates int          `json:"duplicates"`
	Rejected   int          `json:"rejected"`
	Results    []itemAnswer `json:"results"`
}

type lineError struct {
	Line  int               `json:"line"`
	Error *ingest.ItemError `json:"error"`
}

type bulkAnswer struct {
	Status         string      `json:"status"`
	RequestID      string      `json:"request_id"`
	ReceivedAt     string      `json:"received_at"`
	Received       int         `json:"received"`
	Accepted       int         `json:"accepted"`
	Duplicates     int         `json:"duplicates"`
	Rejected       int         `json:"rejected"`
	Bytes          int64       `json:"bytes"`
	Errors         []lineError `json:"errors"`
	ResumeFromLine int         `json:"resume_from_line,omitempty"`
	Error          *errorBody  `json:"error,omitempty"`
}

type errorBody struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Field   string         `json:"field,omitempty"`
	Details map[string]any `json:"details,omitempty"`
}

type errorAnswer struct {
	Error     errorBody `json:"error"`
	RequestID string    `json:"request_id"`
}

func answer(c Ctx, out *ingest.Outcome, err error) error {
	if err != nil {
		return refused(c, err)
	}
	if out.Single {
		r := out.Results[0]
		single := singleAnswer{
			Status: r.Status, ID: r.ID, MessageID: optional(r.MessageID), Duplicate: r.Status == ingest.Duplicate,
			ReceivedAt: out.ReceivedAt.UTC().Format(timeFormat), Warnings: list(r.Warnings),
		}
		if org := orgOf(r); org != nil {
			return c.JSON(http.StatusOK, singleOrgAnswer{single, *org})
		}
		return c.JSONBlob(http.StatusOK, single.append(make([]byte, 0, 256)))
	}
	return c.JSON(out.Status(), batchAnswer{
		Status: overall(out), RequestID: requestID(c), ReceivedAt: out.ReceivedAt.UTC().Format(timeFormat),
		Received: len(out.Results), Accepted: out.Accepted, Duplicates: out.Duplicates, Rejected: out.Rejected,
		Results: results(out, c.QueryParam("results") == "errors"),
	})
}

func results(out *ingest.Outcome, onlyErrors bool) []itemAnswer {
	items := make([]itemAnswer, 0, len(out.Results))
	for _, r := range out.Results {
		if onlyErrors && r.Err == nil {
			continue
		}
		items = append(items, itemAnswer{
			Index: r.Index, Status: r.Status, ID: r.ID, MessageID: optional(r.MessageID), Warnings: r.Warnings, Error: r.Err, orgAnswer: orgOf(r),
		})
	}
	return items
}

func orgOf(r ingest.ItemResult) *orgAnswer {
	if r.Org == nil || r.Err != nil {
		return nil
	}
	return &orgAnswer{
		OrgID: optional(r.Org.OrgID), Applied: list(r.Org.Applied), Stale: list(r.Org.Stale), Unchanged: list(r.Org.Unchanged),
		TemplateVersion: r.Org.TemplateVersion,
	}
}

func answerBulk(c Ctx, out *ingest.Outcome, err error) error {
	if err != nil {
		return refused(c, err)
	}
	a := bulkAnswer{
		Status: overall(out), RequestID: requestID(c), ReceivedAt: out.ReceivedAt.UTC().Format(timeFormat),
		Received: out.Lines, Accepted: out.Accepted, Duplicates: out.Duplicates, Rejected: out.Rejected,
		Bytes: out.Bytes, Errors: []lineError{}, ResumeFromLine: out.ResumeFromLine,
	}
	for _, r := range out.Results {
		a.Errors = append(a.Errors, lineError{r.Index, r.Err})
	}
	status := out.Status()
	if out.CutOff != nil {
		a.Status, status = "incomplete", out.CutOff.Status
		a.Error = bodyOf(out.CutOff)
		retryAfter(c, out.CutOff)
		logCause(c, out.CutOff)
	}
	return c.JSON(status, a)
}

// overall is one word for several items.
func overall(out *ingest.Outcome) string {
	switch {
	case out.Rejected == 0:
		return "accepted"
	case out.Accepted+out.Duplicates == 0:
		return "rejected"
	default:
		return "partial"
	}
}

// refused writes an error answer. Anything but a refusal is ours: the sender may try again.
func refused(c Ctx, err error) error {
	var r *ingest.Refusal
	if !errors.As(err, &r) {
		slog.ErrorContext(c.Request().Context(), "gateway request failed", "request_id", requestID(c), "err", err)
		r = &ingest.Refusal{Status: http.StatusServiceUnavailable, Code: "storage_unavailable",
			Message: "The request could not be stored. Send it again.", RetryAfter: 5 * time.Second}
	}
	logCause(c, r)
	retryAfter(c, r)
	HurryBody(c)
	if r.Status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="latchkey"`)
	}
	return c.JSON(r.Status, errorAnswer{Error: *bodyOf(r), RequestID: requestID(c)})
}

// HurryBody gives a body that nobody will read little time to arrive: the server waits for some of
// it before it sends an answer.
func HurryBody(c Ctx) {
	if c.Request().ContentLength != 0 {
		_ = http.NewResponseController(c.Response().Writer).SetReadDeadline(time.Now().Add(unreadBody))
	}
}

const unreadBody = 2 * time.Second

func logCause(c Ctx, r *ingest.Refusal) {
	if cause := r.Unwrap(); cause != nil && r.Status >= http.StatusInternalServerError {
		slog.ErrorContext(c.Request().Context(), "gateway request not stored", "request_id", requestID(c), "code", r.Code, "err", cause)
	}
}

func bodyOf(r *ingest.Refusal) *errorBody {
	return &errorBody{Code: r.Code, Message: r.Message, Field: r.Field, Details: r.Details}
}

func retryAfter(c Ctx, r *ingest.Refusal) {
	if r.RetryAfter > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(r.RetryAfter.Seconds()))))
	}
}

func requestID(c Ctx) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

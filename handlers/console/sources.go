package console

import (
	"net/http"
	"strings"

	"latchkey/internal/payload"
	"latchkey/internal/source"
	"latchkey/views"
)

const (
	sourcesPath   = "/docs/sources"
	signalURLPath = "/api/signal-staging/webhook/"
)

func (s *server) sourceRoutes() []Route {
	return []Route{{GET, sourcesPath, SignedIn, s.showSources}}
}

// showSources documents every vendor by the table that the gateway reads them with, so that the two
// cannot differ.
func (s *server) showSources(c Ctx) error {
	base := s.base(c) + signalURLPath
	p := views.SourcesView{
		Page: s.shell(c, page{Title: "Sources", Nav: navSources}), UniversalURL: base + "{key}", AnyURL: base + "{source}/{key}", Rules: universalRules,
	}
	for _, v := range source.Vendors() {
		p.Sources = append(p.Sources, sourceDoc(base, v))
	}
	return s.render(c, http.StatusOK, views.Sources(p), nil)
}

// universalRules are where an event that no vendor's rules fit is looked for.
var universalRules = []views.SourceRule{
	{Field: "Event", Places: "event, event_name or eventName. A URL with a source also takes type, event_type, eventType or topic, and stores an item without any of them as unknown."},
	{Field: "Kind", Places: "type, when it is track, page, screen, identify, group or alias; else the event's name decides; else track."},
	{Field: "Email", Places: "email; else email or $email in properties, traits, context.traits or user."},
	{Field: "User", Places: "userId, user_id or distinct_id, in the same places; else user.id."},
	{Field: "Anonymous", Places: "anonymousId or anonymous_id."},
	{Field: "Account", Places: "groupId or group_id, in the same places; else context.groupId."},
	{Field: "Time", Places: "timestamp, originalTimestamp, occurred_at, time or created_at: RFC 3339, ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970. A bad one never rejects: the time of receipt stands in."},
	{Field: "Message id", Places: "the header Idempotency-Key; else messageId, message_id, uuid, $insert_id or event_id. Sent again within 7 days, the event is not stored again."},
}

func sourceDoc(base string, v *source.Vendor) views.SourceDoc {
	doc := views.SourceDoc{
		Name: v.Name, Title: v.Title, Expects: v.Expects, Where: v.Where, Docs: v.Docs, URL: base + v.Name + "/{key}",
		Signature: "Nothing that Latchkey can check. Put a shared secret on the key where the vendor can send a header of your own.",
	}
	if scheme := source.SchemeNamed(v.Scheme); scheme != nil {
		doc.Header = scheme.Header
		doc.Signature = "can be required of every request with a key, on the key's page. " + joinSentences(scheme.SecretWhere)
	}
	for _, sample := range v.Samples {
		doc.Samples = append(doc.Samples, sourceSample(v, sample))
	}
	return doc
}

// sourceSample shows what a vendor's sample becomes, and where in it each value stands.
func sourceSample(v *source.Vendor, sample source.Sample) views.SourceSample {
	out := views.SourceSample{Title: sample.Title, Body: sample.Body}
	for _, name := range sortedNames(sample.Headers) {
		out.Headers = append(out.Headers, name+": "+sample.Headers[name])
	}
	found, item, ok := readSample(v, sample)
	if !ok {
		return out
	}
	tr := newTrace(item, sample.Headers)
	add := func(field, value string) {
		if value != "" {
			out.Found = append(out.Found, views.SourceFound{Field: field, Value: value, Place: tr.place(value)})
		}
	}
	add("Event", found.Event)
	kind := views.SourceFound{Field: "Kind", Value: found.Kind}
	if place := tr.place(found.Kind); strings.HasSuffix(place, "type") {
		kind.Place = place
	}
	out.Found = append(out.Found, kind)
	add("Email", found.Email)
	add("User", found.UserID)
	add("Anonymous", found.AnonymousID)
	add("Account", found.GroupID)
	if sent := scalarOf(found.Time); sent != "" {
		shown := sent
		if at, ok := payload.ParseTime(sent); ok {
			shown = at.Format("2006-01-02T15:04:05.999Z07:00")
		}
		out.Found = append(out.Found, views.SourceFound{Field: "Time", Value: shown, Place: tr.place(sent)})
	}
	add("Message id", found.MessageID)
	return out
}

// scalarOf is a value's text: of a string what it says, of a number its digits.
func scalarOf(v payload.Value) string { return strings.TrimSpace(v.Scalar()) }

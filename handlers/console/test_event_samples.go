package console

import (
	"slices"
	"strings"

	"latchkey/internal/keys"
	"latchkey/internal/signals"
	"latchkey/internal/source"
	"latchkey/models"
	"latchkey/views/ui"
)

// testSample is something to send: a vendor's sample, one of our own, or what came last.
type testSample struct {
	Name    string // in the URL: "segment/track"
	Label   string
	Source  string // empty: the universal URL
	Headers map[string]string
	Body    string
}

// path is where a sample of a key goes, without the key.
func (t testSample) path(k keys.Item) string {
	if k.EndpointType == models.ProductOrgs {
		return "/api/product-orgs/webhook"
	}
	return strings.TrimSuffix("/api/signal-staging/webhook/"+t.Source, "/")
}

type testSamples []testSample

// named finds a sample; without a name the first. Not ok: it is not there, and the first stands in.
func (t testSamples) named(name string) (testSample, bool) {
	i := slices.IndexFunc(t, func(s testSample) bool { return s.Name == name })
	return t[max(i, 0)], i >= 0 || name == ""
}

func (t testSamples) options() []ui.Option {
	var options []ui.Option
	for _, s := range t {
		options = append(options, ui.Option{Value: s.Name, Label: s.Label})
	}
	return options
}

const lastSample = "last"

var ownSignal = testSample{Name: "universal/form", Label: "Any sender: a form", Body: `{
  "event": "form_submitted",
  "email": "ada@example.com",
  "userId": "user_1042",
  "messageId": "form-2026-0001",
  "properties": {
    "form": "contact"
  }
}`}

var ownOrg = testSample{Name: "universal/org", Label: "Any sender: an organisation", Body: `{
  "org_id": "org_1042",
  "name": "Example Ltd",
  "plan": "team",
  "user_count": 12,
  "mrr": 490,
  "trial_status": "converted"
}`}

// testSamples are what fits a key: our own first, then the vendors', then what came last; for product orgs what
// came last leads.
func (s *server) testSamples(c Ctx, k keys.Item) (testSamples, error) {
	orgs := k.EndpointType == models.ProductOrgs
	samples := testSamples{ownSignal}
	if orgs {
		samples = testSamples{ownOrg}
	}
	for _, v := range source.Vendors() {
		for _, sample := range v.Samples {
			if orgs && !namesAccount(v, sample) {
				continue
			}
			t := testSample{Name: v.Name + "/" + sample.Name, Label: v.Title + ": " + sample.Title, Headers: sample.Headers, Body: sample.Body}
			if !orgs {
				t.Source = v.Name
			}
			samples = append(samples, t)
		}
	}
	last, err := s.lastSample(c, k)
	switch {
	case last == nil:
	case orgs: // the template was made for payloads like it, and seldom for one of ours
		samples = append(testSamples{*last}, samples...)
	default:
		samples = append(samples, *last)
	}
	return samples, err
}

// namesAccount tells a sample that says something of an account, which is what product orgs are.
func namesAccount(v *source.Vendor, sample source.Sample) bool {
	found, _, ok := readSample(v, sample)
	return ok && (found.GroupID != "" || found.Kind == source.Group)
}

// lastSample is the payload that a key received last, with the vendor's headers that were kept; nil
// when there is none that a form can hold.
func (s *server) lastSample(c Ctx, k keys.Item) (*testSample, error) {
	if k.EndpointType == models.ProductOrgs {
		return s.lastOrgSample(c, k)
	}
	v, ctx := visit(c), c.Request().Context()
	found, err := s.Signals.Requests(ctx, v.Actor, signals.RequestFilter{Environment: k.Environment, KeyID: k.ID, Limit: keyPageRequests})
	if err != nil {
		return nil, err
	}
	for _, r := range found.Items {
		if r.Bytes == 0 || r.Bytes > maxShown || strings.Contains(r.Route, "/bulk") {
			continue
		}
		d, err := s.Signals.Request(ctx, v.Actor, r.ID)
		if err != nil {
			return nil, err
		}
		if len(d.Body) > 0 {
			return &testSample{
				Name: lastSample, Label: "The last payload with this key, " + ui.Relative(r.ReceivedAt.Time, s.Now()),
				Source: r.Source, Headers: vendorHeaders(r.Source, d.Headers), Body: string(d.Body),
			}, nil
		}
	}
	return nil, nil
}

// vendorHeaders are those of a kept request that the vendor's adapter reads: its samples have them.
func vendorHeaders(name string, kept []signals.Header) map[string]string {
	vendor := source.Lookup(name)
	if vendor == nil {
		return nil
	}
	out := map[string]string{}
	for _, h := range kept {
		for _, sample := range vendor.Samples {
			for wanted := range sample.Headers {
				if strings.EqualFold(wanted, h.Name) {
					out[wanted] = h.Value
				}
			}
		}
	}
	return out
}

func (s *server) lastOrgSample(c Ctx, k keys.Item) (*testSample, error) {
	raw, _, at, err := s.lastPayload(c, k.ID)
	if err != nil || raw == nil || len(raw) > maxShown {
		return nil, err
	}
	return &testSample{Name: lastSample, Label: "The last payload with this key, " + ui.Relative(at, s.Now()), Body: string(raw)}, nil
}

package seed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/internal/ingest"
	"latchkey/internal/token"
	"latchkey/models"
)

// attempt is a request that the gateway refuses, wholly or in part of its list.
type attempt struct {
	key         string // name at creation; empty: presented as it is
	presented   string
	secret      string
	omit        bool // the key's secret
	kind        ingest.Kind
	source      string
	contentType string
	body        string
	ip          string
	userAgent   string
}

// refusals sends what the gateway refuses through the gateway itself, each at its moment: codes,
// sentences, counts and last refusals are its own.
func (d *demo) refusals(ctx context.Context, total int) error {
	plan, err := d.plan(min(max(total/20, 36), 1500))
	if err != nil {
		return err
	}
	for _, p := range plan {
		if err := d.send(ctx, p.at, p.attempt); err != nil {
			return err
		}
	}
	return nil
}

// throughGateway runs the gateway, which runs once only, while the senders send one after another.
func (d *demo) throughGateway(ctx context.Context, senders ...func(context.Context) error) error {
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.runWriters(running)
	}()
	defer func() {
		stop()
		<-done
	}()
	for _, send := range senders {
		if err := send(ctx); err != nil {
			return err
		}
	}
	return nil
}

type planned struct {
	at      time.Time
	attempt attempt
}

// plan spreads n refusals over the week, in order. Two senders do not notice that their key ended.
func (d *demo) plan(n int) ([]planned, error) {
	stranger, err := token.Generate(rand.Reader, d.db.Keys.Brand(), models.Live)
	if err != nil {
		return nil, fmt.Errorf("generate an unknown key: %w", err)
	}
	end := d.now.Add(-time.Minute)
	var plan []planned
	spread := func(n int, from time.Time, choices ...attempt) {
		for i, at := range moments(d.rnd, n, from, end) {
			plan = append(plan, planned{at, choices[i%len(choices)]})
		}
	}
	partner := attempt{key: partnerKey, source: "partner", ip: "192.0.2.200", userAgent: "python-requests/2.32",
		body: `{"event":"contact.creation","email":"late@partner.example"}`}
	spread(n/3-1, d.ago(partnerDeactivated), partner)
	// At any hour of the day, its page shows that calls still arrive.
	plan = append(plan, planned{d.now.Add(-20 * time.Minute), partner})
	spread(n/4, d.ago(landingExpired), attempt{key: landingKey, ip: "203.0.113.42", userAgent: "spring-page/1.0",
		body: `{"event":"Page Viewed","anonymousId":"anon_5f3a","properties":{"path":"/spring"}}`})
	spread(n-n/3-n/4, d.now.Add(-week), mistakes(stranger.Plaintext().Reveal())...)
	slices.SortStableFunc(plan, func(a, b planned) int { return a.at.Compare(b.at) })
	return plan, nil
}

// mistakes are the usual ones.
func mistakes(stranger string) []attempt {
	web := attempt{key: websiteKey, ip: "203.0.113.10", userAgent: "juniper-web/2.3"}
	api := attempt{key: backendKey, ip: "198.51.100.22", userAgent: "juniper-api/5.1"}
	good := `{"event":"Feature Used","userId":"user_1041"}`
	with := func(a attempt, change func(*attempt)) attempt { change(&a); return a }
	return []attempt{
		with(web, func(a *attempt) { a.body = `{"email":"ada.kaya@elm.example","properties":{"form":"contact"}}` }),
		with(api, func(a *attempt) { a.omit, a.body = true, good }),
		{presented: stranger, ip: "198.51.100.99", userAgent: "curl/8.9.1", body: good},
		with(web, func(a *attempt) { a.body = `{"event":"Form Submitted","email":"grace at fir.example"}` }),
		with(web, func(a *attempt) { a.body = `{"event":"Form Submitted","email":"ken.osei@fir.example",}` }),
		with(api, func(a *attempt) { a.secret, a.body = "the-secret-of-last-year", good }),
		{key: segmentKey, kind: ingest.Batch, source: "segment", ip: "198.51.100.180", userAgent: "Segment.io/1.0", body: `[]`},
		with(web, func(a *attempt) { a.contentType, a.body = "application/xml", `<event>Form Submitted</event>` }),
		{presented: "sk_live_paste-your-key-here", ip: "198.51.100.99", userAgent: "curl/8.9.1", body: good},
		{key: stagingKey, ip: "203.0.113.12", userAgent: "juniper-web/2.4-rc1", body: `{"event":""}`},
		with(web, func(a *attempt) { a.kind, a.body = ingest.ProductOrgs, `{"org_id":"org_214","plan":"team"}` }),
		with(web, func(a *attempt) {
			a.kind, a.body = ingest.Batch, `[{"event":"Form Submitted","email":"fir.example"},{"properties":{"form":"contact"}}]`
		}),
	}
}

// send presents the attempt to the gateway at that moment. Anything but a refusal is an error:
// it would be stored under today's ids.
func (d *demo) send(ctx context.Context, at time.Time, a attempt) error {
	d.clock.set(at.Add(time.Duration(150+d.rnd.IntN(700)) * time.Microsecond))
	key, secret := a.presented, a.secret
	if made, ok := d.made[a.key]; ok {
		key = made.Value.Reveal()
		if secret == "" && !a.omit {
			secret = made.Secret.Reveal()
		}
	}
	contentType := a.contentType
	if contentType == "" {
		contentType = "application/json"
	}
	out, err := d.ingest.Accept(ctx, &ingest.Request{
		ID: idAt(d.rnd, at), Kind: a.kind, Route: a.route(), Source: a.source, Key: key, Secret: secret,
		Header: http.Header{"Content-Type": {contentType}, "User-Agent": {a.userAgent}}, IP: a.ip,
		Body: strings.NewReader(a.body), Length: int64(len(a.body)), ReceivedAt: at,
	})
	var refusal *ingest.Refusal
	switch {
	case err != nil && !errors.As(err, &refusal):
		return fmt.Errorf("refuse a request: %w", err)
	case refusal != nil && refusal.Status >= http.StatusInternalServerError:
		return fmt.Errorf("refuse a request: %w", refusal)
	case err == nil && out.Accepted+out.Duplicates > 0:
		return fmt.Errorf("a request that was to be refused was stored: %s", a.body)
	}
	return nil
}

func (a attempt) route() string {
	if a.kind == ingest.ProductOrgs {
		return "/api/product-orgs/webhook/{key}"
	}
	s := stream{source: a.source}
	if a.kind == ingest.Batch {
		s.batch = 1
	}
	return s.route()
}

package seed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// The endpoints of the demo, by what becomes of their deliveries.
const (
	alertsEndpoint    = "Alerts in the team's chat"
	crmEndpoint       = "CRM sync"
	catalogueEndpoint = "Product catalogue"
	pipelineEndpoint  = "Old analytics pipeline"
	stagingEndpoint   = "Staging"
)

// Ages in days of what happened to endpoints.
const (
	catalogueFails = 3.05 // past half of the way to being disabled
	pipelineGone   = 3.4
	stagingRotated = 0.3
)

const goneDetail = "The receiver answered 410 Gone: it wants no more messages."

// nobody resolves no name, so that a seed needs no network.
var nobody = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("the demo asks no name server")
}}

// outboundSteps are the past of endpoints. All began within the retention of raw data, so that the
// first clean-up takes nothing away. Their names never resolve (RFC 2606).
func (d *demo) outboundSteps() []step {
	if !d.endpoints.CanKeepSecrets() {
		return nil
	}
	return []step{
		{28.9, d.subscribe(access.Developer, endpoints.Form{
			Description: alertsEndpoint, URL: "https://chat.juniper-labs.example/hooks/latchkey", Environment: models.Live,
			EventTypes: []string{"api_key.*", "endpoint.*", "ingest.rejected"}, RateLimit: 5,
		})},
		{26.4, d.subscribe(access.Admin, endpoints.Form{
			Description: pipelineEndpoint, URL: "https://collect.old-analytics.example/v1/latchkey", Environment: models.Live, EventTypes: []string{"product_org.*"},
		})},
		{21.3, d.subscribe(access.Developer, endpoints.Form{
			Description: crmEndpoint, URL: "https://crm.juniper-labs.example/latchkey", Environment: models.Live, EventTypes: []string{"signal.received"},
			Source: "hubspot", Headers: []egress.Header{{Name: "X-Team", Value: "growth"}},
		})},
		{19.8, d.subscribe(access.Developer, endpoints.Form{
			Description: catalogueEndpoint, URL: "https://catalogue.juniper-labs.example/webhooks", Environment: models.Live, EventTypes: []string{"product_org.updated"},
		})},
		{6.2, d.subscribe(access.Developer, endpoints.Form{
			Description: stagingEndpoint, URL: "https://staging.juniper-labs.example/webhooks", Environment: models.Test, EventTypes: []string{"*"}, Ordered: true,
		})},
		{pipelineGone, d.leave(pipelineEndpoint)},
		{stagingRotated, d.rotateEndpoint(access.Developer, stagingEndpoint)},
	}
}

func (d *demo) subscribe(by access.Role, form endpoints.Form) func(context.Context) error {
	return func(ctx context.Context) error {
		made, err := d.endpoints.Create(ctx, d.people[by], form)
		if err != nil {
			return fmt.Errorf("create the endpoint %s: %w", form.Description, err)
		}
		d.targets[form.Description] = made.ID
		return nil
	}
}

func (d *demo) leave(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		return d.endpoints.DisableBySystem(ctx, d.targets[name], models.DisabledGone, goneDetail)
	}
}

func (d *demo) rotateEndpoint(by access.Role, name string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, _, err := d.endpoints.RotateSecret(ctx, d.people[by], d.targets[name], endpoints.DefaultGrace, "")
		return err
	}
}

// outbound writes what became of the past's messages. Those of changes were written by the
// use-cases; those of the accepted signals are made here, as the gateway makes them.
func (d *demo) outbound(ctx context.Context) error {
	if len(d.targets) == 0 {
		return nil
	}
	o := newOutboundRows(d)
	return d.db.DB.Tx(ctx, func(tx *gorm.DB) error {
		for _, do := range []func(context.Context, *gorm.DB) error{o.backdate, o.signals, o.tests} {
			if err := do(ctx, tx); err != nil {
				return err
			}
		}
		// What fails is told to the others, so it comes first.
		for _, name := range []string{catalogueEndpoint, pipelineEndpoint, crmEndpoint, stagingEndpoint, alertsEndpoint} {
			if err := o.settle(ctx, tx, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// tests are two test events of the staging endpoint: the first with a receiver that had another
// secret.
func (o *outboundRows) tests(ctx context.Context, tx *gorm.DB) error {
	d := o.demo
	for _, test := range []struct {
		days float64
		answer
	}{
		{6.15, answer{status: 401, code: egress.HTTPError, detail: "The receiver answered 401 Unauthorized.", body: `{"error":"signature does not match"}`, ms: 41}},
		{6.13, answer{status: 204, ms: 37}},
	} {
		at := d.ago(test.days)
		body, err := outbox.Encode(outbox.Test, at, outbox.TestData{EndpointID: d.targets[stagingEndpoint], Message: "This is a test. Your endpoint works."})
		if err != nil {
			return err
		}
		m := models.Message{ID: idAt(o.rnd, at), WorkspaceID: d.workspace, Environment: models.Test, EventType: string(outbox.Test), Body: body, CreatedAt: models.At(at)}
		row := outbox.NewDelivery(&m, outbox.Subscriber{EndpointID: d.targets[stagingEndpoint], Enabled: true, Ordered: true})
		a := o.attempt(&row, at.Add(time.Millisecond), test.answer, models.CauseTest)
		o.end(&row, a)
		for _, r := range []any{&m, &row, &a} {
			if err := tx.WithContext(ctx).Create(r).Error; err != nil {
				return fmt.Errorf("insert a test event: %w", err)
			}
		}
		err = audit.Record(ctx, tx, at, d.people[access.Developer], audit.Change{
			Action: "endpoint.tested", Target: audit.Target{Type: "endpoint", ID: d.targets[stagingEndpoint], Label: stagingEndpoint},
			After: audit.Values{"type": string(outbox.Test), "message_id": outbox.PublicID(m.ID), "status": row.Status},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

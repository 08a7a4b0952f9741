// Package seed fills an empty database with a demo workspace: one account a role, keys in every
// state, and a week of traffic that agrees with itself on every page.
//
// Accounts and keys are made by the use-cases under a clock that runs through the past, and
// refused requests go through the gateway's own checks under it. Only the accepted past is written
// as rows, since a use-case stores what it takes as of now. The contents follow from a fixed
// seed; keys, secrets and the password never do.
package seed

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/app"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/internal/hygiene"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/internal/secretbox"
	"latchkey/internal/templates"
	"latchkey/models"
)

// Options say how much to make and where to report.
type Options struct {
	Signals int // over the last week, MinSignals to MaxSignals
	Out     io.Writer
	BaseURL string         // of the instance, for the printed links; http://localhost:8080 when empty
	Secrets *secretbox.Box // seals the signing secrets of endpoints; nil: none are made
}

// Bounds of Options.Signals.
const (
	MinSignals = 50
	MaxSignals = 200_000
)

// week is how far back traffic goes. It stays within the default retention of rejected requests,
// so that the first clean-up takes nothing away.
const week = 7*24*time.Hour - time.Hour

// demo is what the steps share.
type demo struct {
	db         *app.App
	clock      *clock
	accounts   *accounts.Service
	keys       *keys.Service
	ingest     *ingest.Service
	runWriters func(context.Context) // stores what the gateway takes, until its context ends
	templates  *templates.Service
	leaks      *leaks.Service
	hygiene    *hygiene.Service
	endpoints  *endpoints.Service
	rnd        *mathrand.Rand
	now        time.Time
	password   string

	workspace string
	people    map[access.Role]access.Actor
	made      map[string]keys.Created // by name at creation
	targets   map[string]string       // ids of endpoints, by description
}

// Run fills the database and prints how to come in. A database that holds an account or a
// workspace is refused with a Conflict.
func Run(ctx context.Context, a *app.App, o Options) error {
	if o.Signals < MinSignals || o.Signals > MaxSignals {
		return fault.New(fault.Invalid, fmt.Sprintf("Choose from %d to %d signals.", MinSignals, MaxSignals))
	}
	if err := refuseData(ctx, a); err != nil {
		return err
	}
	d, err := newDemo(a, o.Secrets)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		d.history,
		func(ctx context.Context) error { return d.traffic(ctx, o.Signals) },
		d.programs,
		func(ctx context.Context) error {
			return d.throughGateway(ctx, func(ctx context.Context) error { return d.refusals(ctx, o.Signals) }, d.orgUpdates)
		},
		d.outbound,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("seed: %w; what was written until here stays, so start again with an empty database", err)
		}
	}
	return d.report(o)
}

func refuseData(ctx context.Context, a *app.App) error {
	people, err := gorm.G[models.Account](a.DB.Read).Count(ctx, "id")
	if err != nil {
		return fmt.Errorf("count accounts: %w", err)
	}
	workspaces, err := gorm.G[models.Workspace](a.DB.Read).Count(ctx, "id")
	if err != nil {
		return fmt.Errorf("count workspaces: %w", err)
	}
	if people+workspaces > 0 {
		return fault.New(fault.Conflict, "This database is in use already, and the demo data would mix with yours. "+
			"Point LATCHKEY_DATA at a new directory, or LATCHKEY_DATABASE_URL at an empty database, and run seed again.")
	}
	return nil
}

func newDemo(a *app.App, secrets *secretbox.Box) (*demo, error) {
	password, err := newPassword()
	if err != nil {
		return nil, err
	}
	d := &demo{
		db: a, now: a.Now().UTC(), clock: &clock{}, password: password,
		rnd:    mathrand.New(mathrand.NewPCG(20, 26)),
		people: map[access.Role]access.Actor{}, made: map[string]keys.Created{}, targets: map[string]string{},
	}
	d.clock.set(d.now)
	past := app.New(a.DB, app.Options{Now: d.clock.Now, Brand: a.Keys.Brand(), Secrets: secrets, Egress: egress.Options{Resolver: nobody}})
	d.accounts, d.keys, d.ingest, d.runWriters, d.templates = past.Accounts, past.Keys, past.Ingest, past.RunWriters, past.Templates
	d.leaks, d.hygiene, d.endpoints = past.Leaks, past.Hygiene, past.Endpoints
	return d, nil
}

// newPassword draws 20 letters in groups of five, about 90 bits: long, but typed once in a demo.
func newPassword() (string, error) {
	const letters = "abcdefghjkmnpqrstuvwxyz"
	groups := make([]string, 4)
	for g := range groups {
		for range 5 {
			n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
			if err != nil {
				return "", fmt.Errorf("draw a password: %w", err)
			}
			groups[g] += string(letters[n.Int64()])
		}
	}
	return strings.Join(groups, "-"), nil
}

func (d *demo) report(o Options) error {
	base := o.BaseURL
	if base == "" {
		base = "http://localhost:8080"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "The demo workspace %s is ready, with %d signals of the last week.\n\n", workspaceName, o.Signals)
	fmt.Fprintf(&b, "Sign in at %s/sign-in as one of\n\n", base)
	for _, m := range members {
		fmt.Fprintf(&b, "    %-24s %s\n", m.email, m.role.Title())
	}
	fmt.Fprintf(&b, "\nwith the password of all of them, which is shown only now:\n\n    %s\n\n", d.password)
	if len(d.targets) == 0 {
		b.WriteString("There are no outbound endpoints in it, since LATCHKEY_SECRET_KEY is not set.\n\n")
	} else {
		b.WriteString("Its outbound endpoints lead to names that do not exist, so what is sent to them from now on fails.\n\n")
	}
	fmt.Fprintf(&b, "Send a signal while the server runs (this key too is shown only now):\n\n")
	fmt.Fprintf(&b, "    curl %s/api/signal-staging/webhook \\\n      -H 'Authorization: Bearer %s' \\\n      -H 'Content-Type: application/json' \\\n"+
		"      -d '{\"event\":\"Form Submitted\",\"email\":\"grace@example.com\",\"properties\":{\"form\":\"demo_request\"}}'\n",
		base, d.made[curlKey].Value.Reveal())
	_, err := io.WriteString(o.Out, b.String())
	return err
}

package seed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/keys"
	"latchkey/models"
)

const workspaceName = "Juniper Labs"

// members are the demo's accounts, in the order in which they joined.
var members = []struct {
	role        access.Role
	name, email string
	joined      float64 // days ago
}{
	{access.Owner, "Olivia Okafor", "owner@demo.example", 84.2},
	{access.Admin, "Amir Haddad", "admin@demo.example", 83.9},
	{access.Developer, "Dana Whitfield", "developer@demo.example", 82.1},
	{access.Editor, "Elif Yilmaz", "editor@demo.example", 61.3},
	{access.Viewer, "Victor Lindqvist", "viewer@demo.example", 33.2},
}

// Names of the keys, as they were created.
const (
	backendKey = "Product backend"
	stagingKey = "Website staging"
	websiteKey = "Website"
	idleKey    = "Webflow trial"
	landingKey = "Spring landing page"
	loadKey    = "Load test"
	partnerKey = "Partner import"
	segmentKey = "Segment"
	hubspotKey = "HubSpot"
	mobileKey  = "Mobile app"
	curlKey    = "First steps with curl"
)

// Ages in days of what the traffic must agree with.
const (
	landingExpired     = 2.1
	partnerDeactivated = 3.2
	idleSince          = 40.4
)

type step struct {
	days float64 // ago
	do   func(ctx context.Context) error
}

// history runs the workspace's past in order, so that the audit log reads like one.
func (d *demo) history(ctx context.Context) error {
	steps := slices.Concat(d.steps(), d.orgSteps(), d.programSteps(), d.outboundSteps())
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(b.days, a.days) })
	for _, s := range steps {
		d.clock.set(d.ago(s.days))
		if err := s.do(ctx); err != nil {
			return err
		}
	}
	d.clock.set(d.now)
	return nil
}

func (d *demo) steps() []step {
	return []step{
		{members[0].joined, d.found},
		{members[1].joined, d.join(1)},
		{members[2].joined, d.join(2)},
		{80.3, d.create(access.Developer, keys.CreateForm{Name: backendKey, Environment: models.Live, WithSecret: true})},
		{76.1, d.create(access.Developer, keys.CreateForm{Name: stagingKey, Environment: models.Test})},
		{70.4, d.create(access.Admin, keys.CreateForm{Name: websiteKey, Environment: models.Live})},
		{members[3].joined, d.join(3)},
		{58.2, d.create(access.Editor, keys.CreateForm{Name: idleKey, Environment: models.Live})},
		{55.1, d.create(access.Editor, keys.CreateForm{Name: landingKey, Environment: models.Live, ExpiresAt: d.ago(landingExpired)})},
		{46.2, d.create(access.Developer, keys.CreateForm{Name: loadKey, Environment: models.Test})},
		{45.3, d.deactivate(access.Developer, loadKey)},
		{41.8, d.create(access.Admin, keys.CreateForm{Name: partnerKey, Environment: models.Live})},
		{38.7, d.create(access.Developer, keys.CreateForm{Name: segmentKey, Environment: models.Live})},
		{members[4].joined, d.join(4)},
		{27.2, d.create(access.Editor, keys.CreateForm{Name: hubspotKey, Environment: models.Live, ExpiresAt: d.now.AddDate(0, 0, 3)})},
		{12.3, d.rename(access.Admin, websiteKey, "Marketing website")},
		{9.4, d.changeExpiry(access.Admin, segmentKey, d.now.AddDate(0, 0, 180))},
		{partnerDeactivated, d.deactivate(access.Owner, partnerKey)},
		{2.2, d.invite(access.Developer, "new.colleague@demo.example")},
		{1.1, d.create(access.Developer, keys.CreateForm{Name: mobileKey, Environment: models.Live, WithSecret: true})},
		{0, d.create(access.Owner, keys.CreateForm{Name: curlKey, Environment: models.Live})},
	}
}

// found makes the first account and the workspace.
func (d *demo) found(ctx context.Context) error {
	m := members[0]
	account, workspace, err := d.accounts.SetUpFromCommandLine(ctx, accounts.SetUpForm{
		Name: m.name, Email: m.email, Password: d.password, Workspace: workspaceName,
	})
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	d.workspace = workspace.ID
	d.setActor(m.role, account)
	return nil
}

func (d *demo) setActor(role access.Role, account models.Account) {
	d.people[role] = access.Actor{
		AccountID: account.ID, WorkspaceID: d.workspace, Role: role, Label: account.Email,
		Origin: access.Origin{IP: "192.0.2.17"},
	}
}

// join invites a member and accepts in their name. The session that this begins is long past.
func (d *demo) join(i int) func(context.Context) error {
	m := members[i]
	return func(ctx context.Context) error {
		_, link, err := d.accounts.Invite(ctx, d.people[access.Owner], m.role, m.email)
		if err != nil {
			return fmt.Errorf("invite: %w", err)
		}
		in, err := d.accounts.AcceptNew(ctx, link, accounts.NewAccount{Name: m.name, Email: m.email, Password: d.password},
			accounts.Client{IP: "192.0.2.17"})
		if err != nil {
			return fmt.Errorf("accept an invitation: %w", err)
		}
		d.setActor(m.role, in.Account)
		return nil
	}
}

func (d *demo) invite(role access.Role, email string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, _, err := d.accounts.Invite(ctx, d.people[access.Admin], role, email)
		return err
	}
}

func (d *demo) create(by access.Role, form keys.CreateForm) func(context.Context) error {
	form.EndpointType = cmp.Or(form.EndpointType, models.SignalStaging)
	return func(ctx context.Context) error {
		made, err := d.keys.Create(ctx, d.people[by], form)
		if err != nil {
			return fmt.Errorf("create the key %s: %w", form.Name, err)
		}
		d.made[form.Name] = made
		return nil
	}
}

func (d *demo) deactivate(by access.Role, name string) func(context.Context) error {
	return func(ctx context.Context) error {
		return d.keys.Deactivate(ctx, d.people[by], d.made[name].Key.ID, "")
	}
}

func (d *demo) rename(by access.Role, name, to string) func(context.Context) error {
	return func(ctx context.Context) error {
		return d.keys.Rename(ctx, d.people[by], d.made[name].Key.ID, to)
	}
}

func (d *demo) changeExpiry(by access.Role, name string, to time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		return d.keys.ChangeExpiry(ctx, d.people[by], d.made[name].Key.ID, to)
	}
}

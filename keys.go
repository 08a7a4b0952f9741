package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/config"
)

type keysCmd struct {
	Remote remoteFlags `embed:""`

	Create     keysCreateCmd     `cmd:"" help:"Create a key and print it, once."`
	List       keysListCmd       `cmd:"" help:"List keys."`
	Rotate     keysRotateCmd     `cmd:"" help:"Give a key a new value and print it, once; the old one works for a grace period."`
	Extend     keysExtendCmd     `cmd:"" help:"Let the old value of a key that is rotating work longer, or shorter."`
	Finish     keysFinishCmd     `cmd:"" help:"End the old value of a key that is rotating now."`
	Deactivate keysDeactivateCmd `cmd:"" help:"Deactivate a key; a running server refuses it at once."`
}

// inWorkspace is the flag of every command on keys.
type inWorkspace struct {
	Workspace string `help:"Slug or id of the workspace; not needed when there is one. A remote instance goes by the token's." placeholder:"SLUG"`
}

type keysCreateCmd struct {
	Name         string   `required:"" help:"Name of the system that will use the key."`
	Type         string   `default:"signal_staging" enum:"signal_staging,product_orgs,api_access" help:"Endpoint type: ${enum}."`
	Scopes       []string `help:"api_access: what the key may do, such as read:workspace or signals:read,keys:*; none given: none granted." placeholder:"SCOPE,..."`
	Env          string   `default:"live" enum:"live,test" help:"Environment: ${enum}."`
	Expires      string   `help:"End of the key: a number of days such as 90d, or a time such as 2030-01-31T00:00:00Z." placeholder:"90d"`
	Secret       bool     `help:"Also require a shared secret."`
	Template     string   `xor:"template" help:"product_orgs: payload template as a JSON file, as the editor's JSON view has it; - reads standard input." placeholder:"FILE"`
	TemplateName string   `xor:"template" help:"product_orgs: name of a template that the workspace has." placeholder:"NAME"`
	Capture      bool     `xor:"template" help:"product_orgs: keep what arrives until a template is made from it."`
	OnError      string   `default:"" enum:",reject,quarantine" help:"product_orgs: answer 422 to payloads that do not map (reject, the default), or 200 (quarantine); both are kept." placeholder:"reject"`
	JSON         bool     `name:"json" help:"Print the key object as JSON."`

	inWorkspace
}

func (k keysCreateCmd) Run(c *config.Config, all *keysCmd) error {
	return all.with(c, k.Workspace, func(ctx context.Context, s keyStore) error {
		expires, err := parseExpiry(k.Expires, s.now())
		if err != nil {
			return err
		}
		template, err := k.template()
		if err != nil {
			return err
		}
		made, err := s.create(ctx, newKey{
			Name: k.Name, Type: k.Type, Scopes: scopesOf(k.Scopes), Environment: k.Env, Expires: expires, WithSecret: k.Secret,
			Template: template, OnError: k.OnError,
		})
		if err != nil {
			return err
		}
		return made.printOnce(k.JSON)
	})
}

// scopesOf takes scopes apart that were given with spaces, as the API writes them.
func scopesOf(given []string) []string { return strings.Fields(strings.Join(given, " ")) }

type keysListCmd struct {
	Status string `default:"" enum:",active,expiring,expired,deactivated" help:"Only keys of this status."`
	JSON   bool   `name:"json" help:"Print a JSON array of key objects."`

	inWorkspace
}

func (k keysListCmd) Run(c *config.Config, all *keysCmd) error {
	return all.with(c, k.Workspace, func(ctx context.Context, s keyStore) error {
		objects, err := s.list(ctx, k.Status)
		if err != nil {
			return err
		}
		return printKeys(objects, k.JSON)
	})
}

type keysRotateCmd struct {
	ID    string `arg:"" help:"Id of the key."`
	Grace string `default:"24h" help:"How long the old value works: a time such as 24h or 7d, or none. Never past the key's own end." placeholder:"24h"`
	JSON  bool   `name:"json" help:"Print the key object as JSON."`

	inWorkspace
}

func (k keysRotateCmd) Run(c *config.Config, all *keysCmd) error {
	grace, err := parseGrace(k.Grace)
	if err != nil {
		return err
	}
	return all.with(c, k.Workspace, func(ctx context.Context, s keyStore) error {
		rotated, err := s.rotate(ctx, k.ID, grace)
		if err != nil {
			return err
		}
		if err := rotated.printOnce(k.JSON); err != nil || k.JSON {
			return err
		}
		if rotated.Rotation == nil {
			fmt.Println("The old value has ended.")
			return nil
		}
		fmt.Printf("The old value works until %s.\n", rotated.Rotation.EndsAt)
		return nil
	})
}

type keysExtendCmd struct {
	ID    string `arg:"" help:"Id of the key."`
	Until string `required:"" help:"New end of the old value: from now on, such as 12h or 7d, or a time such as 2030-01-31T00:00:00Z." placeholder:"7d"`

	inWorkspace
}

func (k keysExtendCmd) Run(c *config.Config, all *keysCmd) error {
	return all.with(c, k.Workspace, func(ctx context.Context, s keyStore) error {
		until, err := parseUntil(k.Until, s.now())
		if err != nil {
			return err
		}
		end, err := s.extend(ctx, k.ID, until)
		if err != nil {
			return err
		}
		fmt.Printf("The old value works until %s.\n", end.UTC().Format(time.RFC3339))
		return nil
	})
}

type keysFinishCmd struct {
	ID string `arg:"" help:"Id of the key."`

	inWorkspace
}

func (k keysFinishCmd) Run(c *config.Config, all *keysCmd) error {
	return all.with(c, k.Workspace, func(ctx context.Context, s keyStore) error {
		if err := s.finish(ctx, k.ID); err != nil {
			return err
		}
		fmt.Println("The old value has ended. Requests with it are refused from now on.")
		return nil
	})
}

type keysDeactivateCmd struct {
	ID string `arg:"" help:"Id of the key."`

	inWorkspace
}

func (k keysDeactivateCmd) Run(c *config.Config, all *keysCmd) error {
	return all.with(c, k.Workspace, func(ctx context.Context, s keyStore) error {
		changed, err := s.deactivate(ctx, k.ID)
		if err != nil {
			return err
		}
		if changed {
			fmt.Println("Deactivated. Requests with this key are refused from now on.")
		} else {
			fmt.Println("It was deactivated before.")
		}
		return nil
	})
}

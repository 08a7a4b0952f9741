package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"text/tabwriter"
	"time"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/keys"
	"latchkey/models"
)

type keysCmd struct {
	Create     keysCreateCmd     `cmd:"" help:"Create a key and print it, once."`
	List       keysListCmd       `cmd:"" help:"List keys."`
	Deactivate keysDeactivateCmd `cmd:"" help:"Deactivate a key; a running server refuses it at once."`
}

// keyObject is a key as programs see it: the shape of the management API.
type keyObject struct {
	ID           string  `json:"id"`
	WorkspaceID  string  `json:"workspace_id"`
	Name         string  `json:"name"`
	Key          string  `json:"key,omitempty"`
	Secret       string  `json:"secret,omitempty"`
	KeyPrefix    string  `json:"key_prefix"`
	Status       string  `json:"status"`
	Environment  string  `json:"environment"`
	EndpointType string  `json:"endpoint_type"`
	HasSecret    bool    `json:"has_secret"`
	TemplateID   *string `json:"template_id,omitempty"` // product_orgs
	OnError      string  `json:"on_error,omitempty"`    // product_orgs
	ExpiresAt    *string `json:"expires_at"`
	LastUsedAt   *string `json:"last_used_at"`
	CreatedBy    *string `json:"created_by"`
	CreatedAt    string  `json:"created_at"`
	UpdatedAt    string  `json:"updated_at"`
}

// apiStatus are the words of the management API: deactivated is revoked there.
var apiStatus = map[string]string{"active": "active", "expired": "expired", "deactivated": "revoked"}

func object(item keys.Item, now time.Time) keyObject {
	o := keyObject{
		ID: item.ID, WorkspaceID: item.WorkspaceID, Name: item.Name, KeyPrefix: item.KeyPrefix,
		Status: apiStatus[item.State(now)], Environment: item.Environment, EndpointType: item.EndpointType,
		HasSecret: item.SecretHash != nil, ExpiresAt: stamp(item.ExpiresAt), LastUsedAt: stamp(item.LastUsed.LastUsedAt),
		CreatedBy: item.CreatedBy, CreatedAt: *stamp(item.CreatedAt), UpdatedAt: *stamp(item.UpdatedAt),
	}
	if item.EndpointType == models.ProductOrgs {
		o.TemplateID, o.OnError = item.TemplateID, item.OnError
	}
	return o
}

func stamp(t models.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.Format(time.RFC3339)
	return &text
}

type keysCreateCmd struct {
	Name         string `required:"" help:"Name of the system that will use the key."`
	Type         string `default:"signal_staging" enum:"signal_staging,product_orgs" help:"Endpoint type: ${enum}."`
	Env          string `default:"live" enum:"live,test" help:"Environment: ${enum}."`
	Expires      string `help:"End of the key: a number of days such as 90d, or a time such as 2030-01-31T00:00:00Z." placeholder:"90d"`
	Secret       bool   `help:"Also require a shared secret."`
	Template     string `xor:"template" help:"product_orgs: payload template as a JSON file, as the editor's JSON view has it; - reads standard input." placeholder:"FILE"`
	TemplateName string `xor:"template" help:"product_orgs: name of a template that the workspace has." placeholder:"NAME"`
	Capture      bool   `xor:"template" help:"product_orgs: keep what arrives until a template is made from it."`
	OnError      string `default:"" enum:",reject,quarantine" help:"product_orgs: answer 422 to payloads that do not map (reject, the default), or 200 (quarantine); both are kept." placeholder:"reject"`
	Workspace    string `help:"Slug or id of the workspace; not needed when there is one." placeholder:"SLUG"`
	JSON         bool   `name:"json" help:"Print the key object as JSON."`
}

func (k keysCreateCmd) Run(c *config.Config) error {
	return withApp(c, func(ctx context.Context, a *app.App) error {
		actor, err := operator(ctx, a, k.Workspace)
		if err != nil {
			return err
		}
		expires, err := parseExpiry(k.Expires, a.Now())
		if err != nil {
			return err
		}
		form := keys.CreateForm{
			Name: k.Name, Environment: k.Env, EndpointType: k.Type, ExpiresAt: expires, WithSecret: k.Secret, OnError: k.OnError,
		}
		if err := k.chooseTemplate(ctx, a, actor, &form); err != nil {
			return err
		}
		made, err := a.Keys.Create(ctx, actor, form)
		if err != nil {
			return findings(err)
		}
		o := object(keys.Item{APIKey: made.Key}, a.Now())
		o.Key, o.Secret = made.Value.Reveal(), made.Secret.Reveal()
		if k.JSON {
			return printJSON(o)
		}
		fmt.Printf("%s  %s\nKey (shown only now):     %s\n", o.ID, o.Name, o.Key)
		if o.Secret != "" {
			fmt.Printf("Secret (shown only now):  %s\n", o.Secret)
		}
		return nil
	})
}

var days = regexp.MustCompile(`^([0-9]{1,4})d$`)

// parseExpiry reads a number of days or an RFC 3339 time; empty and never mean no end.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "" || text == "never" {
		return time.Time{}, nil
	}
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return time.Time{}, fmt.Errorf("--expires %q: %w", text, err)
		}
		return now.AddDate(0, 0, n), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--expires %q is neither a number of days like 90d nor a time like 2030-01-31T00:00:00Z", text)
	}
	return at, nil
}

type keysListCmd struct {
	Workspace string `help:"Slug or id of the workspace; not needed when there is one." placeholder:"SLUG"`
	Status    string `default:"" enum:",active,expiring,expired,deactivated" help:"Only keys of this status."`
	JSON      bool   `name:"json" help:"Print a JSON array of key objects."`
}

func (k keysListCmd) Run(c *config.Config) error {
	return withApp(c, func(ctx context.Context, a *app.App) error {
		actor, err := operator(ctx, a, k.Workspace)
		if err != nil {
			return err
		}
		objects := []keyObject{}
		filter := keys.Filter{Status: k.Status, Limit: 100}
		for more := true; more; more = filter.Before != "" {
			page, err := a.Keys.List(ctx, actor, filter)
			if err != nil {
				return err
			}
			for _, item := range page.Items {
				objects = append(objects, object(item, a.Now()))
			}
			filter.Before = page.Next
		}
		if k.JSON {
			return printJSON(objects)
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ID\tNAME\tKEY\tTYPE\tSTATUS")
		for _, o := range objects {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s_••••\t%s\t%s\n", o.ID, o.Name, o.KeyPrefix, o.EndpointType, o.Status)
		}
		return w.Flush()
	})
}

type keysDeactivateCmd struct {
	ID        string `arg:"" help:"Id of the key."`
	Workspace string `help:"Slug or id of the workspace; not needed when there is one." placeholder:"SLUG"`
}

func (k keysDeactivateCmd) Run(c *config.Config) error {
	return withApp(c, func(ctx context.Context, a *app.App) error {
		actor, err := operator(ctx, a, k.Workspace)
		if err != nil {
			return err
		}
		changed, err := a.Keys.Revoke(ctx, actor, k.ID)
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

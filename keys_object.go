package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

// keyObject is a key as the commands print it, of this machine's database and of a remote instance
// alike: members of the management API.
type keyObject struct {
	ID           string          `json:"id"`
	WorkspaceID  string          `json:"workspace_id"`
	Name         string          `json:"name"`
	Key          string          `json:"key,omitempty"`
	Secret       string          `json:"secret,omitempty"`
	KeyPrefix    string          `json:"key_prefix"`
	Status       string          `json:"status"`
	Environment  string          `json:"environment"`
	EndpointType string          `json:"endpoint_type"`
	Scopes       []string        `json:"scopes"`
	HasSecret    bool            `json:"has_secret"`
	TemplateID   *string         `json:"template_id,omitempty"` // product_orgs
	OnError      string          `json:"on_error,omitempty"`    // product_orgs
	ExpiresAt    *string         `json:"expires_at"`
	LastUsedAt   *string         `json:"last_used_at"`
	CreatedBy    *string         `json:"created_by"`
	CreatedAt    string          `json:"created_at"`
	UpdatedAt    string          `json:"updated_at"`
	Rotation     *rotationObject `json:"rotation"`
}

// rotationObject is there while the value before the present one works.
type rotationObject struct {
	EndsAt string `json:"ends_at"`
}

func rotationUntil(end time.Time) *rotationObject {
	if end.IsZero() {
		return nil
	}
	return &rotationObject{EndsAt: *stamp(end)}
}

func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339)
	return &text
}

// printOnce prints a key with the plaintexts that nothing shows again.
func (o keyObject) printOnce(asJSON bool) error {
	if asJSON {
		return printJSON(o)
	}
	fmt.Printf("%s  %s\nKey (shown only now):     %s\n", o.ID, o.Name, o.Key)
	if o.Secret != "" {
		fmt.Printf("Secret (shown only now):  %s\n", o.Secret)
	}
	return nil
}

func printKeys(objects []keyObject, asJSON bool) error {
	if asJSON {
		return printJSON(append([]keyObject{}, objects...))
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tNAME\tKEY\tTYPE\tSTATUS")
	for _, o := range objects {
		status := o.Status
		if o.Rotation != nil {
			status += ", rotating"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s_••••\t%s\t%s\n", o.ID, o.Name, o.KeyPrefix, o.EndpointType, status)
	}
	return w.Flush()
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"latchkey/client"
	"latchkey/internal/keys"
	"latchkey/models"
)

// remoteFlags point the commands at an instance elsewhere.
type remoteFlags struct {
	URL       string `name:"url" env:"LATCHKEY_URL" help:"Address of a remote instance to work on, with the API-access key in LATCHKEY_TOKEN; without it, this machine's database." placeholder:"https://..."`
	TokenFile string `name:"token-file" env:"LATCHKEY_TOKEN_FILE" help:"File that holds that key, instead of LATCHKEY_TOKEN." placeholder:"FILE"`
}

// tokenVariable has no flag beside it: arguments can be read by everyone on the machine.
const tokenVariable = "LATCHKEY_TOKEN"

// maxToken bounds what is read of a token file, in bytes.
const maxToken = 4096

// open is nil when no remote instance is named.
func (f remoteFlags) open(workspace string) (*remoteKeys, error) {
	token := os.Getenv(tokenVariable)
	if f.URL == "" {
		if token != "" || f.TokenFile != "" {
			return nil, errors.New("there is a token for a remote instance, and no address: set LATCHKEY_URL too, or unset LATCHKEY_TOKEN and LATCHKEY_TOKEN_FILE to work on this machine's database")
		}
		return nil, nil
	}
	if token != "" && f.TokenFile != "" {
		return nil, errors.New("LATCHKEY_TOKEN and LATCHKEY_TOKEN_FILE are both set; keep one")
	}
	if f.TokenFile != "" {
		var err error
		if token, err = readToken(f.TokenFile); err != nil {
			return nil, err
		}
	}
	if strings.TrimSpace(token) == "" {
		return nil, errors.New("no token: put an API-access key into LATCHKEY_TOKEN, or name a file that holds one with --token-file")
	}
	if workspace != "" {
		return nil, errors.New("--workspace is for this machine's database; a remote instance goes by the workspace of the token")
	}
	c, err := client.New(f.URL, token, client.WithUserAgent("latchkey-cli"))
	if err != nil {
		return nil, fmt.Errorf("LATCHKEY_URL or LATCHKEY_TOKEN: %w", err)
	}
	return &remoteKeys{api: c, url: f.URL}, nil
}

func readToken(file string) (string, error) {
	in, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("the token file: %w", err)
	}
	defer func() { _ = in.Close() }()
	text, err := io.ReadAll(io.LimitReader(in, maxToken))
	if err != nil {
		return "", fmt.Errorf("the token file: %w", err)
	}
	return string(text), nil
}

// remoteKeys are the keys of an instance elsewhere, in the token's workspace.
type remoteKeys struct {
	api *client.Client
	url string
}

func (*remoteKeys) now() time.Time { return time.Now() }

func (s *remoteKeys) create(ctx context.Context, k newKey) (keyObject, error) {
	form := client.CreateKey{
		Name: k.Name, Environment: k.Environment, EndpointType: k.Type, Scopes: k.Scopes, WithSecret: k.WithSecret, OnError: k.OnError,
		CaptureFirst: k.Template.Capture,
	}
	if !k.Expires.IsZero() {
		form.ExpiresAt = &k.Expires
	}
	if k.Template.Rows != nil {
		form.Template = &client.Mapping{}
		if err := convert(k.Template.Rows, form.Template); err != nil {
			return keyObject{}, err
		}
	}
	if k.Template.Name != "" {
		var err error
		if form.TemplateID, err = s.templateNamed(ctx, k.Template.Name); err != nil {
			return keyObject{}, err
		}
	}
	made, err := s.api.CreateKey(ctx, form)
	return remoteObject(made), lost(made, err)
}

// convert carries a value over to a type with the same JSON.
func convert(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("write the template: %w", err)
	}
	return json.Unmarshal(text, to)
}

// lost names the key whose value got lost on the way.
func lost(k client.Key, err error) error {
	if errors.Is(err, client.ErrValueLost) {
		return fmt.Errorf("%s %q: %w", k.ID, k.Name, err)
	}
	return err
}

func (s *remoteKeys) templateNamed(ctx context.Context, name string) (string, error) {
	var names []string
	for t, err := range s.api.Templates(ctx) {
		if err != nil {
			return "", err
		}
		if t.Name != "" && strings.EqualFold(t.Name, name) {
			return t.ID, nil
		}
		if t.Name != "" {
			names = append(names, t.Name)
		}
	}
	return "", noTemplate(name, names)
}

func (s *remoteKeys) list(ctx context.Context, status string) ([]keyObject, error) {
	filter := client.KeyFilter{Status: apiStatus[status]}
	expiring := status == "expiring"
	if expiring {
		filter.Status = client.Active
	}
	var out []keyObject
	for k, err := range s.api.Keys(ctx, filter) {
		if err != nil {
			return nil, err
		}
		if expiring && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(s.now().Add(keys.ExpiringWithin))) {
			continue
		}
		out = append(out, remoteObject(k))
	}
	return out, nil
}

func (s *remoteKeys) rotate(ctx context.Context, id string, grace time.Duration) (keyObject, error) {
	rotated, err := s.api.RotateKey(ctx, id, client.RotateKey{Grace: grace, None: grace == 0})
	return remoteObject(rotated), lost(rotated, err)
}

func (s *remoteKeys) extend(ctx context.Context, id string, until time.Time) (time.Time, error) {
	r, err := s.api.ExtendRotation(ctx, id, until)
	return r.EndsAt, err
}

func (s *remoteKeys) finish(ctx context.Context, id string) error {
	return s.api.FinishRotation(ctx, id)
}

// deactivate looks first, where the token may, whether there is anything to do: the API does not
// tell, as it is the same to it.
func (s *remoteKeys) deactivate(ctx context.Context, id string) (bool, error) {
	k, err := s.api.Key(ctx, id)
	if err == nil && k.Status == client.Revoked {
		return false, nil
	}
	return true, s.api.RevokeKey(ctx, id)
}

func remoteObject(k client.Key) keyObject {
	o := keyObject{
		ID: k.ID, WorkspaceID: k.WorkspaceID, Name: k.Name, Key: k.Key.Reveal(), Secret: k.Secret.Reveal(), KeyPrefix: k.KeyPrefix,
		Status: k.Status, Environment: k.Environment, EndpointType: k.EndpointType, Scopes: append([]string{}, k.Scopes...), HasSecret: k.HasSecret,
		ExpiresAt: stamp(k.ExpiresAt), LastUsedAt: stamp(k.LastUsedAt), CreatedBy: optional(k.CreatedBy),
		CreatedAt: k.CreatedAt.UTC().Format(time.RFC3339), UpdatedAt: k.UpdatedAt.UTC().Format(time.RFC3339),
	}
	if k.EndpointType == models.ProductOrgs {
		o.TemplateID, o.OnError = optional(k.TemplateID), k.OnError
	}
	if k.Rotation != nil {
		o.Rotation = rotationUntil(k.Rotation.EndsAt)
	}
	return o
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// sentence says what went wrong with a call, and how to find it in the log.
func (s *remoteKeys) sentence(err error) error {
	var p *client.Problem
	var broken *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &broken):
		return fmt.Errorf("%s does not answer: %w; check LATCHKEY_URL", s.url, broken.Err)
	case errors.As(err, &p) && p.Code == client.CodeInvalidToken:
		return fmt.Errorf("%s does not take the token. %w", s.url, p)
	case errors.As(err, &p) && p.Code == "":
		return fmt.Errorf("what answers at %s does not look like Latchkey; check LATCHKEY_URL. %w", s.url, p)
	case errors.As(err, &p) && len(p.Errors) > 0:
		var lines []error
		for _, e := range p.Errors {
			lines = append(lines, fmt.Errorf("%s: %s", e.Field, e.Message))
		}
		return errors.Join(append(lines, fmt.Errorf("(request %s)", p.RequestID))...)
	}
	return err
}

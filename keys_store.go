package main

import (
	"context"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/mapping"
)

// keyStore is where the commands find keys: this machine's database, or a remote instance.
type keyStore interface {
	now() time.Time
	create(ctx context.Context, k newKey) (keyObject, error)
	list(ctx context.Context, status string) ([]keyObject, error)
	rotate(ctx context.Context, id string, grace time.Duration) (keyObject, error)
	extend(ctx context.Context, id string, until time.Time) (time.Time, error)
	finish(ctx context.Context, id string) error
	deactivate(ctx context.Context, id string) (changed bool, err error)
}

// newKey is what a key is to be made of.
type newKey struct {
	Name, Type, Environment string
	Scopes                  []string
	Expires                 time.Time
	WithSecret              bool
	Template                templateChoice
	OnError                 string
}

// templateChoice is which payload template a new key goes by; none for other types.
type templateChoice struct {
	Rows    *mapping.Template // its own
	Name    string            // one of the workspace
	Capture bool              // none yet
}

// with runs fn on the remote instance when one is named, else on this machine's database, which
// naming one leaves alone.
func (k *keysCmd) with(c *config.Config, workspace string, fn func(context.Context, keyStore) error) error {
	remote, err := k.Remote.open(workspace)
	if err != nil {
		return err
	}
	if remote != nil {
		return remote.sentence(fn(context.Background(), remote))
	}
	return withLocalKeys(c, workspace, fn)
}

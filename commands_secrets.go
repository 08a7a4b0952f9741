package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/endpoints"
	"latchkey/internal/keys"
	"latchkey/internal/secretbox"
)

type secretsCmd struct {
	Reseal resealCmd `cmd:"" help:"Encrypt every stored signing secret anew with the present key, so that the old one (LATCHKEY_SECRET_KEY_OLD) is not needed any more."`
}

type resealCmd struct{}

func (resealCmd) Run(c *config.Config) error {
	ctx := context.Background()
	db, err := openDatabase(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	box, warning, err := c.Secrets()
	if err != nil {
		return err
	}
	if warning != "" {
		slog.Warn(warning)
	}
	store := keys.New(db, keys.Options{Now: time.Now, Brand: c.KeyBrand})
	n, err := endpoints.New(endpoints.Options{DB: db, Keys: store, Now: time.Now, Secrets: box}).Reseal(ctx)
	if errors.Is(err, secretbox.ErrOtherKey) {
		err = fmt.Errorf("%w\nset LATCHKEY_SECRET_KEY_OLD (or LATCHKEY_SECRET_KEY_OLD_FILE) to the key that sealed them, and run this again", err)
	}
	if err != nil {
		return fmt.Errorf("%d sealed with the present key; these could not be:\n%w", n, err)
	}
	if n == 0 {
		fmt.Println("Every stored secret is sealed with the present key already; LATCHKEY_SECRET_KEY_OLD is not needed.")
		return nil
	}
	fmt.Printf("%d stored secrets are sealed with the present key now; LATCHKEY_SECRET_KEY_OLD is not needed any more.\n", n)
	return nil
}

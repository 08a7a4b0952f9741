package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/seed"
)

type migrateCmd struct{}

func (migrateCmd) Run(c *config.Config) error {
	ctx := context.Background()
	db, err := database.Open(ctx, database.Config{URL: c.DatabaseURL, Path: c.DatabasePath()})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	n, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%d migrations applied; the database is current.\n", n)
	return nil
}

// withApp opens the database beside a server that may be running, and closes it afterwards.
func withApp(c *config.Config, fn func(ctx context.Context, a *app.App) error) error {
	ctx := context.Background()
	db, err := openDatabase(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return sentences(fn(ctx, app.New(db, app.Options{Brand: c.KeyBrand, Accounts: accounts.Config{DefaultPlan: c.DefaultPlan}})))
}

// sentences prints what is wrong with each field, as the console would beside it.
func sentences(err error) error {
	fields := fault.FieldsOf(err)
	if len(fields) == 0 {
		return err
	}
	var lines []error
	for field, sentence := range fields {
		lines = append(lines, fmt.Errorf("%s: %s", field, sentence))
	}
	return errors.Join(lines...)
}

type setupCmd struct {
	Email         string `required:"" help:"Email address of the owner."`
	Name          string `required:"" help:"Name of the owner."`
	Workspace     string `required:"" help:"Name of the workspace."`
	PasswordStdin bool   `required:"" name:"password-stdin" help:"Read the password from standard input."`
}

func (s setupCmd) Run(c *config.Config) error {
	password, err := firstLine(os.Stdin)
	if err != nil {
		return err
	}
	return withApp(c, func(ctx context.Context, a *app.App) error {
		_, workspace, err := a.Accounts.SetUpFromCommandLine(ctx, accounts.SetUpForm{
			Email: s.Email, Name: s.Name, Password: password, Workspace: s.Workspace,
		})
		if err != nil {
			return err
		}
		fmt.Printf("Workspace %s (%s) is ready; sign in as %s.\n", workspace.Name, workspace.Slug, s.Email)
		return nil
	})
}

type passwordCmd struct {
	Email         string `required:"" help:"Email address of the account."`
	PasswordStdin bool   `required:"" name:"password-stdin" help:"Read the new password from standard input."`
}

func (p passwordCmd) Run(c *config.Config) error {
	password, err := firstLine(os.Stdin)
	if err != nil {
		return err
	}
	return withApp(c, func(ctx context.Context, a *app.App) error {
		if err := a.Accounts.ResetPassword(ctx, p.Email, password); err != nil {
			return err
		}
		fmt.Printf("The password of %s is set, and every session of theirs has ended.\n", p.Email)
		return nil
	})
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password from standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

type seedCmd struct {
	Signals int    `default:"3000" help:"Signals to spread over the last week."`
	Addr    string `name:"addr" env:"LATCHKEY_ADDR" default:":8080" help:"Address that the server will listen on, for the printed links."`
}

func (s seedCmd) Run(c *config.Config) error {
	return withApp(c, func(ctx context.Context, a *app.App) error {
		base := c.BaseURL
		if base == "" {
			base = config.LocalURL(s.Addr)
		}
		box, _, err := c.Secrets()
		if err != nil {
			return err
		}
		return seed.Run(ctx, a, seed.Options{Signals: s.Signals, Out: os.Stdout, BaseURL: base, Secrets: box})
	})
}

type healthcheckCmd struct {
	Addr string `name:"addr" env:"LATCHKEY_ADDR" default:":8080" help:"Address that the server listens on."`
}

func (h healthcheckCmd) Run(*config.Config) error {
	if _, _, err := net.SplitHostPort(h.Addr); err != nil {
		return fmt.Errorf("LATCHKEY_ADDR is %q; use host:port", h.Addr)
	}
	client := &http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(config.LocalURL(h.Addr) + "/readyz")
	if err != nil {
		return fmt.Errorf("the server at %s does not answer: %w", h.Addr, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1024))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server at %s is not ready: %s", h.Addr, strings.TrimSpace(string(text)))
	}
	fmt.Println("ready")
	return nil
}

// operator acts in the named workspace, or in the only one.
func operator(ctx context.Context, a *app.App, workspace string) (access.Actor, error) {
	id, err := a.Accounts.WorkspaceNamed(ctx, workspace)
	if err != nil {
		return access.Actor{}, err
	}
	return access.CommandLine(id), nil
}

func printJSON(v any) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"latchkey/handlers"
	"latchkey/internal/accounts"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/database"
	"latchkey/internal/leaks"
)

type serveCmd struct {
	config.Server
}

// openDatabase opens and migrates: every command starts so.
func openDatabase(ctx context.Context, c *config.Config) (*database.DB, error) {
	db, err := database.Open(ctx, database.Config{URL: c.DatabaseURL, Path: c.DatabasePath(), MaxConns: c.DatabaseConns})
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (s *serveCmd) Run(c *config.Config) error {
	if err := s.Load(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := openDatabase(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	secrets, warning, err := c.Secrets()
	if err != nil {
		return err
	}
	if warning != "" {
		slog.Warn(warning)
	}

	targets, err := s.WebhookTargets()
	if err != nil {
		return err
	}
	gitHub, err := s.gitHubKeys()
	if err != nil {
		return err
	}

	// Listen before anything is printed, so that the printed address is one that answers.
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; stop what uses it, or set LATCHKEY_ADDR to another address", s.Addr, err)
	}
	a := app.New(db, app.Options{
		Brand:    c.KeyBrand,
		Secrets:  secrets,
		Targets:  targets,
		Accounts: accounts.Config{DefaultPlan: c.DefaultPlan, IdleTimeout: s.SessionIdle, AbsoluteTimeout: s.SessionAbsolute},
	})
	public, err := publicURL(c)
	if err != nil {
		return err
	}
	shown, err := s.localURL(listener.Addr())
	if err != nil {
		return err
	}
	if public != nil {
		shown = public.String()
	}
	if err := announce(ctx, a, shown, db.Dialect()); err != nil {
		return err
	}
	return s.serve(ctx, a, handlers.Options{BaseURL: public, GitHubKeys: gitHub}, listener)
}

// gitHubKeys reads the pinned public keys; nil without a file.
func (s *serveCmd) gitHubKeys() (*leaks.GitHubKeys, error) {
	if s.GitHubKeysFile == "" {
		return nil, nil
	}
	keys, err := leaks.LoadGitHubKeys(s.GitHubKeysFile)
	if err != nil {
		return nil, fmt.Errorf("LATCHKEY_GITHUB_KEYS_FILE: %w", err)
	}
	return keys, nil
}

// localURL is how this machine reaches the listener, whose port may have been chosen by the system.
func (s *serveCmd) localURL(addr net.Addr) (string, error) {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return "", fmt.Errorf("split %s: %w", s.Addr, err)
	}
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "", fmt.Errorf("split %s: %w", addr, err)
	}
	return config.LocalURL(net.JoinHostPort(host, port)), nil
}

// publicURL is what the operator says of the instance's address. Without it, pages go by the
// address that each reader came by.
func publicURL(c *config.Config) (*url.URL, error) {
	if c.BaseURL == "" {
		return nil, nil
	}
	return url.Parse(c.BaseURL)
}

// announce prints where the instance is and, before the first account, the link that makes it.
func announce(ctx context.Context, a *app.App, base, dialect string) error {
	fmt.Printf("Latchkey is at %s (database: %s)\n", base, dialect)
	needed, err := a.Accounts.NeedsSetup(ctx)
	if err != nil || !needed {
		return err
	}
	token, err := a.Accounts.IssueSetupToken(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nOpen this link once to make the first account:\n\n    %s/setup?token=%s\n\n", base, url.QueryEscape(token))
	return nil
}

// serve answers until ctx ends, then stops in order: no new requests, open ones end, the queue is
// committed.
func (s *serveCmd) serve(ctx context.Context, a *app.App, o handlers.Options, listener net.Listener) error {
	proxies, err := s.Proxies()
	if err != nil {
		return err
	}
	o.Proxies, o.Stopping = proxies, ctx.Done()
	server := handlers.Server(a, o)
	var work sync.WaitGroup
	workCtx, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	work.Go(func() { a.Run(workCtx) })
	stopMetrics := s.serveMetrics(a)
	defer stopMetrics()

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	slog.Info("stopping: no new requests, committing what was accepted")
	drain, cancel := context.WithTimeout(context.Background(), s.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		slog.Warn("some requests did not end in time", "err", err)
		_ = server.Close()
	}
	stopWork()
	work.Wait()
	slog.Info("stopped")
	return nil
}

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// server is the Postgres on which databases are created for the run.
type server struct {
	url         string
	version     string
	process     int // of the postmaster; 0 when it is not on this machine
	connections int
}

const postgresEnv = "LATCHKEY_TEST_POSTGRES"

func openServer(ctx context.Context, address string) (*server, error) {
	if address == "" {
		return nil, errors.New(postgresEnv + " is not set; run `make bench`, which starts a Postgres, or give -db sqlite")
	}
	s := &server{url: address}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", postgresEnv, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var backend uint32
	var fsync, commit string
	err = conn.QueryRow(ctx, `
		SELECT pg_backend_pid(), current_setting('server_version'), current_setting('max_connections')::int,
		       current_setting('fsync'), current_setting('synchronous_commit')`).
		Scan(&backend, &s.version, &s.connections, &fsync, &commit)
	if err != nil {
		return nil, err
	}
	if fsync != "on" || commit != "on" {
		return nil, fmt.Errorf("the server of %s does not wait for the disk (fsync %s, synchronous_commit %s), so its speed means nothing; "+
			"unset it and run `make bench`, or use a server with both on", postgresEnv, fsync, commit)
	}
	if st, err := readStat(int(backend)); err == nil {
		s.process = st.parent
	}
	return s, nil
}

// create makes an empty database and returns its URL, and what drops it.
func (s *server) create(ctx context.Context) (address string, drop func() error, err error) {
	suffix := make([]byte, 6)
	_, _ = rand.Read(suffix)
	name := "latchkey_bench_" + hex.EncodeToString(suffix)
	if err := s.exec(ctx, s.url, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	u, err := url.Parse(s.url)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", postgresEnv, err)
	}
	u.Path = "/" + name
	return u.String(), func() error { return s.drop(context.WithoutCancel(ctx), u.String()) }, nil
}

// drop removes a database of this run, if it is still there.
func (s *server) drop(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%s: %w", postgresEnv, err)
	}
	return s.exec(ctx, s.url, "DROP DATABASE IF EXISTS "+strings.TrimPrefix(u.Path, "/")+" WITH (FORCE)")
}

// scan reads one value.
func (s *server) scan(ctx context.Context, query string, to any) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return conn.QueryRow(ctx, query).Scan(to)
}

func (s *server) exec(ctx context.Context, address, statement string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		first, _, _ := strings.Cut(statement, "\n")
		return fmt.Errorf("%s: %w", first, err)
	}
	return nil
}

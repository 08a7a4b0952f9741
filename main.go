// Command latchkey is a self-hosted console and gateway for API keys and the data that arrives
// with them. Start here: flags -> config -> a command's Run.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	_ "time/tzdata" // time zones of profiles, on machines that have none

	"github.com/alecthomas/kong"
	"github.com/google/uuid"

	"latchkey/internal/config"
)

type cli struct {
	config.Config

	Serve       serveCmd       `cmd:"" default:"withargs" help:"Run the server (the default)."`
	Migrate     migrateCmd     `cmd:"" help:"Apply the database migrations and exit."`
	Setup       setupCmd       `cmd:"" help:"Make the first account and workspace without a browser."`
	Password    passwordCmd    `cmd:"" help:"Set a new password for an account whose own is forgotten."`
	Seed        seedCmd        `cmd:"" help:"Fill an empty database with a demo workspace."`
	Keys        keysCmd        `cmd:"" help:"Create, list, rotate and deactivate keys: in this machine's database, beside a running server, or on a remote instance."`
	Listen      listenCmd      `cmd:"" help:"Forward a workspace's outbound messages to a local program while developing, signed like the real ones."`
	Import      importCmd      `cmd:"" help:"Send a file of events to an instance: any size, with progress, and able to go on after an interruption."`
	Secrets     secretsCmd     `cmd:"" help:"Change the key that encrypts stored signing secrets."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running server whether it is ready; exit status 0 if so."`
}

// memoryTarget is the size at which the process trades CPU for memory.
const memoryTarget = 180 << 20

func main() {
	if os.Getenv("GOGC") == "" {
		// The heap is small beside what a request allocates: collecting a quarter as often saves CPU for
		// some tens of MiB. Less often saves no more that could be measured.
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryTarget) // near it, collecting comes first
	}
	var c cli
	parsed := kong.Parse(&c,
		kong.Name("latchkey"),
		kong.Description("A self-hosted console and gateway for API keys and the data that arrives with them."),
		kong.UsageOnError(),
	)
	if err := c.Load(); err != nil {
		fail(err)
	}
	slog.SetDefault(logger(c.Config))
	uuid.EnableRandPool() // two ids a request; the pool saves a system call each
	if err := parsed.Run(&c.Config); err != nil {
		fail(err)
	}
}

func logger(c config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level()}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "latchkey: "+err.Error())
	if errors.Is(err, errLinesRefused) {
		os.Exit(2)
	}
	os.Exit(1)
}

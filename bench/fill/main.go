// Command fill makes a workspace large, on a database for measurements:
//
//	latchkey setup ...                                        # an account and a workspace, as anybody would
//	go run ./bench/fill -db postgres://... -signals 5000000   # or -db data/latchkey.db
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"latchkey/bench/internal/fill"
	"latchkey/internal/database"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "fill: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o fill.Options
	where := flag.String("db", "", "URL of a Postgres database, or a SQLite file")
	flag.StringVar(&o.Workspace, "workspace", "", "slug of the workspace, where there are several")
	flag.IntVar(&o.Signals, "signals", 0, "signals to make")
	flag.IntVar(&o.Keys, "keys", 10_000, "webhook keys to make first")
	flag.DurationVar(&o.Span, "span", 28*24*time.Hour, "how far back the first signal lies")
	flag.Parse()
	if *where == "" || flag.NArg() > 0 {
		return fmt.Errorf("name the database with -db, and give no arguments; see -help")
	}
	config := database.Config{Path: *where}
	if strings.HasPrefix(*where, "postgres") {
		config = database.Config{URL: *where}
	}
	db, err := database.Open(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	start, told := time.Now(), 0
	o.Progress = func(done, total int) {
		if tenth := done * 10 / total; tenth > told {
			told = tenth
			fmt.Fprintf(os.Stderr, "%3d %%  %d signals, %.0f a second\n", 10*tenth, done, float64(done)/time.Since(start).Seconds())
		}
	}
	made, err := fill.Fill(ctx, db, o)
	if err != nil {
		return err
	}
	fmt.Printf("%d active keys and %d signals in %s\n", len(made.Keys), made.Signals, time.Since(start).Round(time.Millisecond))
	return nil
}

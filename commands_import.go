package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/upload"
)

type importCmd struct {
	File string `arg:"" help:"NDJSON or a JSON array, plain or gzipped; - reads standard input."`

	URL        string `name:"url" required:"" env:"LATCHKEY_URL" help:"Address of the instance." placeholder:"https://..."`
	KeyFile    string `name:"key-file" env:"LATCHKEY_KEY_FILE" help:"File that holds the key, instead of LATCHKEY_KEY." placeholder:"FILE"`
	SecretFile string `name:"secret-file" env:"LATCHKEY_API_SECRET_FILE" help:"File that holds the key's shared secret, where it has one, instead of LATCHKEY_API_SECRET." placeholder:"FILE"`

	State     string        `help:"File that remembers how far the import is; by default FILE.latchkey-import.json, beside the file." placeholder:"FILE"`
	Restart   bool          `help:"Begin at line 1, whatever is remembered. Lines that were stored in the last 7 days are known again, and not stored twice."`
	ID        string        `name:"id" help:"Idempotency key of the import; by default from the file's content. For standard input, name one to send the same stream again." placeholder:"NAME"`
	Rejects   string        `help:"File that gets every refused line, with the reason, as NDJSON." placeholder:"FILE"`
	Show      int           `default:"20" help:"How many refused lines to print."`
	PartBytes int64         `name:"part-bytes" default:"67108864" help:"Bytes that are sent in one request, and sent again at most when an answer is lost."`
	RetryFor  time.Duration `name:"retry-for" default:"15m" help:"Give up when nothing gets through for so long."`
}

// Help is printed by --help, after the flags' summary.
func (importCmd) Help() string {
	return `The key (and its shared secret) are read from LATCHKEY_KEY and LATCHKEY_API_SECRET, or from files; arguments can be read by everyone on the machine.

The file is sent in parts. After each, the first line that is not known to be stored is written to the state file, so that the same command goes on there after an interruption of any kind. All parts carry one Idempotency-Key, taken from the file's content: a line that is sent again, because the answer was lost, is not stored twice within 7 days, whether it has a message id of its own or not. A file that changed since is not gone on with. When all is sent, the state file stays and says so; delete it, or use --restart, to send the file again.

Standard input is sent in parts of 8 MiB that are kept in memory until they are stored; nothing is remembered of it.

Exit status: 0 when every line is stored, 2 when lines were refused, 1 when the import did not end.`
}

// The variables have no flags beside them, as with LATCHKEY_TOKEN.
const (
	keyVariable    = "LATCHKEY_KEY"
	secretVariable = "LATCHKEY_API_SECRET"
)

// errLinesRefused ends the command with a status of its own.
var errLinesRefused = errors.New("some lines were refused")

func (i importCmd) Run(*config.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	key, err := hidden(keyVariable, i.KeyFile, "--key-file")
	if err == nil && key == "" {
		err = errors.New("no key: put a key for signals into LATCHKEY_KEY, or name a file that holds one with --key-file")
	}
	if err != nil {
		return err
	}
	secret, err := hidden(secretVariable, i.SecretFile, "--secret-file")
	if err != nil {
		return err
	}
	screen := newScreen(os.Stderr)
	o := upload.Options{
		URL: i.URL, Key: key, Secret: secret, UserAgent: "latchkey-cli", ID: i.ID, Restart: i.Restart, Rejects: i.Rejects,
		PartBytes: i.PartBytes, RetryFor: i.RetryFor, Say: screen.say, Refused: refusedLines(screen, i.Show, i.Rejects),
	}
	if i.File == "-" {
		o.Stream = os.Stdin
	} else if o.File, o.StateFile = i.File, i.State; o.StateFile == "" {
		o.StateFile = upload.StateFile(i.File)
	}
	run := upload.New(o)
	end := screen.follow(run)
	counts, err := run.Run(ctx)
	end()
	fmt.Println(summary(counts))
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("stopped; the same command goes on where it was")
	case err != nil:
		return err
	case counts.Rejected > 0:
		return errLinesRefused
	}
	return nil
}

func summary(c upload.Counts) string {
	return fmt.Sprintf("Accepted: %d; stored before: %d; refused: %d.", c.Accepted, c.Duplicates, c.Rejected)
}

// hidden reads a secret from a variable or a file.
func hidden(variable, file, flag string) (string, error) {
	text := os.Getenv(variable)
	switch {
	case file != "" && text != "":
		return "", fmt.Errorf("%s and %s are both set; keep one", variable, flag)
	case file != "":
		in, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("%s: %w", flag, err)
		}
		defer func() { _ = in.Close() }()
		all, err := io.ReadAll(io.LimitReader(in, maxToken))
		if err != nil {
			return "", fmt.Errorf("%s: %w", flag, err)
		}
		text = string(all)
	}
	return strings.TrimSpace(text), nil
}

// refusedLines prints the first of them.
func refusedLines(to *screen, most int, rejects string) func(upload.Refused) {
	n := 0
	return func(r upload.Refused) {
		switch n++; {
		case n <= most:
			to.say(fmt.Sprintf("Line %d refused: %s: %s", r.Line, r.Code, r.Message))
		case n == most+1 && rejects != "":
			to.say("More lines were refused; " + rejects + " has them all.")
		case n == most+1:
			to.say("More lines were refused; --rejects FILE would keep them all.")
		}
	}
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/apptest"
)

// importFile starts the command against a server, with the key in the environment alone.
func (i *instance) importFile(t *testing.T, url, key string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := i.command(t, append([]string{"import"}, args...)...)
	var out bytes.Buffer
	cmd.Env = append(append([]string{}, i.env...), "LATCHKEY_URL="+url, "LATCHKEY_KEY="+key)
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

func manyLines(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "{\"event\":\"row\",\"userId\":\"u-%d\"}\n", i)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnImportThatIsKilledGoesOnAndStoresNothingTwice(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		const n = 30_000
		i.setUp(t)
		k, path := i.createKey(t), manyLines(t, n)
		s := i.serve(t)
		before := 0
		for range 5 {
			cmd, _ := i.importFile(t, s.url, k.Key, path, "--part-bytes", "65536")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			apptest.Eventually(t, "some more lines", func() bool { return len(i.signalIDs(t)) > before+1000 })
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			before = len(i.signalIDs(t))
		}
		if before >= n {
			t.Fatal("it was all sent before the last kill")
		}
		cmd, out := i.importFile(t, s.url, k.Key, path)
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if stored := len(i.signalIDs(t)); stored != n {
			t.Errorf("%d stored of %d", stored, n)
		}
		if !strings.Contains(out.String(), "Going on at line") {
			t.Errorf("it began anew:\n%s", out)
		}
		if strings.Contains(out.String(), k.Key) {
			t.Error("the output has the key")
		}
	})
}

func TestAnImportWithRefusedLinesHasAStatusOfItsOwn(t *testing.T) {
	i := newInstance(t, false)
	i.setUp(t)
	k, path := i.createKey(t), filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("{\"event\":\"a\"}\nbad\n{\"event\":\"b\"}\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := i.serve(t)
	cmd, out := i.importFile(t, s.url, k.Key, path, "--show", "1", "--rejects", path+".bad")
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"Line 2 refused", "More lines were refused; " + path + ".bad has them all", "Accepted: 2; stored before: 0; refused: 2."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	cmd, out = i.importFile(t, s.url, "", path)
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out.String(), "no key") {
		t.Errorf("without a key: %v\n%s", err, out)
	}
	cmd, out = i.importFile(t, s.url, k.Key, "-")
	cmd.Stdin = strings.NewReader(`[{"event":"c"},{"event":"d"}]`)
	if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "Accepted: 2;") {
		t.Errorf("standard input: %v\n%s", err, out)
	}
}

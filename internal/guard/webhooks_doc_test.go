package guard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/outbox"
)

var webhooksDoc = filepath.Join("..", "..", "docs", "webhooks.md")

// The parts of docs/webhooks.md that are made from what the product has: a receiver that is built
// from the page gets what the page shows.
func TestTheDocsShowEveryEventAndTheTestedPrograms(t *testing.T) {
	was, err := os.ReadFile(webhooksDoc)
	if err != nil {
		t.Fatal(err)
	}
	text := part(t, string(was), "events", events(t))
	text = part(t, text, "code", programs(t))
	if text == string(was) {
		return
	}
	if os.Getenv("UPDATE_GOLDEN") == "" {
		t.Fatal("docs/webhooks.md is behind: run UPDATE_GOLDEN=1 go test ./internal/guard")
	}
	if err := os.WriteFile(webhooksDoc, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// part puts fresh text between the marks of a part.
func part(t *testing.T, text, name, fresh string) string {
	t.Helper()
	begin, end := "<!-- "+name+":", "<!-- end of "+name+" -->"
	from, to := strings.Index(text, begin), strings.Index(text, end)
	if from < 0 || to < from {
		t.Fatalf("docs/webhooks.md has no part %s", name)
	}
	from += strings.Index(text[from:], "\n") + 1
	return text[:from] + "\n" + strings.TrimSpace(fresh) + "\n\n" + text[to:]
}

func events(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, info := range outbox.Types {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, info.Sample, "", "  "); err != nil {
			t.Fatalf("%s: %v", info.Type, err)
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n```json\n%s\n```\n\n", info.Type, info.Text, pretty.Bytes())
	}
	return b.String()
}

func programs(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, p := range []struct{ file, title, language string }{
		{"receiver.go.txt", "Go", "go"}, {"receiver.mjs.txt", "Node", "js"}, {"receiver.py.txt", "Python", "python"}, {"verify.sh.txt", "Shell, for one request by hand", "sh"},
	} {
		code, err := os.ReadFile(filepath.Join("..", "..", "handlers", "console", "verification", p.file))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "### %s\n\n```%s\n%s\n```\n\n", p.title, p.language, bytes.TrimSpace(code))
	}
	return b.String()
}

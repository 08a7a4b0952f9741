package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// marks are two lines of a document. What stands between them is the bench's; the rest is people's.
type marks struct{ begin, end string }

var (
	benchMarks  = marks{"<!-- bench: begin. `make bench` writes what stands up to the end. -->", "<!-- bench: end -->"}
	growthMarks = marks{"<!-- growth: begin -->", "<!-- growth: end -->"}
)

// splice puts the report where the document has its two lines.
func (m marks) splice(doc, report string) (string, error) {
	before, rest, ok := strings.Cut(doc, m.begin+"\n")
	_, after, ended := strings.Cut(rest, m.end)
	if !ok || !ended || strings.Contains(rest, m.begin) || strings.Contains(after, m.end) {
		return "", errors.New("it must have one line " + m.begin + " and after it one line " + m.end)
	}
	return before + m.begin + "\n\n" + strings.TrimSpace(report) + "\n\n" + m.end + after, nil
}

// writable tells whether a file has the two lines, before a long run; an empty name is none.
func (m marks) writable(file string) error {
	if file == "" {
		return nil
	}
	doc, err := os.ReadFile(file)
	if err == nil {
		_, err = m.splice(string(doc), "")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// writeInto replaces the bench's part of a file; an empty name is none.
func (m marks) writeInto(file, report string) error {
	if file == "" {
		return nil
	}
	doc, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := m.splice(string(doc), report)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// revision names the version that is measured.
func revision(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		return "Latchkey of an unknown revision"
	}
	return "Latchkey " + strings.TrimSpace(string(out))
}

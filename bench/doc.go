package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// What stands between these two lines of a document is the bench's; the rest is people's.
const (
	docBegin = "<!-- bench: begin. `make bench` writes what stands up to the end. -->"
	docEnd   = "<!-- bench: end -->"
)

// splice puts the report where the document has its two lines.
func splice(doc, report string) (string, error) {
	before, rest, ok := strings.Cut(doc, docBegin+"\n")
	_, after, ended := strings.Cut(rest, docEnd)
	if !ok || !ended || strings.Contains(rest, docBegin) || strings.Contains(after, docEnd) {
		return "", errors.New("it must have one line " + docBegin + " and after it one line " + docEnd)
	}
	return before + docBegin + "\n\n" + strings.TrimSpace(report) + "\n\n" + docEnd + after, nil
}

// writable tells whether a file has the two lines, before a long run; an empty name is none.
func writable(file string) error {
	if file == "" {
		return nil
	}
	doc, err := os.ReadFile(file)
	if err == nil {
		_, err = splice(string(doc), "")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// writeInto replaces the bench's part of a file; an empty name is none.
func writeInto(file, report string) error {
	if file == "" {
		return nil
	}
	doc, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := splice(string(doc), report)
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

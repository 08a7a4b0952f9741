package templates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"latchkey/internal/fault"
	"latchkey/internal/mapping"
)

// maxBody bounds a stored version in bytes; 50 rows need a tenth of it.
const maxBody = 256 << 10

// NotCompiled is the cause of the Invalid fault of rows that cannot be applied.
type NotCompiled struct{ Findings []mapping.Finding }

func (e *NotCompiled) Error() string { return Sentence(e.Findings) }

// FindingsOf returns what was wrong with the rows, when that is why err came.
func FindingsOf(err error) []mapping.Finding {
	var e *NotCompiled
	if errors.As(err, &e) {
		return e.Findings
	}
	return nil
}

// Check tells whether rows can be saved: nil, or an Invalid fault with the field template.
func Check(rows mapping.Template) error {
	_, _, err := check(rows)
	return err
}

func check(rows mapping.Template) (*mapping.Program, []byte, error) {
	program, findings := mapping.Compile(rows)
	if len(findings) > 0 {
		err := fault.Wrap(fault.Invalid, "Some fields need another look.", &NotCompiled{findings})
		err.Fields = fault.Fields{"template": Sentence(findings)}
		return nil, nil, err
	}
	body := encode(program.Template())
	if len(body) > maxBody {
		return nil, nil, fault.Fields{"template": fmt.Sprintf(
			"This template is %d KiB large; %d KiB are possible. Shorten its constants.", len(body)>>10, maxBody>>10)}.Err()
	}
	return program, body, nil
}

// Sentence puts findings in one line: the first in full, the others as a count.
func Sentence(findings []mapping.Finding) string {
	if len(findings) == 0 {
		return ""
	}
	f := findings[0]
	text := f.Problem
	if f.Row >= 0 {
		where := fmt.Sprintf("Row %d", f.Row+1)
		if f.Target != "" {
			where += " (" + f.Target + ")"
		}
		text = where + ": " + text
	}
	switch more := len(findings) - 1; {
	case more == 1:
		text += " One more problem was found."
	case more > 1:
		text += fmt.Sprintf(" %d more problems were found.", more)
	}
	return text
}

// encode writes rows as they are stored: compact, and the same bytes for the same rows.
func encode(rows mapping.Template) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(rows); err != nil {
		// Only a broken constant does not encode, and Compile refuses those.
		panic("templates: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}

package traced

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Statement is what is kept of a statement's text.
type Statement struct {
	Text  string
	Calls int64
	Total time.Duration
	Worst time.Duration
	Rows  int64  // that the worst one gave
	Args  []Arg  // of the worst one
	Error string `json:",omitempty"` // of the last that failed
}

// Arg is an argument that JSON gives back as what it was.
type Arg struct {
	Integer *int64     `json:",omitempty"`
	Float   *float64   `json:",omitempty"`
	Bool    *bool      `json:",omitempty"`
	Text    *string    `json:",omitempty"`
	Bytes   []byte     `json:",omitempty"`
	Time    *time.Time `json:",omitempty"`
}

// Value is what the driver got; nil for NULL.
func (a Arg) Value() any {
	switch {
	case a.Integer != nil:
		return *a.Integer
	case a.Float != nil:
		return *a.Float
	case a.Bool != nil:
		return *a.Bool
	case a.Text != nil:
		return *a.Text
	case a.Time != nil:
		return *a.Time
	case a.Bytes != nil:
		return a.Bytes
	}
	return nil
}

func argOf(v driver.Value) Arg {
	switch v := v.(type) {
	case int64:
		return Arg{Integer: &v}
	case float64:
		return Arg{Float: &v}
	case bool:
		return Arg{Bool: &v}
	case string:
		return Arg{Text: &v}
	case time.Time:
		return Arg{Time: &v}
	case []byte:
		return Arg{Bytes: slices.Clone(v)}
	}
	return Arg{}
}

type statements struct {
	mu sync.Mutex
	by map[string]*Statement
}

var all = &statements{by: map[string]*Statement{}}

func (s *statements) add(text string, args []driver.NamedValue, took time.Duration, rows int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.by[text]
	if one == nil {
		one = &Statement{Text: text, Worst: -1}
		s.by[text] = one
	}
	one.Calls++
	one.Total += took
	if err != nil {
		one.Error = err.Error()
	}
	if took <= one.Worst {
		return
	}
	one.Worst, one.Rows, one.Args = took, rows, make([]Arg, len(args))
	for i, a := range args {
		one.Args[i] = argOf(a.Value)
	}
}

// write replaces the file.
func (s *statements) write(file string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*Statement
	for _, one := range s.by {
		list = append(list, one)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("statements: %w", err)
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// Read gives what a process wrote.
func Read(file string) ([]Statement, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []Statement
	return list, json.Unmarshal(text, &list)
}

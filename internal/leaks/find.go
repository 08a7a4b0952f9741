package leaks

import (
	"context"
	"fmt"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
)

// By what a key was found in a pasted text.
const (
	ByValue  = "value"
	ByHash   = "hash" // a SHA-256 of a value
	ByPrefix = "prefix"
)

// Bounds of a pasted text.
const (
	MaxText   = 256 << 10
	maxPieces = 10_000
	maxFound  = 200
)

// Found is something in a pasted text that is, or looks like, a key. It never holds a secret.
type Found struct {
	Line  int    // of the text, from 1
	By    string // ByValue, ByHash or ByPrefix
	Shown string // what was found, as it may be shown
	Known bool   // false: it looks like a key, but is none of this workspace; Key is empty then
	Key   keys.Found
}

// Find looks for keys of the actor's workspace in a pasted text: their values, prefixes or SHA-256,
// among whatever else is in it. In the order of the text, at most 200. Faults: Forbidden; Invalid
// with the field text.
func (s *Service) Find(ctx context.Context, actor access.Actor, text string) ([]Found, error) {
	if err := actor.Require(access.ReadKeys); err != nil {
		return nil, err
	}
	if len(text) > MaxText {
		return nil, fault.Fields{"text": fmt.Sprintf("Paste at most %d KiB at a time.", MaxText>>10)}.Err()
	}
	pieces := cut(text)
	switch {
	case len(pieces) == 0:
		return nil, fault.Fields{"text": "Paste a key, the beginning of one, or its SHA-256."}.Err()
	case len(pieces) > maxPieces:
		return nil, fault.Fields{"text": "There are too many words in this text. Paste a smaller part of it."}.Err()
	}
	known, err := s.lookUp(ctx, actor, pieces)
	if err != nil {
		return nil, err
	}
	return known.list(pieces), nil
}

// list says what the pieces are: each key once a line.
func (k *known) list(pieces []piece) []Found {
	var out []Found
	type mark struct {
		line int
		what string
	}
	told, anything := map[mark]bool{}, map[int]bool{}
	add := func(f Found, what string) {
		if at := (mark{f.Line, what}); !told[at] && len(out) < maxFound {
			told[at] = true
			out = append(out, f)
		}
	}
	for _, p := range pieces {
		found := k.of(p)
		for _, f := range found {
			anything[p.line] = true
			add(f, f.Key.ID)
		}
		switch {
		case len(found) > 0 || !p.telling:
		case p.by == ByHash && anything[p.line]: // it is a value that looks like a hash
		default:
			add(Found{Line: p.line, By: p.by, Shown: p.shown}, p.shown)
		}
	}
	return out
}

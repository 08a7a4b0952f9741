package leaks

import (
	"context"
	"fmt"

	"latchkey/internal/access"
	"latchkey/internal/keys"
)

// known is what the database says about the pieces of a text.
type known struct {
	byHash   map[[32]byte]*keys.Found // only what the actor may see
	byPrefix map[string][]keys.Item
}

// lookUp asks for all hashes and prefixes at once, and then for what is there one by one, through
// the rules of who may see what.
func (s *Service) lookUp(ctx context.Context, actor access.Actor, pieces []piece) (*known, error) {
	k := &known{byHash: map[[32]byte]*keys.Found{}, byPrefix: map[string][]keys.Item{}}
	var hashes [][32]byte
	var prefixes []string
	for _, p := range pieces {
		if p.hashed {
			hashes = append(hashes, p.hash)
		}
		if p.prefix != "" {
			prefixes = append(prefixes, p.prefix)
		}
	}
	if err := s.lookUpHashes(ctx, actor, k, hashes); err != nil {
		return nil, err
	}
	if len(pieces) == 1 && len(pieces[0].prefix) == shortPrefix {
		// The random part of a prefix alone: no list would show it so, and in a longer text it is a word.
		items, err := s.keys.FindPrefix(ctx, actor, pieces[0].prefix)
		k.byPrefix[pieces[0].prefix] = items
		return k, err
	}
	return k, s.lookUpPrefixes(ctx, actor, k, prefixes)
}

// shortPrefix is how many random characters of a key lists show.
const shortPrefix = 4

func (s *Service) lookUpHashes(ctx context.Context, actor access.Actor, k *known, hashes [][32]byte) error {
	there, err := s.keys.Known(ctx, hashes)
	if err != nil {
		return err
	}
	for hash := range there {
		found, err := s.keys.FindHash(ctx, actor, hash)
		if err != nil {
			return err
		}
		if found != nil {
			k.byHash[hash] = found
		}
		if len(k.byHash) >= maxFound {
			break
		}
	}
	return nil
}

func (s *Service) lookUpPrefixes(ctx context.Context, actor access.Actor, k *known, prefixes []string) error {
	const chunk = 400
	for len(prefixes) > 0 && len(k.byPrefix) < maxFound {
		n := min(chunk, len(prefixes))
		var there []string
		err := s.db.Read.WithContext(ctx).Raw(`
			SELECT key_prefix FROM api_keys WHERE workspace_id = ? AND key_prefix IN ?
			UNION SELECT key_prefix FROM retired_key_values WHERE workspace_id = ? AND key_prefix IN ?`,
			actor.WorkspaceID, prefixes[:n], actor.WorkspaceID, prefixes[:n]).Scan(&there).Error
		if err != nil {
			return fmt.Errorf("look up prefixes: %w", err)
		}
		prefixes = prefixes[n:]
		for _, prefix := range there {
			if k.byPrefix[prefix], err = s.keys.FindPrefix(ctx, actor, prefix); err != nil {
				return err
			}
		}
	}
	return nil
}

// of are the keys that a piece is of: by its hash, else by its prefix.
func (k *known) of(p piece) []Found {
	if found := k.byHash[p.hash]; p.hashed && found != nil {
		shown := p.shown
		if shown == "" {
			shown = found.KeyPrefix + "…"
		}
		return []Found{{Line: p.line, By: p.by, Shown: shown, Known: true, Key: *found}}
	}
	var out []Found
	for _, item := range k.byPrefix[p.prefix] {
		out = append(out, Found{Line: p.line, By: ByPrefix, Shown: p.prefix, Known: true, Key: keys.Found{Item: item, Value: keys.ValuePresent}})
	}
	return out
}

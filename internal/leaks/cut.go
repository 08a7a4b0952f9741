package leaks

import (
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"latchkey/internal/keys"
	"latchkey/internal/token"
)

// piece is a part of a text that may be a key, its beginning or its hash.
type piece struct {
	line    int
	by      string // ByValue, ByHash or ByPrefix
	hashed  bool
	hash    [32]byte
	prefix  string // what lists would show of it; empty when it can be no prefix
	shown   string // as it may be shown; empty: by the prefix of the key that it is
	telling bool   // it looks so much like a key that it is told of though none is found
}

var (
	keyShape    = regexp.MustCompile(`[a-z][a-z0-9]{0,9}_(?:live|test)_[0-9A-Za-z]{4}_[0-9A-Za-z]{49}`)
	prefixShape = regexp.MustCompile(`[a-z][a-z0-9]{0,9}_(?:live|test)_[0-9A-Za-z]{4}\b|[a-z][a-z0-9]{0,9}_(?:live|test)_[0-9A-Za-z]{4}_`)
	hexShape    = regexp.MustCompile(`\b[0-9A-Fa-f]{64}\b`)
)

// cut takes a text apart, line by line. What certainly is a key comes first in each line.
func cut(text string) []piece {
	var out []piece
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		out = append(out, ours(n, line)...)
		out = append(out, words(n, line)...)
		for _, sum := range hexShape.FindAllString(line, -1) {
			if hash, ok := keys.ParseSHA256(sum); ok {
				out = append(out, piece{line: n, by: ByHash, hashed: true, hash: hash, shown: shownHash(hash), telling: true})
			}
		}
	}
	return out
}

func shownHash(hash [32]byte) string { return "SHA-256 " + hex.EncodeToString(hash[:])[:8] + "…" }

// ours are the keys and prefixes in the format of Latchkey, wherever in the line they stand.
func ours(n int, line string) []piece {
	var values, prefixes []piece
	rest := keyShape.ReplaceAllStringFunc(line, func(match string) string {
		if key, ok := parseEnd(match); ok {
			values = append(values, piece{line: n, by: ByValue, hashed: true, hash: key.Hash(), shown: key.Display() + "…", telling: true})
			return " "
		}
		return match // a typo: it is told by its prefix
	})
	for _, match := range prefixShape.FindAllString(rest, -1) {
		prefix := strings.TrimSuffix(match, "_")
		prefixes = append(prefixes, piece{line: n, by: ByPrefix, prefix: prefix, shown: prefix, telling: true})
	}
	return append(values, prefixes...)
}

// parseEnd finds the key with which a match ends: letters before it may look like a part of its
// brand, as in "\nsk_live_..." of a JSON text.
func parseEnd(match string) (token.Key, bool) {
	for start := range strings.IndexByte(match, '_') {
		if key, err := token.Parse(match[start:]); err == nil {
			return key, true
		}
	}
	return token.Key{}, false
}

// separators cut a line into words in three ways: a key from elsewhere may hold some of them.
var separators = []string{" \t", " \t\"'`,;()<>[]{}|\\", " \t\"'`,;()<>[]{}|\\=:/?&#@"}

// Bounds of a value that was imported, and of what lists show of it.
const (
	minValue, maxValue   = 8, 512
	minPrefix, maxPrefix = 4, 24
)

// words are what may be a key with a format of its own, or a hash in base64: the line, its words,
// what is assigned in them (KEY=value), each as it stands and with %-escapes read.
func words(n int, line string) []piece {
	var out []piece
	seen := map[string]bool{}
	add := func(word string) {
		for _, w := range []string{word, unescaped(word)} {
			if !seen[w] {
				seen[w] = true
				out = append(out, wordPieces(n, w)...)
			}
		}
	}
	add(line)
	for _, set := range separators {
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(set, r) }) {
			add(word)
			if _, value, ok := strings.Cut(word, "="); ok {
				add(value)
			}
		}
	}
	return out
}

func wordPieces(n int, word string) []piece {
	var out []piece
	p := piece{line: n, by: ByValue}
	if len(word) >= minValue && len(word) <= maxValue {
		p.hashed, p.hash = true, token.Hash(word)
	}
	if runes := utf8.RuneCountInString(word); runes >= minPrefix && runes <= maxPrefix && word != "imported" && storable(word) {
		p.prefix = word
	}
	if p.hashed || p.prefix != "" {
		out = append(out, p)
	}
	if hash, ok := keys.ParseSHA256(strings.TrimPrefix(word, "sha256-")); ok && len(word) != hex.EncodedLen(len(hash)) {
		out = append(out, piece{line: n, by: ByHash, hashed: true, hash: hash, shown: shownHash(hash)})
	}
	return out
}

// storable tells whether the database can compare a column with the word.
func storable(word string) bool { return utf8.ValidString(word) && !strings.Contains(word, "\x00") }

func unescaped(word string) string {
	if plain, err := url.QueryUnescape(word); err == nil && strings.Contains(word, "%") {
		return plain
	}
	return word
}

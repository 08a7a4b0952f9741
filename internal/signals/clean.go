package signals

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Clean is the parsed copy's text: the raw JSON, in which U+0000, unpaired surrogates and bytes
// that are no UTF-8 are U+FFFD. Everything else, the digits of numbers too, stays as it was sent.
func Clean(raw []byte) []byte {
	text := bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")))
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	if !bytes.Contains(text, []byte(`\u`)) {
		return text
	}
	return withoutBadEscapes(text)
}

const replacement = `\ufffd`

// withoutBadEscapes copies text, looking at each escape. A backslash stands only inside strings.
func withoutBadEscapes(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			i++
			continue
		}
		n, good := escape(text[i:])
		if good {
			out = append(out, text[i:i+n]...)
		} else {
			out = append(out, replacement...)
		}
		i += n
	}
	return out
}

// escape measures the escape at the start of b, both halves of a surrogate pair, and tells whether
// it can be stored.
func escape(b []byte) (length int, good bool) {
	code, ok := codeUnit(b)
	switch {
	case !ok:
		return 2, true // \n and the like
	case code == 0, code >= 0xdc00 && code <= 0xdfff:
		return 6, false
	case code < 0xd800 || code > 0xdbff:
		return 6, true
	}
	if low, ok := codeUnit(b[6:]); ok && low >= 0xdc00 && low <= 0xdfff {
		return 12, true
	}
	return 6, false
}

// codeUnit reads \uXXXX at the start of b.
func codeUnit(b []byte) (code int, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		code <<= 4
		switch {
		case c >= '0' && c <= '9':
			code |= int(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			code |= int(c|0x20-'a') + 10
		default:
			return 0, false
		}
	}
	return code, true
}

// payload is Clean on one line, for exports. What is no JSON, which the gateway does not store,
// becomes a JSON string.
func payload(raw []byte) json.RawMessage {
	clean := Clean(raw)
	var b bytes.Buffer
	if json.Compact(&b, clean) == nil {
		return b.Bytes()
	}
	quoted, err := json.Marshal(string(clean))
	if err != nil {
		return json.RawMessage("null") // a string always encodes
	}
	return quoted
}

package outbox

import (
	"strings"
	"unicode/utf8"
)

// appendText appends a text as a JSON string. Most texts need no escape: they are found out with one
// look and copied as they are.
func appendText(dst []byte, text string) []byte {
	dst = append(dst, '"')
	if plain(text) {
		return append(append(dst, text...), '"')
	}
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		dst = appendRune(dst, r)
	}
	return append(dst, '"')
}

// plain tells that a text stands for itself between quotes.
func plain(text string) bool {
	ascii := true
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(text)
}

const hexDigits = "0123456789abcdef"

func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case r == '\t':
		return append(dst, `\t`...)
	case r < ' ':
		return append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
	}
	return utf8.AppendRune(dst, r)
}

// appendMember appends a member whose name needs no escape; null stands for an empty text.
func appendMember(dst []byte, name, text string) []byte {
	dst = append(append(append(dst, ',', '"'), name...), '"', ':')
	if text == "" {
		return append(dst, "null"...)
	}
	return appendText(dst, text)
}

package accounts

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/internal/fault"
)

// Lengths that forms accept.
const (
	MinPassword   = 10  // characters
	MaxPassword   = 200 // bytes
	MaxName       = 100 // characters, of a person or workspace
	maxEmailBytes = 254 // RFC 5321
)

// commonPasswords are the ones of ten characters or more that head every list of leaked ones.
var commonPasswords = map[string]bool{}

func init() {
	for _, p := range strings.Fields(`1234567890 0123456789 0987654321 12345678910 123456789a 1234567891 11111111111
		1111111111 0000000000 1234512345 1122334455 9876543210 123123123123 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc
		qwertyuiop qwerty12345 qwerty123456 qwertyuiop123 asdfghjkl1 password12 password123 password1234 password12345
		passw0rd123 p@ssw0rd123 p@ssword123 password1! iloveyou123 letmein123 welcome123 welcome1234 changeme123
		adminadmin admin12345 administrator football123 baseball123 superman123 sunshine123 princess123 charlie123
		abcdefghij abcdefghijk abcd1234567 abc123abc123 qazwsxedcrfv zxcvbnm123 q1w2e3r4t5 q1w2e3r4t5y6 aaaaaaaaaa
		latchkey123 latchkeylatchkey`) {
		commonPasswords[p] = true
	}
}

// normalEmail trims and lower-cases an address.
func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// tidy trims a name and joins its inner white space, so that no control character or look-alike of
// another name by spacing comes in.
func tidy(name string) string { return strings.Join(strings.Fields(name), " ") }

func checkEmail(f fault.Fields, field, email string) {
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || address.Name != "" || len(email) > maxEmailBytes || hasControl(email) {
		f.Add(field, "Enter an email address, like ada@example.com.")
	}
}

func checkName(f fault.Fields, field, name, what string) {
	switch {
	case name == "":
		f.Add(field, "Enter "+what+".")
	case utf8.RuneCountInString(name) > MaxName:
		f.Add(field, "Keep it to 100 characters.")
	case hasControl(name):
		f.Add(field, "Leave out control characters.")
	}
}

func checkPassword(f fault.Fields, field, password, email string) {
	lower := strings.ToLower(password)
	local, _, _ := strings.Cut(email, "@")
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		f.Add(field, "Use at least 10 characters.")
	case len(password) > MaxPassword:
		f.Add(field, "Use at most 200 bytes.")
	case email != "" && (lower == email || lower == local):
		f.Add(field, "Choose a password that is not your email address.")
	case commonPasswords[lower] || oneCharacter(lower):
		f.Add(field, "This password is one of the first that are tried. Choose another one.")
	}
}

func oneCharacter(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return strings.Trim(s, string(first)) == ""
}

func hasControl(s string) bool {
	return !utf8.ValidString(s) || strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}) >= 0
}

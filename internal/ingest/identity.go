package ingest

import (
	"bytes"
	"strings"
	"unicode"
)

// identity finds who an event is about, from the usual places: the top level first, then
// properties, traits, context.traits and user.
func (c *itemContext) identity(it *item, top object) *ItemError {
	email, refused := c.topEmail(it, top)
	if refused != nil {
		return refused
	}
	s := &it.signal
	s.UserID = top.first("userId", "user_id", "distinct_id")
	s.AnonymousID = top.first("anonymousId", "anonymous_id")
	s.GroupID = top.first("groupId", "group_id")
	if it.worthLooking(email) {
		email = it.nested(top, email)
	}
	s.Email = email
	s.UserID, s.AnonymousID, s.GroupID = it.keep(s.UserID, maxText), it.keep(s.AnonymousID, maxText), it.keep(s.GroupID, maxText)
	if s.Email == "" && s.UserID == "" && s.AnonymousID == "" && s.GroupID == "" {
		it.warn(warnNoIdentity)
	}
	return nil
}

func (c *itemContext) topEmail(it *item, top object) (string, *ItemError) {
	v := top["email"]
	if v.isNull() {
		return "", nil
	}
	text, ok := v.text()
	if ok && strings.TrimSpace(text) == "" {
		return "", nil
	}
	if email, good := address(text); ok && good {
		return email, nil
	}
	if c.lenient() {
		it.warn(warnInvalidEmail)
		return "", nil
	}
	return "", &ItemError{Code: "invalid_email", Field: "email", Message: "email is not an address. Correct it, or leave the member out."}
}

// names are the members that nested looks for.
var (
	emailNames = [][]byte{[]byte(`"email"`), []byte(`"$email"`)}
	userNames  = [][]byte{[]byte(`"userId"`), []byte(`"user_id"`), []byte(`"distinct_id"`), []byte(`"user"`)}
	groupNames = [][]byte{[]byte(`"groupId"`), []byte(`"group_id"`)}
)

// worthLooking tells whether a missing part of the identity can be below the top level at all:
// decoding the nested objects costs more than the rest of the rules together.
func (it *item) worthLooking(email string) bool {
	raw := it.signal.Raw
	return email == "" && containsAny(raw, emailNames) ||
		it.signal.UserID == "" && containsAny(raw, userNames) ||
		it.signal.GroupID == "" && containsAny(raw, groupNames)
}

func containsAny(text []byte, names [][]byte) bool {
	for _, name := range names {
		if bytes.Contains(text, name) {
			return true
		}
	}
	return false
}

// nested looks below the top level for what is still missing, and returns the email.
func (it *item) nested(top object, email string) string {
	s := &it.signal
	context := top["context"].object()
	for _, o := range []object{
		top["properties"].object(), top["traits"].object(), context["traits"].object(), top["user"].object(),
	} {
		if email == "" {
			if found, ok := address(o.first("email", "$email")); ok {
				email = found
			}
		}
		if s.UserID == "" {
			s.UserID = o.first("userId", "user_id", "distinct_id")
		}
		if s.GroupID == "" {
			s.GroupID = o.first("groupId", "group_id")
		}
	}
	if s.UserID == "" {
		s.UserID = top["user"].object().first("id")
	}
	if s.GroupID == "" {
		s.GroupID = context.first("groupId", "group_id")
	}
	return email
}

// address trims and lower-cases an email address; false when it has not the shape of one. The
// rule is wide on purpose: one @ with something before it and a dotted name or localhost after.
func address(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	local, domain, ok := strings.Cut(text, "@")
	if !ok || local == "" || domain == "" || len(text) > maxEmail || strings.Contains(domain, "@") {
		return "", false
	}
	if strings.Contains(domain, "..") || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == 0xFFFD || strings.ContainsRune(`<>(),;:"\`, r)
	}) {
		return "", false
	}
	if domain != "localhost" && (!strings.Contains(domain, ".") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".")) {
		return "", false
	}
	return text, true
}

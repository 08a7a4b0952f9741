package ingest

import (
	"bytes"
	"strings"

	"latchkey/internal/payload"
)

// identity finds who an event is about, from the usual places: the top level first, then
// properties, traits, context.traits and user.
func (c *itemContext) identity(it *item, top payload.Object) *ItemError {
	email, refused := c.topEmail(it, top)
	if refused != nil {
		return refused
	}
	s := &it.signal
	s.UserID = top.First("userId", "user_id", "distinct_id")
	s.AnonymousID = top.First("anonymousId", "anonymous_id")
	s.GroupID = top.First("groupId", "group_id")
	if it.worthLooking(email) {
		email = it.nested(top, email)
	}
	s.Email = email
	s.UserID, s.AnonymousID, s.GroupID = it.keep(s.UserID, maxText), it.keep(s.AnonymousID, maxText), it.keep(s.GroupID, maxText)
	it.needIdentity()
	return nil
}

func (c *itemContext) topEmail(it *item, top payload.Object) (string, *ItemError) {
	v := top["email"]
	if v.IsNull() {
		return "", nil
	}
	text, ok := v.Text()
	if ok && strings.TrimSpace(text) == "" {
		return "", nil
	}
	if email, good := payload.Address(text); ok && good {
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
func (it *item) nested(top payload.Object, email string) string {
	s := &it.signal
	context := top["context"].Object()
	for _, o := range []payload.Object{
		top["properties"].Object(), top["traits"].Object(), context["traits"].Object(), top["user"].Object(),
	} {
		if email == "" {
			if found, ok := payload.Address(o.First("email", "$email")); ok {
				email = found
			}
		}
		if s.UserID == "" {
			s.UserID = o.First("userId", "user_id", "distinct_id")
		}
		if s.GroupID == "" {
			s.GroupID = o.First("groupId", "group_id")
		}
	}
	if s.UserID == "" {
		s.UserID = top["user"].Object().First("id")
	}
	if s.GroupID == "" {
		s.GroupID = context.First("groupId", "group_id")
	}
	return email
}

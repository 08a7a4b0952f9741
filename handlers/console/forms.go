package console

import (
	"latchkey/internal/fault"
	"latchkey/views"
)

// sent is a form as it was posted: the values of the named fields, and what err says about them.
// Name no field that holds a secret in values; fields may be any.
func sent(c Ctx, err error, values, fields []string) views.Form {
	f := views.Form{Values: map[string]string{}, Errors: fault.FieldsOf(err), Order: fields}
	for _, name := range values {
		f.Values[name] = form(c).Get(name)
	}
	if err != nil && len(f.Errors) == 0 {
		f.Problem = sentence(c, err)
	}
	return f
}

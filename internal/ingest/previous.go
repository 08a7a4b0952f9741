package ingest

import (
	"time"

	"latchkey/internal/keys"
)

// Previous tells whether the request came with the value that its key had before a rotation: since
// when that value is deprecated, and when it ends. It is known once the request was accepted or
// refused.
func (r *Request) Previous() (since, ends time.Time, ok bool) {
	if r.cred == nil || !r.cred.Previous {
		return time.Time{}, time.Time{}, false
	}
	ends, _ = r.cred.Ends()
	return r.cred.RetiredAt, ends, true
}

// found remembers whose request it is.
func (r *Request) found(cred *keys.Credential) {
	if cred != nil {
		r.cred = cred
	}
}

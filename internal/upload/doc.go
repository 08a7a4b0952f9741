// Package upload sends a file to a bulk URL: in parts, each of which is acknowledged as stored, so
// that it can go on where it was when anything on the way breaks. It owns the file's form, the
// state beside the file and the retries; it knows nothing of flags and terminals.
//
// Lines keep the numbers that they have in the file, and every part carries the same
// Idempotency-Key: a line that is sent again, because an answer was lost, is known by both.
package upload

// Package models holds the tables as structs, and pure methods on them; nothing here does work.
//
// The schema itself is in migrations/: a guard test holds the two against each other on both
// databases. Identifiers are UUIDs version 7 (RFC 9562) as text, instants are Time.
package models

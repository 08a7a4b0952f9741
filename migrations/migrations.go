// Package migrations embeds the schema: numbered SQL files, applied in order, never edited once
// released.
//
// One portable set serves both databases. The type names are Postgres's; SQLite accepts any name
// and its affinity rules keep UUID and BYTEA values as they are sent.
package migrations

import "embed"

// FS holds the numbered files.
//
//go:embed *.sql
var FS embed.FS

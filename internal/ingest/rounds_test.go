//go:build !race

package ingest_test

// rounds of the race between posts and a deactivation.
const rounds = 300

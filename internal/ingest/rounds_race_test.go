//go:build race

package ingest_test

// rounds are fewer under the race detector, which looks at each memory access of a round and needs no
// rare order of events, as the promise itself does.
const rounds = 60

package dispatch

import (
	"context"

	"github.com/google/uuid"

	"latchkey/internal/database"
)

// due is a delivery that is to be attempted.
type due struct {
	messageID uuid.UUID
	step      int
	attempts  int
	at        int64 // next_attempt_at
	createdAt int64
	replayed  bool // it has a replay's id
}

// page is what an endpoint has to send, with its status and version of the same moment.
type page struct {
	status  string // of models; empty: the endpoint is gone
	version int
	due     []due
}

// body is a message as it is sent, or only its length when it is large.
type body struct {
	id     uuid.UUID
	length int
	bytes  []byte
}

// group is what one transaction writes.
type group struct {
	instance string
	outcomes []*outcome
	states   []state
	minutes  []minute
}

// written tells what of a group counted.
type written struct {
	outcomes []bool // the delivery was as it was fetched, or skipped since and delivered all the same
	states   []bool // the lease is this instance's, and nobody has reset the state
}

func (g group) nothing() written {
	return written{make([]bool, len(g.outcomes)), make([]bool, len(g.states))}
}

// minute counts attempts of an endpoint.
type minute struct {
	endpointID                    string
	minute                        int64
	delivered, failed, durationUS int64
}

// store is what the worker does often, in the words of each database.
type store interface {
	// due lists what is to be attempted by now: the most overdue first, or of an endpoint that wants
	// order the first ones in order, up to one that is not due.
	due(ctx context.Context, endpointID string, ordered bool, now int64, limit int) (page, error)
	// bodies reads messages; those longer than most come without their bytes.
	bodies(ctx context.Context, ids []uuid.UUID, most int) ([]body, error)
	commit(ctx context.Context, g group) (written, error)
	// refused tells that the database took what it was given for wrong, and always will.
	refused(err error) bool
}

func newStore(db *database.DB) store {
	if db.IsPostgres() {
		return &postgresStore{db.Pool}
	}
	return newSQLiteStore(db)
}

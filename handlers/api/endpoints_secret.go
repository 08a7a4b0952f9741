package api

import (
	"fmt"
	"net/http"
	"time"

	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
)

// secretJSON is a new signing secret, and until when the one before signs too.
type secretJSON struct {
	Secret         string  `json:"secret,omitempty"` // plaintext
	PreviousEndsAt *string `json:"previous_secret_ends_at"`
}

// withheld is the answer without the plaintext.
func (s secretJSON) withheld() any {
	s.Secret = ""
	return s
}

// revealedJSON are the signing secrets that sign now.
type revealedJSON struct {
	Secret         string  `json:"secret,omitempty"`          // plaintext
	Previous       *string `json:"previous_secret,omitempty"` // plaintext
	PreviousEndsAt *string `json:"previous_secret_ends_at"`
}

// withheld is the answer without the plaintexts.
func (r revealedJSON) withheld() any {
	r.Secret, r.Previous = "", nil
	return r
}

func rotateSecret(c *call) error {
	var form struct {
		GraceSeconds opt[int64] `json:"grace_seconds" null:"no"` // 0: the secret before ends now
		Secret       string     `json:"secret"`
	}
	if err := c.decodeOptional(&form); err != nil {
		return err
	}
	grace := endpoints.DefaultGrace
	if form.GraceSeconds.Given {
		seconds, most := form.GraceSeconds.Value, int64(endpoints.MaxGrace/time.Second)
		if seconds < 0 || seconds > most {
			return fault.Fields{"grace_seconds": fmt.Sprintf("Use a whole number from 0 (the secret before ends now) to %d (7 days).", most)}.Err()
		}
		grace = time.Duration(seconds) * time.Second
	}
	secret, until, err := c.api.Endpoints.RotateSecret(c.ctx(), c.actor, c.param("endpointId"), grace, form.Secret)
	if err != nil {
		return renamed(err, endpointMembers)
	}
	return c.json(http.StatusOK, secretJSON{secret.Reveal(), instantOrNull(until)})
}

func revealSecret(c *call) error {
	if err := c.empty(); err != nil {
		return err
	}
	shown, err := c.api.Endpoints.Reveal(c.ctx(), c.actor, c.param("endpointId"))
	if err != nil {
		return err
	}
	out := revealedJSON{Secret: shown.Secret.Reveal(), PreviousEndsAt: instantOrNull(shown.PreviousEndsAt)}
	if !shown.Previous.IsZero() {
		out.Previous = ptr(shown.Previous.Reveal())
	}
	return c.json(http.StatusOK, out)
}

func endPreviousSecret(c *call) error {
	if err := c.empty(); err != nil {
		return err
	}
	if err := c.api.Endpoints.EndPreviousSecret(c.ctx(), c.actor, c.param("endpointId")); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"status": "finished"})
}

package api

import (
	"fmt"
	"net/http"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

func rotateKey(c *call) error {
	var form struct {
		GraceSeconds opt[int64] `json:"grace_seconds" null:"no"` // 0: the value before ends now
	}
	if err := c.decodeOptional(&form); err != nil {
		return err
	}
	grace := keys.DefaultGrace
	if form.GraceSeconds.Given {
		seconds, most := form.GraceSeconds.Value, int64(keys.MaxGrace/time.Second)
		if seconds < 0 || seconds > most {
			return fault.Fields{"grace_seconds": fmt.Sprintf("Use a whole number from 0 (the old value ends now) to %d (30 days).", most)}.Err()
		}
		grace = time.Duration(seconds) * time.Second
	}
	base, err := c.seenVersion()
	if err != nil {
		return err
	}
	rotated, err := c.api.Keys.Rotate(c.ctx(), c.actor, c.param("keyId"), keys.RotateForm{Grace: grace, Base: base})
	if err != nil {
		return moved(keyForm{}.named(err), base)
	}
	out := keyAt(rotated.Key, models.Time{}, c.api.Now())
	out.Key = rotated.Value.Reveal()
	c.set("ETag", keyTag(rotated.Key))
	return c.json(http.StatusOK, out)
}

func extendRotation(c *call) error {
	var form struct {
		EndsAt opt[time.Time] `json:"ends_at" null:"no"`
	}
	if err := c.decode(&form); err != nil {
		return err
	}
	if !form.EndsAt.Given {
		return fault.Fields{"ends_at": "Say when the old value is to end. " + timeProblem}.Err()
	}
	end, err := c.api.Keys.ExtendRotation(c.ctx(), c.actor, c.param("keyId"), form.EndsAt.Value)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, keyRotateJSON{instant(end)})
}

func finishRotation(c *call) error {
	if err := c.empty(); err != nil {
		return err
	}
	if err := c.api.Keys.FinishRotation(c.ctx(), c.actor, c.param("keyId")); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"status": "finished"})
}

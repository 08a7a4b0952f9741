package seed

import (
	"sync/atomic"
	"time"
)

// clock is the time of the step that runs; several goroutines of the gateway read it.
type clock struct{ nanos atomic.Int64 }

func (c *clock) set(t time.Time) { c.nanos.Store(t.UnixNano()) }

// Now is the injected time.
func (c *clock) Now() time.Time { return time.Unix(0, c.nanos.Load()).UTC() }

// ago is an instant of the past, at a working hour's odd minute.
func (d *demo) ago(days float64) time.Time {
	return d.now.Add(-time.Duration(days * 24 * float64(time.Hour)))
}

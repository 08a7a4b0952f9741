package console

import (
	"time"

	"latchkey/views/ui"
)

// time is a moment in the reader's zone, relative to now; the fallback stands for a zero one.
func (s *server) time(c Ctx, t time.Time, fallback string) ui.TimeProps {
	return ui.NewTime(t, s.Now(), visit(c).Account.Zone, fallback)
}

// exactTime is time with the absolute text shown, for records.
func (s *server) exactTime(c Ctx, t time.Time) ui.TimeProps {
	p := s.time(c, t, "")
	p.ShowAbsolute = true
	return p
}

// day is a date in the reader's zone.
func (s *server) day(c Ctx, t time.Time) string {
	return t.In(visit(c).Account.Zone).Format("2 Jan 2006")
}

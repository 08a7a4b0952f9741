package console

import (
	"fmt"

	"latchkey/internal/accounts"
	"latchkey/views/ui"
)

// flash keeps a message for the next page.
func (s *server) flash(c Ctx, text string, problem bool) error {
	session := visit(c).session
	session.AddFlash(accounts.Flash{Text: text, Problem: problem})
	if err := session.Save(c.Request(), c.Response()); err != nil {
		return fmt.Errorf("keep the message for the next page: %w", err)
	}
	return nil
}

// takeFlash returns the message that the last action left, once.
func (s *server) takeFlash(c Ctx) *ui.ToastProps {
	session := visit(c).session
	if session == nil {
		return nil
	}
	flashes := session.Flashes()
	if len(flashes) == 0 {
		return nil
	}
	if err := session.Save(c.Request(), c.Response()); err != nil {
		c.Logger().Warnf("flash not removed: %v", err)
	}
	last, ok := flashes[len(flashes)-1].(accounts.Flash)
	if !ok {
		return nil
	}
	if last.Problem {
		return &ui.ToastProps{Tone: ui.ToneDanger, Text: last.Text}
	}
	return &ui.ToastProps{Tone: ui.ToneOK, Text: last.Text}
}

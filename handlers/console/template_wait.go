package console

import (
	"strings"
	"time"

	"latchkey/views"
)

// templateWaiting is the page of a key whose template is to be made from its first payload.
func (s *server) templateWaiting(c Ctx, at templatePlace) *views.TemplateWaiting {
	if at.Key == nil {
		return nil
	}
	return &views.TemplateWaiting{
		LiveHref: at.Path + "/live", Href: at.Path, StartHref: at.Path + "?start=1",
		URL: s.base(c) + keyTypeNamed(at.Key.EndpointType).Path + "/{key}",
	}
}

// awaitFirstPayload is the stream behind "Waiting for a sample…". It looks into the database: the
// payload may arrive at another instance.
func (s *server) awaitFirstPayload(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	if !strings.Contains(c.Request().Header.Get("Accept"), "text/event-stream") {
		return redirect(c, at.Path)
	}
	out, err := s.openStream(c)
	if err != nil {
		return s.streamEnded(c, err)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	// The page opens the next stream when this one ends without the word "done".
	for end := s.Now().Add(liveFor); s.Now().Before(end) && s.mayStillRead(c); {
		raw, id, _, err := s.lastPayload(c, at.Key.ID)
		if err == nil && raw != nil {
			if err = out.send(id, views.TemplateArrived(at.Path)); err == nil {
				err = out.event("done")
			}
			return s.streamEnded(c, err)
		}
		if err := out.beat(); err != nil {
			return s.streamEnded(c, err)
		}
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-s.Stopping:
			return nil
		case <-tick.C:
		}
	}
	return nil
}

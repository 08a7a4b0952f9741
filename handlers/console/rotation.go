package console

import (
	"net/http"
	"strconv"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/views"
	"latchkey/views/ui"
)

const rotationPath = "rotation"

func (s *server) rotationRoutes() []Route {
	const one = "/w/:slug/" + keysPath + "/:id/" + rotationPath
	return []Route{
		{GET, one, In(access.ManageKeys), s.confirmRotation},
		{POST, one, In(access.ManageKeys), s.rotateKey},
		{POST, one + "/extension", In(access.ManageKeys), s.extendRotation},
		{GET, one + "/end", In(access.ManageKeys), s.confirmRotationEnd},
		{POST, one + "/end", In(access.ManageKeys), s.endRotation},
	}
}

func (s *server) confirmRotation(c Ctx) error {
	k, err := s.keyToRotate(c)
	if err != nil {
		return err
	}
	if k.RotatingAt(s.Now()) {
		return s.rotatedAlready(c, k, http.StatusOK)
	}
	p, err := s.rotateView(c, k)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.RotateKey(p), views.RotateKeyDialog(p, false))
}

// rotateKey answers with the one page that ever shows the new value.
func (s *server) rotateKey(c Ctx) error {
	v, f := visit(c), form(c)
	k, err := s.keyToRotate(c)
	if err != nil {
		return err
	}
	grace, err := graceOf(f.Get("grace"), f.Get("grace_at"), s.Now(), v.Account.Zone)
	var made keys.Rotated
	if err == nil {
		made, err = s.Keys.Rotate(c.Request().Context(), v.Actor, k.ID, keys.RotateForm{Grace: grace, Base: baseOf(f)})
	}
	switch {
	case fault.Is(err, fault.Conflict):
		return s.rotationLost(c, k.ID, err)
	case err != nil:
		p, viewErr := s.rotateView(c, k)
		if viewErr != nil {
			return viewErr
		}
		p.Form = atGrace(sent(c, err, []string{"grace", "grace_at"}, []string{"grace", "grace_at"}))
		return s.refused(c, err, views.RotateKey(p), views.RotateKeyDialog(p, false))
	}
	return s.render(c, http.StatusOK, views.RevealedKey(s.rotatedView(c, made)), nil)
}

// rotationLost tells a rotation that came second from one that is not possible at all.
func (s *server) rotationLost(c Ctx, id string, cause error) error {
	now, err := s.Keys.Get(c.Request().Context(), visit(c).Actor, id)
	if err != nil || now.State(s.Now()) != "active" || now.SettingsVersion == baseOf(form(c)) {
		return cause
	}
	visit(c).Env = now.Environment
	return s.rotatedAlready(c, now, http.StatusConflict)
}

// keyToRotate is the key of the path; its environment becomes the page's.
func (s *server) keyToRotate(c Ctx) (keys.Item, error) {
	k, err := s.Keys.Get(c.Request().Context(), visit(c).Actor, c.Param("id"))
	if err == nil {
		visit(c).Env = k.Environment
	}
	return k, err
}

func (s *server) rotateView(c Ctx, k keys.Item) (views.RotateKeyView, error) {
	v := visit(c)
	traffic, err := s.Keys.Traffic(c.Request().Context(), v.Actor, k.ID)
	if err != nil {
		return views.RotateKeyView{}, err
	}
	href := v.path(keysPath, k.ID)
	p := views.RotateKeyView{
		Name: k.Name, Masked: masked(k.APIKey), Traffic: joinSentences(s.trafficText(k, traffic), s.callers(k)), Notes: s.rotateNotes(c, k),
		Locked: s.lockedNotice(c, k), Graces: graceChoices, Zone: v.Account.Zone.String(), Base: strconv.Itoa(k.SettingsVersion),
		Form:   views.Form{Values: map[string]string{"grace": "24h", "grace_at": s.Now().Add(keys.DefaultGrace).In(v.Account.Zone).Format(inputTime)}},
		Action: href + "/" + rotationPath, BackHref: href,
	}
	if c.QueryParam("from") == "list" {
		p.BackHref = v.envPath(keysPath)
	}
	if !isHTMX(c) {
		p.Page = s.keyShell(c, "Rotate "+k.Name)
	}
	return p, nil
}

// callers says which program used the key last.
func (s *server) callers(k keys.Item) string {
	if k.LastUsed.UserAgent == "" {
		return ""
	}
	return "The latest sender calls itself " + k.LastUsed.UserAgent
}

// rotateNotes are what stays, and what bounds the old value.
func (s *server) rotateNotes(c Ctx, k keys.Item) []string {
	var notes []string
	if !k.ExpiresAt.IsZero() {
		expires := s.time(c, k.ExpiresAt.Time, "")
		text := "The key itself expires " + expires.Relative + " (" + expires.Absolute + "), and the new value with it."
		if k.ExpiresAt.Sub(s.Now()) < keys.MaxGrace {
			text += " The old value can't outlast it."
		}
		notes = append(notes, text)
	}
	if k.SecretHash != nil {
		notes = append(notes, "The shared secret stays the same and is not shown again.")
	}
	if k.Imported {
		notes = append(notes, "This key was imported. Its new value is made by Latchkey and has Latchkey's format.")
	}
	return notes
}

// The graces that need no date.
var graceChoices = []ui.Option{
	{Value: "1h", Label: "for 1 hour"},
	{Value: "24h", Label: "for 24 hours"},
	{Value: "168h", Label: "for 7 days"},
	{Value: "at", Label: "until a date and time"},
	{Value: "now", Label: "no longer: it ends now"},
}

// graceOf reads the fields grace and grace_at, the latter in the reader's zone.
func graceOf(choice, at string, now time.Time, zone *time.Location) (time.Duration, error) {
	switch choice {
	case "now":
		return 0, nil
	case "1h", "24h", "168h":
		return time.ParseDuration(choice)
	case "at":
		if until := expiryOf(expiryAt, at, now, zone); until.After(now) {
			return until.Sub(now), nil
		}
		return 0, fault.Fields{"grace": "Choose a time in the future, within 30 days."}.Err()
	default:
		return 0, fault.Fields{"grace": "Choose how long the old value keeps working."}.Err()
	}
}

// atGrace moves what is wrong with the grace to the field that was filled in.
func atGrace(f views.Form) views.Form {
	if text := f.Errors["grace"]; text != "" && f.Values["grace"] == "at" {
		delete(f.Errors, "grace")
		f.Errors["grace_at"] = text
	}
	return f
}

func (s *server) extendRotation(c Ctx) error {
	v, id := visit(c), c.Param("id")
	until, err := time.Parse(time.RFC3339, form(c).Get("until"))
	if err != nil {
		return fault.Wrap(fault.Invalid, "The form is damaged. Load the key's page again.", err)
	}
	ends, err := s.Keys.ExtendRotation(c.Request().Context(), v.Actor, id, until)
	if err != nil {
		return err
	}
	return s.done(c, v.path(keysPath, id)+"#"+rotationPath, "The old value works until "+s.time(c, ends, "").Absolute+".")
}

func (s *server) confirmRotationEnd(c Ctx) error {
	v := visit(c)
	k, r, err := s.rotationOf(c)
	if err != nil {
		return err
	}
	if r == nil {
		return errNotRotating
	}
	words := s.rotationWords(k, *r)
	p := views.EndRotationView{
		Name: k.Name, Masked: maskedKey(r.PreviousPrefix), Traffic: words.use, Action: v.path(keysPath, k.ID, rotationPath, "end"), BackHref: v.path(keysPath, k.ID),
	}
	if words.tone == ui.ToneWarn {
		p.Tone = ui.ToneDanger
	}
	if !isHTMX(c) {
		p.Page = s.keyShell(c, "End the old value of "+k.Name)
	}
	return s.render(c, http.StatusOK, views.EndRotation(p), views.EndRotationDialog(p, false))
}

var errNotRotating = fault.New(fault.Conflict, "The key has no old value that still works. There is nothing to end.")

func (s *server) endRotation(c Ctx) error {
	v, id := visit(c), c.Param("id")
	if err := s.Keys.FinishRotation(c.Request().Context(), v.Actor, id); err != nil {
		return err
	}
	return s.done(c, v.path(keysPath, id), "The old value has ended. Requests with it are rejected from now on.")
}

package console

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// lastUsedCounts is how long an address that used a key is taken for one of its sender's.
const lastUsedCounts = 30 * 24 * time.Hour

func (s *server) showAddresses(c Ctx) error {
	p, err := s.addressesView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.KeyAddresses(p), nil)
}

func (s *server) changeAddresses(c Ctx) error {
	v, f, id := visit(c), form(c), c.Param("id")
	list, mode := strings.FieldsFunc(f.Get("allow_list"), betweenAddresses), f.Get("mode")
	k, err := s.Keys.Get(c.Request().Context(), v.Actor, id)
	if err != nil {
		return err
	}
	cutOff := mode == models.AllowListEnforce && f.Get("anyway") == "" && s.leavesOut(k, list)
	if !cutOff {
		_, err = s.Keys.Change(c.Request().Context(), v.Actor, id, keys.Patch{AllowList: &list, AllowListMode: &mode}, baseOf(f))
	} else {
		err = fault.Fields{"anyway": "Confirm it, or add " + k.LastUsed.IP + " to the list."}.Err()
	}
	if err == nil {
		return s.done(c, v.path(keysPath, id, addressesPath), addressesSaid[mode])
	}
	p, viewErr := s.addressesView(c)
	if viewErr != nil {
		return viewErr
	}
	p.Form = sent(c, err, []string{"allow_list", "mode"}, []string{"allow_list", "allow_list_mode", "anyway"})
	if cutOff {
		p.Anyway = true
		p.AnyText = "The key was last used " + ui.Relative(k.LastUsed.LastUsedAt.Time, s.Now()) + " from " + k.LastUsed.IP + ", which is not on the list. Requests from there will be refused."
	}
	return s.settingRefused(c, err, views.KeyAddresses(p))
}

var addressesSaid = map[string]string{
	models.AllowListOff:     "Address list saved. It refuses nothing.",
	models.AllowListWatch:   "Address list saved. What it would refuse is counted from now on.",
	models.AllowListEnforce: "Address list saved. Requests from other addresses are refused from now on.",
}

func betweenAddresses(r rune) bool {
	return r == ' ' || r == ',' || r == '\n' || r == '\r' || r == '\t'
}

// addressTexts are the list as people write it: an address without its length.
func addressTexts(k keys.Item) []string {
	var out []string
	for _, text := range strings.Fields(k.AllowList) {
		if p, err := netip.ParsePrefix(text); err == nil && p.IsSingleIP() {
			text = p.Addr().String()
		}
		out = append(out, text)
	}
	return out
}

// leavesOut tells that the address which used a key last is not on the list.
func (s *server) leavesOut(k keys.Item, list []string) bool {
	u := k.LastUsed
	addr, err := netip.ParseAddr(u.IP)
	if err != nil || s.Now().Sub(u.LastUsedAt.Time) > lastUsedCounts {
		return false
	}
	addr = addr.Unmap().WithZone("")
	for _, text := range list {
		if only, err := netip.ParseAddr(text); err == nil && only.Unmap() == addr {
			return false
		}
		if network, err := netip.ParsePrefix(text); err == nil && network.Contains(addr) {
			return false
		}
	}
	return true
}

func (s *server) addressesView(c Ctx) (views.KeyAddressesView, error) {
	v := visit(c)
	k, err := s.Keys.Get(c.Request().Context(), v.Actor, c.Param("id"))
	if err != nil {
		return views.KeyAddressesView{}, err
	}
	v.Env = k.Environment
	list := addressTexts(k)
	p := views.KeyAddressesView{
		Name: k.Name, BackHref: v.path(keysPath, k.ID), Locked: s.lockedNotice(c, k), Base: strconv.Itoa(k.SettingsVersion),
		Form:  views.Form{Values: map[string]string{"allow_list": strings.Join(list, "\n"), "mode": k.AllowListMode}},
		Modes: addressModes,
	}
	if p.Facts, err = s.addressFacts(c, k); err != nil {
		return p, err
	}
	if k.AllowListMode != models.AllowListOff && k.State(s.Now()) == "active" && s.leavesOut(k, list) {
		p.Notices = append(p.Notices, ui.BannerProps{
			Tone: ui.ToneWarn, Title: "The address that used this key last, " + k.LastUsed.IP + ", is not on the list.",
			Text: "It came " + ui.Relative(k.LastUsed.LastUsedAt.Time, s.Now()) + ". If that was your sender, add the address.",
		})
	}
	if p.Locked == nil {
		p.Action = v.path(keysPath, k.ID, addressesPath)
	}
	p.Page = s.keyShell(c, "Address list of "+k.Name)
	return p, nil
}

// addressFacts say what came from which address, before the list is switched on and afterwards.
func (s *server) addressFacts(c Ctx, k keys.Item) ([]ui.Fact, error) {
	used := s.time(c, k.LastUsed.LastUsedAt.Time, "Never")
	facts := []ui.Fact{{Label: "Last used", Time: &used, Hint: from(k.LastUsed.IP, k.LastUsed.UserAgent)}}
	if k.AllowListMode != models.AllowListWatch {
		return facts, nil
	}
	n, err := s.Keys.Outside(c.Request().Context(), visit(c).Actor, k.ID)
	since := s.time(c, k.AllowListSince.Time, "").Absolute
	would := ui.Fact{Label: "Would be refused", Value: "Nothing", Hint: "Watched since " + since + ". Wait until every sender has called once, then enforce the list."}
	if n > 0 {
		would.Value = "It would have refused " + counted(int(n), "request") + " since " + since + "."
		would.Hint = ""
		if at := k.LastUsed.OutsideAt; !at.IsZero() {
			would.Hint = "The latest came " + ui.Relative(at.Time, s.Now()) + " from " + k.LastUsed.OutsideIP + "."
		}
	}
	return append(facts, would), err
}

var addressModes = []ui.RadioCard{
	{Value: models.AllowListOff, Label: "Off", Icon: ui.IconCircle, Text: "Any address may use the key. The list is kept for later."},
	{Value: models.AllowListWatch, Label: "Watch", Icon: ui.IconEye, Text: "Refuses nothing, and counts what it would refuse. Begin with this."},
	{Value: models.AllowListEnforce, Label: "Enforce", Icon: ui.IconShield, Text: "Requests from any other address get 403 ip_not_allowed. Nothing of them is stored."},
}

// addressFact is the list as a key's page tells it.
func addressFact(k keys.Item) ui.Fact {
	fact := ui.Fact{Label: "Address list", Value: "Off", Hint: "Any address may use the key."}
	list := addressTexts(k)
	switch k.AllowListMode {
	case models.AllowListWatch:
		fact.Value, fact.Hint = "Watched: "+strings.Join(list, ", "), "What it would refuse is counted on its page."
	case models.AllowListEnforce:
		fact.Value, fact.Hint = "Only "+strings.Join(list, ", "), "Other addresses get 403 ip_not_allowed."
	}
	return fact
}

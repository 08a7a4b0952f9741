package leaks_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/models"
)

func (w *world) find(actor access.Actor, text string) []leaks.Found {
	w.t.Helper()
	found, err := w.s.Find(w.t.Context(), actor, text)
	if err != nil {
		w.t.Fatalf("find: %v", err)
	}
	return found
}

func TestAKeyIsFoundInWhateverItWasPastedWith(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Website")
		value := made.Value.Reveal()
		for _, text := range []string{
			value, "  " + value + "\r\n", `"` + value + `"`, "'" + value + "',", "KEY=" + value, "key: " + value,
			"Authorization: Bearer " + value, `-H "Authorization: Bearer ` + value + `" \`, `{"a":"\n` + value + `\n"}`,
			"https://x.example/api/signal-staging/webhook/" + value + "?a=1", "https://x.example/cb?k=" + url.QueryEscape("https://y.example/"+value),
			"prod_" + value, "-" + value + "-", value + value,
		} {
			found := w.find(w.owner, text)
			if len(found) != 1 || !found[0].Known || found[0].By != leaks.ByValue || found[0].Key.ID != made.Key.ID || found[0].Line != 1 {
				t.Errorf("%q: %+v", strings.ReplaceAll(text, value, "KEY"), found)
				continue
			}
			secretless(t, "what was found", fmt.Sprintf("%+v", found), value)
		}
	})
}

func TestATextMayHoldBytesThatNoColumnDoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Website")
		for _, strange := range []string{"ab\x00cd", "ab\xffcd", "%00abcd", "%ff%feabcd"} {
			if found := w.find(w.owner, strange+" "+made.Value.Reveal()+"\n"+strange); len(found) != 1 || found[0].Key.ID != made.Key.ID {
				t.Errorf("%q: %+v", strange, found)
			}
		}
	})
}

func TestAKeyIsFoundByItsSHA256InHexAndBase64(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Website")
		sum := digestOf(made.Value.Reveal())
		for _, text := range []string{
			fmt.Sprintf("%x", sum), fmt.Sprintf("%X  -", sum), fmt.Sprintf("sha256:%x", sum), fmt.Sprintf(`"sha256": "%x"`, sum),
			base64.StdEncoding.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:]), "hash " + base64.URLEncoding.EncodeToString(sum[:]),
			"sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		} {
			found := w.find(w.owner, text)
			if len(found) != 1 || found[0].By != leaks.ByHash || found[0].Key.ID != made.Key.ID {
				t.Errorf("%q: %+v", text, found)
			}
		}
	})
}

func TestAKeyIsFoundByItsPrefixOrTheBeginningOfItsValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create("Website")
		value, prefix := made.Value.Reveal(), made.Key.KeyPrefix
		typo := value[:20] + "0" + value[21:]
		if typo == value {
			typo = value[:20] + "1" + value[21:]
		}
		for _, text := range []string{prefix, "see " + prefix + "…", prefix + "_••••", prefix + "_Ab", typo, prefix[len(prefix)-4:]} {
			found := w.find(w.owner, text)
			if len(found) != 1 || !found[0].Known || found[0].By != leaks.ByPrefix || found[0].Key.ID != made.Key.ID {
				t.Errorf("%q: %+v", text, found)
			}
		}
	})
}

func TestOldAndImportedValuesAreFound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		ended, previous := w.create("Ended"), w.create("Previous")
		w.rotate(ended.Key, 0)
		w.rotate(previous.Key, time.Hour)
		legacy := w.imported("Legacy", "acme/live=7f3a+9c==", "acme/live")
		text := strings.Join([]string{"intro", ended.Value.Reveal(), "", "x " + previous.Value.Reveal(), "token=acme/live=7f3a+9c==", "acme/live"}, "\n")
		found := w.find(w.owner, text)
		want := []struct {
			line      int
			by, value string
			id        string
		}{
			{2, leaks.ByValue, keys.ValueRetired, ended.Key.ID}, {4, leaks.ByValue, keys.ValuePrevious, previous.Key.ID},
			{5, leaks.ByValue, keys.ValuePresent, legacy.ID}, {6, leaks.ByPrefix, keys.ValuePresent, legacy.ID},
		}
		if len(found) != len(want) {
			t.Fatalf("found %+v", found)
		}
		for i, c := range want {
			if f := found[i]; f.Line != c.line || f.By != c.by || f.Key.Value != c.value || f.Key.ID != c.id {
				t.Errorf("line %d: %+v, want %+v", f.Line, f, c)
			}
		}
	})
}

func TestWhatLooksLikeAKeyAndIsNoneHereIsToldAsSuch(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		theirs := w.createAs(w.alien, "Theirs")
		stranger := generate(t, "sk", "live")
		sum := digestOf("nothing")
		for _, text := range []string{theirs.Value.Reveal(), stranger, "sk_live_0000", fmt.Sprintf("%x", sum)} {
			found := w.find(w.owner, text)
			if len(found) != 1 || found[0].Known || found[0].Key.ID != "" || found[0].Shown == "" {
				t.Errorf("%q: %+v", text, found)
			}
			secretless(t, "what was found", fmt.Sprintf("%+v", found), theirs.Value.Reveal(), stranger)
		}
		for _, text := range []string{"Hello, world, how are you?", "sk_live_" + strings.Repeat("4eC3", 6), "imported"} {
			if found := w.find(w.owner, text); len(found) != 0 {
				t.Errorf("%q: %+v", text, found)
			}
		}
	})
}

func TestFindShowsOnlyWhatOneMaySee(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		api := w.create("API", func(f *keys.CreateForm) { f.EndpointType = models.APIAccess })
		editor, viewer := w.owner, w.owner
		editor.Role, viewer.Role = access.Editor, access.Viewer
		if found := w.find(editor, api.Value.Reveal()+"\n"+api.Key.KeyPrefix); len(found) != 2 || found[0].Known || found[1].Known {
			t.Errorf("an Editor finds %+v", found)
		}
		if _, err := w.s.Find(t.Context(), viewer, api.Value.Reveal()); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a Viewer: %v", err)
		}
	})
}

func TestTextsThatAreEmptyOrTooLongAreRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var many strings.Builder
		for i := range 20_000 {
			fmt.Fprintf(&many, "w%06d ", i)
		}
		for name, text := range map[string]string{"empty": " \n ", "short": "abc", "long": strings.Repeat("x ", leaks.MaxText), "many": many.String()} {
			if _, err := w.s.Find(t.Context(), w.owner, text); !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)["text"] == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	f.Add("sk_live_a2f9_" + strings.Repeat("0", 49))
	f.Add("%zz \xff\x00 = sha256-")
	f.Fuzz(func(t *testing.T, text string) { leaks.Cut(text) })
}

package secretbox

import (
	"bytes"
	"errors"
	"testing"
)

func TestABoxWithAnOldKeyOpensBothAndSealsWithItsOwn(t *testing.T) {
	older, newer := box(t, 1), box(t, 2)
	both := newer.WithOld(older)
	for _, b := range []*Box{older, newer} {
		if text, err := both.Open(b.Seal([]byte("x"), place), place); err != nil || string(text) != "x" {
			t.Errorf("opens %q, %v", text, err)
		}
	}
	sealed := both.Seal([]byte("x"), place)
	if _, err := older.Open(sealed, place); !errors.Is(err, ErrOtherKey) {
		t.Errorf("the old key opens what was sealed after it: %v", err)
	}
	if text, err := newer.Open(sealed, place); err != nil || string(text) != "x" {
		t.Errorf("the new key opens %q, %v", text, err)
	}
	if _, err := newer.Open(older.Seal([]byte("x"), place), place); !errors.Is(err, ErrOtherKey) {
		t.Errorf("the new key alone: %v", err)
	}
	if _, err := both.Open(box(t, 3).Seal([]byte("x"), place), place); !errors.Is(err, ErrOtherKey) {
		t.Errorf("a third key: %v", err)
	}
	if _, err := both.Open(older.Seal([]byte("x"), place), "api_key:2:signature"); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another place: %v", err)
	}
}

func TestResealTakesATextToThePresentKey(t *testing.T) {
	older, newer := box(t, 1), box(t, 2)
	both, sealed := newer.WithOld(older), older.Seal([]byte("x"), place)
	fresh, err := both.Reseal(sealed, place)
	if err != nil || bytes.Equal(fresh, sealed) {
		t.Fatalf("resealed %x, %v", fresh, err)
	}
	if text, err := newer.Open(fresh, place); err != nil || string(text) != "x" {
		t.Errorf("the new key opens %q, %v", text, err)
	}
	if again, err := both.Reseal(fresh, place); err != nil || !bytes.Equal(again, fresh) {
		t.Errorf("a second time %x, %v", again, err)
	}
	for name, c := range map[string]struct {
		box     *Box
		sealed  []byte
		context string
		want    error
	}{
		"the new key alone": {newer, sealed, place, ErrOtherKey},
		"another place":     {both, sealed, "elsewhere", ErrDamaged},
		"damaged":           {both, fresh[:len(fresh)-1], place, ErrDamaged},
		"no key":            {nil, sealed, place, ErrNoKey},
	} {
		if _, err := c.box.Reseal(c.sealed, c.context); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

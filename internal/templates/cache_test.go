package templates

import (
	"strconv"
	"testing"
)

func TestMemoryIsBoundedAndNeverGoesBackToAnOlderVersion(t *testing.T) {
	c := newCache(3)
	for i := range 10 {
		c.put(&Compiled{TemplateID: strconv.Itoa(i), Version: 1})
	}
	if n := len(c.entries); n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
	newer := &Compiled{TemplateID: "a", Version: 2}
	c.put(newer)
	if got := c.put(&Compiled{TemplateID: "a", Version: 1}); got != newer || c.get("a") != newer {
		t.Errorf("a late reader replaced version 2 by %+v", got)
	}
	if n := len(c.entries); n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
}

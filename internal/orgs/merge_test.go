package orgs

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func values(pairs ...string) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return out
}

func plain(s State) map[string]string {
	out := map[string]string{}
	for name, f := range s {
		out[name] = string(f.Value)
	}
	return out
}

func TestTheNewestEventWinsFieldByFieldInWhateverOrderTheyCome(t *testing.T) {
	first := values("plan", `"team"`, "user_count", "3")
	second := values("plan", `"enterprise"`, "mrr", "830.5")
	third := values("user_count", "5", "feature_flags.beta", "true")
	want := map[string]string{"plan": `"enterprise"`, "mrr": "830.5", "user_count": "5", "feature_flags.beta": "true"}
	type step struct {
		at     int64
		values map[string]json.RawMessage
	}
	steps := []step{{1, first}, {2, second}, {3, third}}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		s := State{}
		for _, i := range order {
			s.Merge(steps[i].values, From{At: steps[i].at, Update: "u"})
		}
		if diff := cmp.Diff(want, plain(s)); diff != "" {
			t.Errorf("order %v (-want +got):\n%s", order, diff)
		}
	}
}

func TestAnOlderValueIsToldAsStaleAndChangesNothing(t *testing.T) {
	s := State{}
	s.Merge(values("plan", `"enterprise"`), From{At: 10, Update: "new", Key: "k"})
	got := s.Merge(values("plan", `"team"`), From{At: 9, Update: "old"})
	want := Merged{Changes: []Change{{Field: "plan", Before: json.RawMessage(`"enterprise"`), After: json.RawMessage(`"team"`), Stale: true}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s["plan"].Update != "new" || s.Text("plan") != "enterprise" {
		t.Errorf("state %v", s)
	}
}

func TestTheSameValueLaterMakesALaterOlderOneStale(t *testing.T) {
	s := State{}
	s.Merge(values("plan", `"team"`), From{At: 1})
	if m := s.Merge(values("plan", `"team"`), From{At: 30}); len(m.Changes) != 0 || len(m.Unchanged) != 1 {
		t.Errorf("merged %+v", m)
	}
	if m := s.Merge(values("plan", `"free"`), From{At: 20}); !m.Changes[0].Stale {
		t.Errorf("merged %+v", m)
	}
}

func TestOfOneInstantTheLastToComeWins(t *testing.T) {
	s := State{}
	s.Merge(values("plan", `"a"`), From{At: 5})
	s.Merge(values("plan", `"b"`), From{At: 5})
	if s.Text("plan") != "b" {
		t.Errorf("plan %q", s.Text("plan"))
	}
}

func TestValuesComeBackFromTheColumnToTheByte(t *testing.T) {
	for _, value := range []string{"12345678901234567890.123456789", `"a<b>&\u2028"`, "\"a\u2028b\"", `{"x":[1,null]}`} {
		s := State{}
		s.Merge(values("custom.n", value), From{At: 5})
		back, err := Decode(s.Encode())
		if err != nil || string(back["custom.n"].Value) != value {
			t.Errorf("%s became %s, %v", value, back["custom.n"].Value, err)
		}
	}
}

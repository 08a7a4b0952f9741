package orgs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func example(fields int) State {
	s := State{}
	for i, value := range []string{
		`"team"`, `""`, `12`, `-4.5e3`, `true`, `null`, `"a \"quoted\" \\ text, with } and ]"`, `"\\"`, `{"a":[1,{"b":"}"}],"c":","}`, `[]`, `"<&> ü"`,
	} {
		s[fmt.Sprintf("custom.f%d", i)] = Field{Value: json.RawMessage(value), At: int64(i) * 1e15, Update: "0192f5a4-0000-7000-8000-000000000001", Key: "k"}
	}
	for i := range fields {
		s[fmt.Sprintf("field_%d", i)] = Field{Value: json.RawMessage(`"value"`), At: -5, Update: "0192f5a4-0000-7000-8000-000000000001", Key: "0192f5a4-0000-7000-8000-000000000002"}
	}
	return s
}

func TestAStateIsReadBackAsItWas(t *testing.T) {
	odd := example(3)
	for _, name := range []string{`custom.a"b`, `custom.a\b`, "custom.ü", "custom.\u2028", "custom.<b>", "custom.\t", "", "at"} {
		odd[name] = Field{Value: json.RawMessage(`1`)}
	}
	for name, s := range map[string]State{"empty": {}, "usual": example(16), "odd names": odd} {
		t.Run(name, func(t *testing.T) {
			text := s.Encode()
			got, err := Decode(text)
			if diff := cmp.Diff(s, got); err != nil || diff != "" {
				t.Errorf("%v; read back (-want +got):\n%s", err, diff)
			}
			if got, err = long(text); err != nil || cmp.Diff(s, got) != "" {
				t.Errorf("read by encoding/json: %v %s", err, cmp.Diff(s, got))
			}
		})
	}
}

// long reads a state by encoding/json.
func long(text []byte) (State, error) {
	var p packed
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, err
	}
	return p.unpack()
}

func TestEachUpdateIsNamedOnce(t *testing.T) {
	text := string(example(16).Encode())
	if n := strings.Count(text, "0192f5a4-0000-7000-8000-000000000002"); n != 1 {
		t.Errorf("a key is named %d times in %s", n, text)
	}
}

func TestAStateWithSpacesIsReadTheLongWayAndABrokenOneIsAnError(t *testing.T) {
	want := State{"plan": {Value: json.RawMessage(`[ 1 ]`), At: 7, Update: "uA", Key: "x"}}
	got, err := Decode([]byte(` { "fields" : { "plan" : [ [ 1 ], 7, 0 ] }, "from" : [ [ "u\u0041", "x" ] ] } `))
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
	for _, text := range []string{
		"{", `{"plan":{"v":1}}`, `{"from":[["a","k"]],"fields":{"plan":[1,7,0]}`, `{"from":[["a","k"]],"fields":{"plan":[1,7,1]}}`,
		`{"from":[["a","k"]],"fields":{"plan":[,7,0]}}`, `{"from":[],"fields":{"plan":[1,"x",0]}}`,
	} {
		if got, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s: read as %v", text, got)
		}
	}
}

func FuzzDecodeAgreesWithJSON(f *testing.F) {
	f.Add(example(2).Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		want, err := long(text)
		if !json.Valid(text) || err != nil {
			return // product_orgs.fields is only ever what Encode wrote
		}
		got, err := Decode(text)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%v (-json +got):\n%s", err, diff)
		}
	})
}

func BenchmarkState(b *testing.B) {
	s := example(9)
	text := s.Encode()
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = Decode(text)
		}
	})
	b.Run("decode by encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = long(text)
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Encode()
		}
	})
}

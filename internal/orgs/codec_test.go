package orgs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func asJSON(t testing.TB, s State) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

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

func TestAStateIsWrittenAsJSONWouldBeAndReadBack(t *testing.T) {
	odd := example(3)
	for _, name := range []string{`custom.a"b`, `custom.a\b`, "custom.ü", "custom.\u2028", "custom.<b>", "custom.\t", "", "at"} {
		odd[name] = Field{Value: json.RawMessage(`1`)}
	}
	odd["nothing"] = Field{}
	for name, s := range map[string]State{"empty": {}, "usual": example(16), "odd names": odd} {
		t.Run(name, func(t *testing.T) {
			text := s.Encode()
			if want := asJSON(t, s); string(text) != want {
				t.Fatalf("written as %s\nwant %s", text, want)
			}
			got, err := Decode(text)
			var want State
			if unmarshalled := json.Unmarshal(text, &want); err != nil || unmarshalled != nil {
				t.Fatal(err, unmarshalled)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAStateWithSpacesOrOtherMembersIsReadTheLongWay(t *testing.T) {
	for _, text := range []string{"", "{}", ` { "plan" : { "k" : "x", "v" : [ 1 ], "at" : 7 } } `, `{"plan":{"v":1,"at":7,"u":"a\u0041","k":"x","z":0}}`} {
		want := State{}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &want); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := Decode([]byte(text)); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"{", `{"plan":{"v":1,"at":7,"u":"a","k":"x"}`, `{"plan":{"v":1,"at":7,"u":"a","k":"x"}}x`, `{"plan":{"v":,"at":7,"u":"a","k":"x"}}`} {
		if got, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s: read as %v", text, got)
		}
	}
}

func FuzzDecodeAgreesWithJSON(f *testing.F) {
	f.Add(example(2).Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		var want State
		if !json.Valid(text) || json.Unmarshal(text, &want) != nil || want == nil {
			return // product_orgs.fields is only ever what Encode wrote
		}
		got, err := Decode(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
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
			var s State
			_ = json.Unmarshal(text, &s)
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Encode()
		}
	})
	b.Run("encode by encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encode(s)
		}
	})
}

package payload

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzMembers holds the scanner against the decoder: of valid JSON both say the same.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a":"x\"y","b":[1,{"c":"]}"}],"a":null}`, "{\"a\" :\t-1.5e3 ,\n\"b\": true}", `{"\u0061":1,"a":2}`,
		"{\"a\":\"\xff\"}", "{\"\xff\":1}", `{"a":"\\"}`, `{"é":"ü","":""}`, `[1]`, `"x"`, `{"a":{"b":{"c":"\\\""}}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			members(text) // must not panic
			return
		}
		var want Object
		refused := json.Unmarshal(text, &want)
		got, err := Members(text)
		if (err == nil) != (refused == nil) || len(got) != len(want) {
			t.Fatalf("%s: %v, %v; the decoder says %v, %v", text, got, err, want, refused)
		}
		for name, value := range want {
			mine, there := got[name]
			if !there || !bytes.Equal(mine, value) {
				t.Errorf("%s: %q is %s, the decoder says %s", text, name, mine, value)
			}
			text, isText := mine.Text()
			var decoded string
			if isText != (len(value) > 0 && value[0] == '"') || isText && json.Unmarshal(value, &decoded) == nil && decoded != text {
				t.Errorf("%s is the text %q, the decoder says %q", value, text, decoded)
			}
		}
	})
}

// FuzzElements does the same for arrays.
func FuzzElements(f *testing.F) {
	for _, text := range []string{`[]`, ` [ ] `, `[1,"a",[2,"]"],{"b":"}"},null]`, `{}`, `[1] x`, `["\\"]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := Elements(text) // must not panic on anything
		if !json.Valid(text) {
			return
		}
		var want []json.RawMessage
		if isList := json.Unmarshal(text, &want) == nil && want != nil; ok != isList || len(got) != len(want) {
			t.Fatalf("%s: %v, %s; the decoder says %v, %s", text, ok, got, isList, want)
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("%s: element %d is %s, the decoder says %s", text, i, got[i], want[i])
			}
		}
	})
}

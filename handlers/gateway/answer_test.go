package gateway

import (
	"encoding/json"
	"testing"
)

func TestTheSingleAnswerIsWhatTheEncoderWouldWrite(t *testing.T) {
	for _, text := range []string{"", "msg-1", `a"b\c`, "<&>", "ü\u2028", "\x01\xff", "tab\t"} {
		a := singleAnswer{Status: "accepted", ID: "01a202c8-37d0-71a1-b926-f394028efb01", MessageID: optional(text), Duplicate: text != "",
			ReceivedAt: "2026-01-05T12:34:00.000Z", Warnings: []string{}}
		if text != "" {
			a.Warnings = []string{text, "truncated"}
		}
		want, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(a.append(nil)); got != string(want)+"\n" {
			t.Errorf("%s; the encoder writes %s", got, want)
		}
	}
}

package outbox

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/models"
)

// texts are of any bytes, most of them as they come.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
}

func TestTheBodyOfAnySignalIsJSONThatReadsBackAsWhatItTells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload, err := json.Marshal(map[string]string{rapid.String().Draw(t, "name"): rapid.String().Draw(t, "value")})
		if err != nil {
			t.Fatal(err)
		}
		at := time.UnixMicro(rapid.Int64Range(0, 4102444800_000_000).Draw(t, "at")).UTC()
		s := models.Signal{
			ID: sampleSignalID, Environment: models.Live, APIKeyID: sampleKeyID, RequestID: sampleRequestID,
			Source: texts().Draw(t, "source"), Kind: "track", Event: texts().Draw(t, "event"), Email: texts().Draw(t, "email"),
			UserID: texts().Draw(t, "user"), AnonymousID: texts().Draw(t, "anonymous"), GroupID: texts().Draw(t, "group"),
			MessageID: texts().Draw(t, "message"), OccurredAt: models.At(at), ReceivedAt: models.At(at), Raw: payload,
		}
		var got struct {
			Type      string
			Timestamp time.Time
			Data      struct {
				ID, Source, Event, Email string
				UserID                   string    `json:"user_id"`
				AnonymousID              string    `json:"anonymous_id"`
				GroupID                  string    `json:"group_id"`
				MessageID                string    `json:"message_id"`
				OccurredAt               time.Time `json:"occurred_at"`
				Payload                  json.RawMessage
			}
		}
		body := SignalBody(&s)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v in %q", err, body)
		}
		for name, pair := range map[string][2]string{
			"source": {got.Data.Source, s.Source}, "event": {got.Data.Event, s.Event}, "email": {got.Data.Email, s.Email},
			"user_id": {got.Data.UserID, s.UserID}, "anonymous_id": {got.Data.AnonymousID, s.AnonymousID},
			"group_id": {got.Data.GroupID, s.GroupID}, "message_id": {got.Data.MessageID, s.MessageID}, "payload": {string(got.Data.Payload), string(payload)},
		} {
			if want := strings.ToValidUTF8(pair[1], "\uFFFD"); pair[0] != want {
				t.Fatalf("%s is %q, want %q", name, pair[0], want)
			}
		}
		if !got.Timestamp.Equal(at) || !got.Data.OccurredAt.Equal(at) {
			t.Fatalf("times %v and %v, want %v", got.Timestamp, got.Data.OccurredAt, at)
		}
	})
}

func TestAPayloadOfBytesThatAreNoUTF8IsStillReadable(t *testing.T) {
	body := SignalBody(&models.Signal{Raw: []byte("\xef\xbb\xbf {\"a\":\"\xff\",  \"n\":1.0} \n"), ReceivedAt: models.At(sampleTime), OccurredAt: models.At(sampleTime)})
	if want := "\"payload\":{\"a\":\"\uFFFD\",  \"n\":1.0}}}"; !json.Valid(body) || !strings.HasSuffix(string(body), want) {
		t.Errorf("body %s, want it to end with %s", body, want)
	}
}

func BenchmarkSignalBody(b *testing.B) {
	s := models.Signal{
		ID: sampleSignalID, Environment: models.Live, Kind: "track", Event: "Trial Started", Email: "ada@example.com", UserID: "user_1842",
		OccurredAt: models.At(sampleTime), ReceivedAt: models.At(sampleTime), APIKeyID: sampleKeyID, RequestID: sampleRequestID,
		Raw: []byte(`{"event":"Trial Started","userId":"user_1842","properties":{"plan":"team","note":"` + strings.Repeat("x", 180) + `"}}`),
	}
	b.ReportAllocs()
	for b.Loop() {
		SignalBody(&s)
	}
}

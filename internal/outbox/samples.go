package outbox

import (
	"encoding/json"
	"time"

	"latchkey/models"
)

// What the samples tell of. They are made by the code that makes the real ones.
const (
	sampleKeyID      = "019a5b1c-7d20-7c31-9a54-5f0e2b6c8d11"
	sampleRequestID  = "019a5b20-1f00-7b02-8c11-3d2e4f5a6b7c"
	sampleSignalID   = "019a5b20-1f02-7d43-a1b2-c3d4e5f60718"
	sampleUpdateID   = "019a5b20-2b10-7e54-9f01-12233445566a"
	sampleOrgID      = "019a5a00-0a10-7c22-8d33-0f1e2d3c4b5a"
	sampleEndpointID = "019a5b1d-0c00-7f12-8a9b-abcdef012345"
)

var sampleTime = time.Date(2026, time.January, 15, 9, 30, 0, 250_000_000, time.UTC)

func sampleOf(t Type, data any) []byte {
	body, err := Encode(t, sampleTime, data)
	if err != nil {
		panic(err) // of constants
	}
	return body
}

func sampleSignal() []byte {
	return SignalBody(&models.Signal{
		ID: sampleSignalID, Environment: models.Live, Source: "segment", Kind: "track", Event: "Trial Started",
		Email: "ada@example.com", UserID: "user_1842", GroupID: "acme", MessageID: "ajs-7f3c9e12",
		OccurredAt: models.At(sampleTime.Add(-time.Second)), ReceivedAt: models.At(sampleTime), APIKeyID: sampleKeyID, RequestID: sampleRequestID,
		Raw: []byte(`{"type":"track","event":"Trial Started","userId":"user_1842","messageId":"ajs-7f3c9e12",` +
			`"timestamp":"2026-01-15T09:29:59.250Z","context":{"groupId":"acme","traits":{"email":"ada@example.com"}},"properties":{"plan":"team","seats":12}}`),
	})
}

func sampleOrg() []byte {
	return sampleOf(OrgUpdated, OrgData{
		UpdateID: sampleUpdateID, Environment: models.Live, APIKeyID: sampleKeyID, RequestID: sampleRequestID,
		OccurredAt: Stamp{sampleTime.Add(-time.Second)}, ReceivedAt: Stamp{sampleTime},
		Organization: OrgValues{
			ID: sampleOrgID, OrgID: "acme", LastEventAt: Stamp{sampleTime.Add(-time.Second)}, CreatedAt: Stamp{sampleTime.AddDate(0, -3, 0)},
			Values: map[string]json.RawMessage{
				"name": json.RawMessage(`"Acme Ltd"`), "plan": json.RawMessage(`"business"`), "mrr": json.RawMessage("480"),
				"user_count": json.RawMessage("37"), "feature_flags.sso": json.RawMessage("true"),
			},
		},
		Changes: []OrgChange{
			{"feature_flags.sso", nil, json.RawMessage("true")},
			{"mrr", json.RawMessage("120"), json.RawMessage("480")},
			{"plan", json.RawMessage(`"team"`), json.RawMessage(`"business"`)},
		},
	})
}

func sampleKey(t Type) []byte {
	data := KeyData{
		ID: sampleKeyID, Name: "Website", Prefix: "sk_live_a2f9", Environment: models.Live, EndpointType: models.SignalStaging, Status: "active",
		CreatedAt: Stamp{sampleTime.AddDate(0, -2, 0)}, ExpiresAt: Stamp{sampleTime.AddDate(0, 1, 0)}, By: "ada@example.com",
	}
	switch t {
	case KeyCreated:
		data.CreatedAt = Stamp{sampleTime}
	case KeyRotated:
		ends := Stamp{sampleTime.AddDate(0, 0, 1)}
		data.PreviousEndsAt = &ends
	case KeyExpiring:
		data.ExpiresAt, data.Days, data.By = Stamp{sampleTime.AddDate(0, 0, 7)}, 7, "system"
	case KeyExpired:
		data.ExpiresAt, data.Status, data.By = Stamp{sampleTime}, "expired", "system"
	case KeyDeactivated:
		data.Status, data.Reason = "revoked", "manual"
	}
	return sampleOf(t, data)
}

func sampleRejected() []byte {
	field := "event"
	return sampleOf(IngestRejected, RejectedData{
		RequestID: sampleRequestID, Environment: models.Live, APIKeyID: sampleKeyID, Route: "/api/signal-staging/webhook/{key}/batch",
		Status: 207, Code: "items_rejected", Message: "Some items were refused; the list says which and why.",
		Accepted: 2, Rejected: 1, ReceivedAt: Stamp{sampleTime},
		Errors: []RefusedItem{{1, "missing_event", "An item needs the member event: what happened, as a non-empty string.", &field}},
	})
}

func sampleEndpoint(t Type) []byte {
	since := sampleTime.Add(-60 * time.Hour)
	data := EndpointData{
		ID: sampleEndpointID, URL: "https://hooks.example.com/latchkey", Description: "Billing", Environment: models.Live,
		FailingSince: Stamp{since}, LastError: "The endpoint answered 503 Service Unavailable.",
	}
	if t == EndpointFailing {
		ends := Stamp{since.Add(5 * 24 * time.Hour)}
		data.Percent, data.DisablesAt = 50, &ends
	} else {
		data.FailingSince, data.Reason = Stamp{sampleTime.Add(-5 * 24 * time.Hour)}, models.DisabledFailing
	}
	return sampleOf(t, data)
}

func sampleTest() []byte {
	return sampleOf(Test, TestData{EndpointID: sampleEndpointID, Message: "This is a test. Your endpoint works."})
}

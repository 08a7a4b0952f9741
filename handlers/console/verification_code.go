package console

import (
	_ "embed"
	"strings"

	"latchkey/views/ui"
)

// The programs that check a signature, whole and with nothing to install; a test runs each of them.
var (
	//go:embed verification/receiver.go.txt
	verifyGo string
	//go:embed verification/receiver.mjs.txt
	verifyNode string
	//go:embed verification/receiver.py.txt
	verifyPython string
	//go:embed verification/verify.sh.txt
	verifyShell string
	//go:embed verification/send.sh.txt
	verifyCurl string
)

// What the programs hold in place of what is not known.
const (
	placeSecret     = "whsec_YOUR_SIGNING_SECRET"
	placeID         = "MESSAGE_ID"
	placeTimestamp  = "MESSAGE_TIMESTAMP"
	placeSignatures = "MESSAGE_SIGNATURES"
	placeBody       = "MESSAGE_BODY"
)

const verificationBody = `{"type":"webhook.test","timestamp":"2026-01-02T03:04:05.678901Z","data":{}}`

// verification is what is filled into the programs; what is empty stays a placeholder. The secret
// is named only where the page itself reveals it.
type verification struct {
	Secret                    string
	ID, Timestamp, Signatures string // of a request that was sent
}

// verificationCode is the programs that check our signatures, filled with the secret if there is one.
func verificationCode(secret string) []ui.CodeTab { return verification{Secret: secret}.tabs() }

func (v verification) tabs() []ui.CodeTab {
	fill := v.filler()
	return []ui.CodeTab{
		{Label: "Go", Code: fill(verifyGo)},
		{Label: "Node", Code: fill(verifyNode)},
		{Label: "Python", Code: fill(verifyPython)},
		{Label: "Shell", Code: fill(verifyShell)},
		{Label: "curl", Code: fill(verifyCurl)},
	}
}

// filler puts the values in. None of them can end a string of any of the languages: secrets and
// signatures are base64, ids and times are letters and digits.
func (v verification) filler() func(string) string {
	r := strings.NewReplacer(
		placeSecret, orText(v.Secret, placeSecret),
		placeID, orText(v.ID, "msg_…"),
		placeTimestamp, orText(v.Timestamp, "…"),
		placeSignatures, orText(v.Signatures, "v1,…"),
		placeBody, verificationBody,
	)
	return func(code string) string { return strings.TrimSpace(r.Replace(code)) }
}

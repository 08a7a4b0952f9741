package api

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"latchkey/internal/access"
	"latchkey/internal/leaks"
)

// gitHubToken is one element of an alert of GitHub's secret scanning. GitHub may add members.
type gitHubToken struct {
	Token  string `json:"token"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	Source string `json:"source"`
}

// gitHubVerdict is the feedback that GitHub takes. It has the hash, never token_raw: a key is in
// one answer only, the one that made it.
type gitHubVerdict struct {
	TokenHash string `json:"token_hash"` // SHA-256 in hexadecimal
	TokenType string `json:"token_type"`
	Label     string `json:"label"`
}

// receiveGitHubAlert does with reported keys what each of them says. The signature over the raw
// body is all that makes it GitHub's.
func receiveGitHubAlert(c *call) error {
	if c.api.GitHubKeys == nil {
		return errNotFound
	}
	h := c.echo.Request().Header
	err := leaks.VerifyGitHub(c.api.GitHubKeys, h.Get(leaks.GitHubIdentifierHeader), h.Get(leaks.GitHubSignatureHeader), c.body)
	if err != nil {
		p := newProblem(http.StatusUnauthorized, codeInvalidSignature,
			"The signature is not GitHub's, or the body was changed on its way. Check the pinned public keys.")
		p.cause, p.challenge = err, "Signature"
		return p
	}
	var sent []gitHubToken
	if err := json.Unmarshal(c.body, &sent); err != nil {
		return newProblem(http.StatusBadRequest, codeInvalidJSON, "The body must be a list of objects with token, type, url and source.")
	}
	tokens := make([]leaks.Token, len(sent))
	for i, t := range sent {
		tokens[i] = leaks.Token{Value: t.Token, Type: t.Type, URL: t.URL, Source: t.Source}
	}
	from := access.Origin{IP: c.echo.RealIP(), RequestID: requestID(c.echo)}
	verdicts, err := c.api.Leaks.Report(c.ctx(), leaks.Reporter{Name: "GitHub secret scanning", From: from}, tokens)
	if err != nil {
		return fmt.Errorf("report GitHub's alert: %w", err)
	}
	feedback := make([]gitHubVerdict, len(verdicts))
	for i, v := range verdicts {
		feedback[i] = gitHubVerdict{hex.EncodeToString(v.Hash[:]), sent[i].Type, "false_positive"}
		if v.Known {
			feedback[i].Label = "true_positive"
		}
	}
	return c.json(http.StatusOK, feedback)
}

package client_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"latchkey/client"
)

const plaintext = "sk_live_a2f9_0000000000000000000000000000000000000000000000000"

func TestSecretsAreMaskedHoweverTheyArePrinted(t *testing.T) {
	k := client.Key{ID: "k", Key: plaintext, Secret: plaintext}
	c, err := client.New("https://latchkey.example.com", plaintext)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{k, &k, k.Key, []client.Key{k}, map[string]client.Secret{"x": plaintext}, c} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "a2f9") || strings.Contains(text, fmt.Sprintf("%x", "a2f9")) {
				t.Errorf("%s of %T: %s", verb, v, text)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "key", k, "value", k.Key, "client", c)
	if strings.Contains(log.String(), "a2f9") {
		t.Errorf("logged %s", log.String())
	}
}

func TestSecretsAreWrittenAsJSONForUse(t *testing.T) {
	text, err := json.Marshal(client.Key{Key: plaintext})
	if err != nil || !strings.Contains(string(text), plaintext) {
		t.Errorf("%s, %v", text, err)
	}
	var back client.Key
	if err := json.Unmarshal(text, &back); err != nil || back.Key.Reveal() != plaintext {
		t.Errorf("read back %q, %v", back.Key.Reveal(), err)
	}
}

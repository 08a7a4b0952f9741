package console

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/signing"
)

// program saves a sample as a file that can run.
func program(t *testing.T, name, code string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(code+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func labelled(t *testing.T, v verification, label string) string {
	t.Helper()
	for _, tab := range v.tabs() {
		if tab.Label == label {
			return tab.Code
		}
	}
	t.Fatalf("there is no sample for %s", label)
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// receiver runs a sample on a free port and returns where it takes messages.
func receiver(t *testing.T, secret signing.Secret, label, file string, command ...string) string {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skipf("%s is not installed", command[0])
	}
	port := freePort(t)
	code := strings.ReplaceAll(labelled(t, verification{Secret: secret.Reveal()}, label), "8000", port)
	path := program(t, file, code)
	if command[0] == "go" { // a binary of its own, so that what is killed is the receiver
		binary := filepath.Join(t.TempDir(), "receiver")
		build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, path)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		build.Dir = filepath.Dir(path)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("the sample does not compile: %v\n%s", err, out)
		}
		command, path = []string{binary}, ""
	}
	if path != "" {
		command = append(command, path)
	}
	var said bytes.Buffer
	run := exec.CommandContext(t.Context(), command[0], command[1:]...)
	run.Stdout, run.Stderr = &said, &said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
			return "http://127.0.0.1:" + port + "/webhooks"
		}
		if time.Now().After(deadline) {
			_ = run.Process.Kill()
			_ = run.Wait()
			t.Fatalf("the sample does not listen; it said: %s", said.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func post(t *testing.T, url string, header http.Header, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

const sampleOfMessage = `{"type":"webhook.test","data":{"text":"Grüße, 10 € <b> \u2028"}}`

// changed is the headers of a request with one of them replaced, or left out.
func changed(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Del(name)
	if value != "" {
		h.Set(name, value)
	}
	return h
}

func TestEverySampleReceiverTrustsWhatWeSignAndNothingElse(t *testing.T) {
	secret, other := signing.NewSecret(), signing.NewSecret()
	now := time.Now()
	good := signing.Headers("msg_1", now, []byte(sampleOfMessage), secret)
	cases := []struct {
		name   string
		header http.Header
		body   string
		want   int
	}{
		{"signed", good, sampleOfMessage, http.StatusNoContent},
		{"rotating, the old one first", signing.Headers("msg_1", now, []byte(sampleOfMessage), other, secret), sampleOfMessage, http.StatusNoContent},
		{"rotating, the new one first", signing.Headers("msg_1", now, []byte(sampleOfMessage), secret, other), sampleOfMessage, http.StatusNoContent},
		{"another secret", signing.Headers("msg_1", now, []byte(sampleOfMessage), other), sampleOfMessage, http.StatusUnauthorized},
		{"another body", good, sampleOfMessage + " ", http.StatusUnauthorized},
		{"another id", changed(good, "webhook-id", "msg_2"), sampleOfMessage, http.StatusUnauthorized},
		{"six minutes old", signing.Headers("msg_1", now.Add(-6*time.Minute), []byte(sampleOfMessage), secret), sampleOfMessage, http.StatusUnauthorized},
		{"six minutes early", signing.Headers("msg_1", now.Add(6*time.Minute), []byte(sampleOfMessage), secret), sampleOfMessage, http.StatusUnauthorized},
		{"no id", changed(good, "webhook-id", ""), sampleOfMessage, http.StatusUnauthorized},
		{"no time", changed(good, "webhook-timestamp", ""), sampleOfMessage, http.StatusUnauthorized},
		{"no number for a time", changed(good, "webhook-timestamp", "now"), sampleOfMessage, http.StatusUnauthorized},
		{"no signature", changed(good, "webhook-signature", ""), sampleOfMessage, http.StatusUnauthorized},
		{"another version", changed(good, "webhook-signature", "v2"+good.Get("webhook-signature")[2:]), sampleOfMessage, http.StatusUnauthorized},
		{"a signature that is no base64", changed(good, "webhook-signature", "v1,§ v1 v1,"), sampleOfMessage, http.StatusUnauthorized},
	}
	for _, language := range []struct{ label, file, command string }{
		{"Go", "main.go", "go"}, {"Node", "receiver.mjs", "node"}, {"Python", "receiver.py", "python3"},
	} {
		t.Run(language.label, func(t *testing.T) {
			url := receiver(t, secret, language.label, language.file, language.command)
			for _, c := range cases {
				if got := post(t, url, c.header.Clone(), c.body); got != c.want {
					t.Errorf("%s: %d, want %d", c.name, got, c.want)
				}
			}
		})
	}
}

// bash runs a sample in a folder and returns what it said.
func bash(t *testing.T, folder, code string) (string, error) {
	t.Helper()
	for _, name := range []string{"bash", "openssl", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
	run := exec.CommandContext(t.Context(), "bash", program(t, "sample.sh", code))
	run.Dir = folder
	out, err := run.CombinedOutput()
	return string(out), err
}

func TestTheShellSampleTrustsWhatWeSignAndNothingElse(t *testing.T) {
	secret, other := signing.NewSecret(), signing.NewSecret()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "body.json"), []byte(sampleOfMessage), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, c := range []struct {
		name   string
		header http.Header
		says   string
	}{
		{"signed", signing.Headers("msg_1", now, []byte(sampleOfMessage), secret), "Signed by this secret"},
		{"rotating", signing.Headers("msg_1", now, []byte(sampleOfMessage), other, secret), "Signed by this secret"},
		{"another secret", signing.Headers("msg_1", now, []byte(sampleOfMessage), other), "no signature fits"},
		{"another body", signing.Headers("msg_1", now, []byte(sampleOfMessage+" "), secret), "no signature fits"},
		{"old", signing.Headers("msg_1", now.Add(-6*time.Minute), []byte(sampleOfMessage), secret), "more than 5 minutes off"},
	} {
		v := verification{
			Secret: secret.Reveal(), ID: c.header.Get("webhook-id"),
			Timestamp: c.header.Get("webhook-timestamp"), Signatures: c.header.Get("webhook-signature"),
		}
		said, err := bash(t, folder, labelled(t, v, "Shell"))
		if !strings.Contains(said, c.says) || (err == nil) != strings.HasPrefix(c.says, "Signed") {
			t.Errorf("%s: %v, it said: %s", c.name, err, said)
		}
	}
}

func TestTheCurlSampleSendsWhatTheGoSampleTrusts(t *testing.T) {
	secret := signing.NewSecret()
	url := receiver(t, secret, "Go", "main.go", "go")
	for _, c := range []struct {
		secret signing.Secret
		says   string
	}{{secret, "204 No Content"}, {signing.NewSecret(), "401 Unauthorized"}} {
		code := labelled(t, verification{Secret: c.secret.Reveal()}, "curl")
		said, err := bash(t, t.TempDir(), strings.ReplaceAll(code, "http://127.0.0.1:8000/webhooks", url))
		if err != nil || !strings.Contains(said, c.says) {
			t.Errorf("%v, it said %s, want %s", err, said, c.says)
		}
	}
}

func TestWithoutASecretTheSamplesHoldAPlaceholder(t *testing.T) {
	for _, tab := range verificationCode("") {
		if !strings.Contains(tab.Code, placeSecret) || strings.Contains(tab.Code, "MESSAGE_") {
			t.Errorf("%s: %s", tab.Label, tab.Code)
		}
	}
}

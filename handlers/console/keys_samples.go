package console

import (
	"bytes"
	"encoding/json"
	"strings"

	"latchkey/models"
	"latchkey/views/ui"
)

// sample is an example request, filled in for this instance and, once, for a new key.
type sample struct {
	URL     string
	Headers [][2]string
	Body    string
}

const (
	sampleBody    = `{"event":"form_submitted","email":"ada@example.com","properties":{"form":"contact"}}`
	sampleOrgBody = `{"org_id":"acme","name":"Acme","plan":"enterprise","user_count":329}`
	maxSampleBody = 2 << 10 // longer ones make no example
)

// sample is a body that fits the type.
func (t keyType) sample() string {
	if t.Value == models.ProductOrgs {
		return sampleOrgBody
	}
	return sampleBody
}

// compact is the sample on one line, where it is short and means the same in every language's
// quotes; else empty.
func (t templateSample) compact() string {
	var b bytes.Buffer
	if !t.loaded() || json.Compact(&b, t.text) != nil || b.Len() > maxSampleBody || bytes.ContainsAny(b.Bytes(), "'`\\") {
		return ""
	}
	return b.String()
}

// base is this instance's address as people reach it, without a slash at the end.
func (s *server) base(c Ctx) string {
	if s.BaseURL != nil {
		return strings.TrimRight(s.BaseURL.String(), "/")
	}
	return c.Scheme() + "://" + c.Request().Host
}

// sampleOf is a request with dots for the key.
func (s *server) sampleOf(c Ctx, env string, t keyType) sample {
	return keyInURL(s.base(c)+t.Path, maskedKey(s.Keys.Brand()+"_"+env), "").sending(t.sample())
}

func keyInURL(url, key, secret string) sample {
	return sample{URL: url + "/" + key, Body: sampleBody}.with(secret)
}

// keyInHeader keeps the key out of the URL, and so out of proxies' logs.
func keyInHeader(url, key, secret string) sample {
	return sample{URL: url, Body: sampleBody, Headers: [][2]string{{"Authorization", "Bearer " + key}}}.with(secret)
}

func (s sample) with(secret string) sample {
	s.Headers = append([][2]string{{"Content-Type", "application/json"}}, s.Headers...)
	if secret != "" {
		s.Headers = append(s.Headers, [2]string{"X-Api-Secret", secret})
	}
	return s
}

// sending is the sample with another body.
func (s sample) sending(body string) sample {
	s.Body = body
	return s
}

// tabs are the sample in every language.
func (s sample) tabs() []ui.CodeTab {
	return []ui.CodeTab{{Label: "curl", Code: s.curl()}, {Label: "Node", Code: s.node()}, {Label: "Python", Code: s.python()}, {Label: "Go", Code: s.golang()}}
}

// apiCall asks the management API for something; without a body it is a GET.
func apiCall(url, key string) sample {
	return sample{URL: url, Headers: [][2]string{{"Authorization", "Bearer " + key}}}
}

func (s sample) curl() string {
	lines := []string{"curl '" + s.URL + "'"}
	for _, h := range s.Headers {
		lines = append(lines, "-H '"+h[0]+": "+h[1]+"'")
	}
	if s.Body != "" {
		lines = append(lines, "-d '"+s.Body+"'")
	}
	return strings.Join(lines, " \\\n  ")
}

func (s sample) node() string {
	var b strings.Builder
	b.WriteString("const response = await fetch(" + quote(s.URL) + ", {\n")
	if s.Body != "" {
		b.WriteString("  method: \"POST\",\n")
	}
	b.WriteString("  headers: {\n")
	for _, h := range s.Headers {
		b.WriteString("    " + quote(h[0]) + ": " + quote(h[1]) + ",\n")
	}
	b.WriteString("  },\n")
	if s.Body != "" {
		b.WriteString("  body: JSON.stringify(" + s.Body + "),\n")
	}
	b.WriteString("});\nconsole.log(response.status, await response.json());")
	return b.String()
}

func (s sample) python() string {
	var b strings.Builder
	b.WriteString("import urllib.request\n\nrequest = urllib.request.Request(\n    " + quote(s.URL) + ",\n")
	if s.Body != "" {
		b.WriteString("    data='" + s.Body + "'.encode(),\n")
	}
	b.WriteString("    headers={\n")
	for _, h := range s.Headers {
		b.WriteString("        " + quote(h[0]) + ": " + quote(h[1]) + ",\n")
	}
	b.WriteString("    },\n)\nwith urllib.request.urlopen(request) as response:\n    print(response.status, response.read().decode())")
	return b.String()
}

func (s sample) golang() string {
	var b strings.Builder
	if s.Body == "" {
		b.WriteString("package main\n\nimport (\n\t\"fmt\"\n\t\"io\"\n\t\"log\"\n\t\"net/http\"\n)\n\nfunc main() {\n")
		b.WriteString("\trequest, err := http.NewRequest(http.MethodGet, " + quote(s.URL) + ", nil)\n")
	} else {
		b.WriteString("package main\n\nimport (\n\t\"fmt\"\n\t\"log\"\n\t\"net/http\"\n\t\"strings\"\n)\n\nfunc main() {\n\tbody := strings.NewReader(`" + s.Body + "`)\n")
		b.WriteString("\trequest, err := http.NewRequest(http.MethodPost, " + quote(s.URL) + ", body)\n")
	}
	b.WriteString("\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n")
	for _, h := range s.Headers {
		b.WriteString("\trequest.Header.Set(" + quote(h[0]) + ", " + quote(h[1]) + ")\n")
	}
	b.WriteString("\tresponse, err := http.DefaultClient.Do(request)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tdefer response.Body.Close()\n")
	if s.Body == "" {
		b.WriteString("\tanswer, err := io.ReadAll(response.Body)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tfmt.Println(response.Status, string(answer))\n}")
		return b.String()
	}
	b.WriteString("\tfmt.Println(response.Status)\n}")
	return b.String()
}

// quote writes a string that JavaScript, Python and Go read alike.
func quote(text string) string {
	b, _ := json.Marshal(text) // a string always encodes
	return string(b)
}

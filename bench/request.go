package main

import (
	"bytes"
	"fmt"
	"strings"
)

// itemBytes is the size of one item, and of the row that pgbench inserts.
const itemBytes = 250

// idMark stands where each request's own number goes, in hexadecimal.
const idMark = "00000000000000ff"

// item is a form submission of exactly itemBytes, with a message id if asked for.
func item(withID bool) []byte {
	id := ""
	if withID {
		id = `"messageId":"bench-` + idMark + `",`
	}
	head := `{"event":"Form Submitted",` + id + `"email":"grace@example.com","userId":"user_1042",` +
		`"timestamp":"2026-11-02T09:41:07.512Z","properties":{"form":"demo_request","company":"`
	return []byte(head + strings.Repeat("x", itemBytes-len(head)-3) + `"}}`)
}

func array(items int) []byte {
	return fmt.Appendf(nil, "[%s]", bytes.Join(repeat(item(false), items), []byte(",")))
}

func lines(items int) []byte {
	return append(bytes.Join(repeat(item(false), items), []byte("\n")), '\n')
}

func repeat(b []byte, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = b
	}
	return out
}

// post builds a whole request.
func post(path, contentType string, headers []string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: latchkey-bench\r\nContent-Type: %s\r\nContent-Length: %d\r\n",
		path, contentType, len(body))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// numbered is a request whose id can be set in place.
type numbered struct {
	bytes []byte
	at    int // of the id; -1: it has none
}

func newNumbered(request []byte) *numbered {
	return &numbered{bytes: bytes.Clone(request), at: bytes.Index(request, []byte(idMark))}
}

func (n *numbered) set(id uint64) {
	if n.at < 0 {
		return
	}
	const digits = "0123456789abcdef"
	for i := len(idMark) - 1; i >= 0; i-- {
		n.bytes[n.at+i] = digits[id&15]
		id >>= 4
	}
}

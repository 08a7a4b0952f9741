package main

import (
	"bytes"
	"fmt"
	"strings"
)

// itemBytes is the size of one item, and of the row that pgbench inserts.
const itemBytes = 250

// Each request's own number goes where these stand: the first in hexadecimal, the second in decimal.
const (
	idMark    = "00000000000000ff"
	countMark = "80618033"
)

// item is a form submission of exactly itemBytes, with a message id if asked for.
func item(withID bool) []byte { return sized(itemBytes, withID) }

// sized is an item of exactly so many bytes.
func sized(size int, withID bool) []byte {
	id := ""
	if withID {
		id = `"messageId":"bench-` + idMark + `",`
	}
	head := `{"event":"Form Submitted",` + id + `"email":"grace@example.com","userId":"user_1042",` +
		`"timestamp":"2026-11-02T09:41:07.512Z","properties":{"form":"demo_request","company":"`
	return []byte(head + strings.Repeat("x", size-len(head)-3) + `"}}`)
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

// numbered is a request whose number can be set in place.
type numbered struct {
	bytes  []byte
	id     int   // where the hexadecimal number stands; -1: nowhere
	counts []int // where the decimal one does
}

func newNumbered(request []byte) *numbered {
	n := &numbered{bytes: bytes.Clone(request), id: bytes.Index(request, []byte(idMark))}
	for from := 0; ; {
		i := bytes.Index(request[from:], []byte(countMark))
		if i < 0 {
			return n
		}
		n.counts = append(n.counts, from+i)
		from += i + len(countMark)
	}
}

func (n *numbered) set(id uint64) {
	if n.id >= 0 {
		write(n.bytes[n.id:n.id+len(idMark)], id, 16)
	}
	for _, at := range n.counts {
		write(n.bytes[at:at+len(countMark)], id, 10)
	}
}

// write fills text with the last digits of a number.
func write(text []byte, number, base uint64) {
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = "0123456789abcdef"[number%base]
		number /= base
	}
}

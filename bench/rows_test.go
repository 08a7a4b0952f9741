package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"
)

func TestACopyStreamIsRowsWithIDsOfTheirOwn(t *testing.T) {
	tables := &tables{workspace: uuid.NewString(), key: uuid.NewString()}
	row := tables.row(time.Now())
	// Whatever the reader's pace, the bytes are whole.
	text, err := io.ReadAll(iotest.OneByteReader(newCopyStream(row, 3)))
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(text, copyHeader)
	if !ok {
		t.Fatalf("it begins with %q", text[:20])
	}
	ids, requests := map[string]bool{}, map[string]bool{}
	for range 3 {
		fields := binary.BigEndian.Uint16(rest)
		if int(fields) != strings.Count(copyColumns, ",")+1 {
			t.Fatalf("%d fields", fields)
		}
		rest = rest[2:]
		for i := range fields {
			size := binary.BigEndian.Uint32(rest)
			value := string(rest[4 : 4+size])
			rest = rest[4+size:]
			switch i {
			case 0:
				ids[value] = true
			case 1:
				requests[value] = true
			case 16:
				if value != string(item(false)) {
					t.Errorf("raw is %q", value)
				}
			}
		}
	}
	if len(ids) != 3 || len(requests) != 1 || !bytes.Equal(rest, []byte{0xff, 0xff}) {
		t.Errorf("%d ids, %d requests, ends with %x", len(ids), len(requests), rest)
	}
}

func TestTheBareSocketAnswersEachRequest(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			answerAll(conn)
		}
	}()
	c := &connection{addr: listener.Addr().String()}
	defer c.close()
	for range 3 {
		if status, err := c.send(post("/key", jsonType, nil, item(false))); err != nil || status != 200 {
			t.Fatalf("%d, %v", status, err)
		}
	}
}

func TestThePacerHandsOutEveryInstantNotBeforeItHasCome(t *testing.T) {
	p := newPacer(newSchedule(time.Now(), 1000, 50*time.Millisecond))
	var late histogram
	go p.run(&late)
	n := 0
	for at, more := p.take(); more; at, more = p.take() {
		if time.Until(at) > 0 {
			t.Fatalf("instant %d came %s early", n, time.Until(at))
		}
		n++
	}
	if n != 50 || late.count != 50 {
		t.Errorf("%d instants, %d recorded", n, late.count)
	}
}

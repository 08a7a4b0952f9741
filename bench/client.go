package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// connection is a keep-alive HTTP/1.1 client of the least work: generator, server and database
// share the machine, so what the generator burns is missing elsewhere.
type connection struct {
	addr string
	conn net.Conn
	in   *bufio.Reader

	retryAfter bool // the last answer told when to try again
}

const answerTimeout = 30 * time.Second

// send writes a whole request and reads its answer, which it forgets but for the status.
func (c *connection) send(request []byte) (status int, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.addr); err != nil {
			return 0, err
		}
		c.in = bufio.NewReaderSize(c.conn, 16<<10)
	}
	status, err = c.exchange(request)
	if err != nil {
		c.close()
	}
	return status, err
}

func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *connection) exchange(request []byte) (int, error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, err
	}
	return c.answer()
}

// answer reads one, and forgets it but for the status.
func (c *connection) answer() (int, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("not an HTTP/1.1 answer: %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, err
	}
	length, chunked, err := c.headers()
	if err != nil {
		return 0, err
	}
	if chunked {
		return status, c.skipChunks()
	}
	_, err = c.in.Discard(length)
	return status, err
}

func (c *connection) headers() (length int, chunked bool, err error) {
	c.retryAfter = false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, chunked, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Retry-After")):
			c.retryAfter = len(value) > 0
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			return 0, false, fmt.Errorf("the server closes the connection: %w", io.ErrUnexpectedEOF)
		}
	}
}

func (c *connection) skipChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := c.in.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"
)

// serveBare is the first yardstick, in a process of its own: a handler of the same framework that
// reads the body, keeps nothing and answers; or, for what is read, answers alone. It is the receiver
// of webhooks, too.
func serveBare() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e := echo.New()
	e.HideBanner, e.HidePort, e.Listener = true, true, listener
	e.POST("/:key", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]any{"status": "accepted", "bytes": len(body)})
	})
	(&receiver{}).routes(e)
	e.GET("/me", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{
			"id": "01890a5d-ac96-774b-bcce-b302099a8057", "workspace_id": "01890a5d-ac96-774b-bcce-b302099a8058",
			"name": "bench", "key_prefix": "sk_live_a2f9", "status": "active", "scopes": []string{"read:workspace"},
			"created_at": "2026-11-02T09:41:07Z", "expires_at": nil,
		})
	})
	fmt.Printf("bare handler at http://%s\n", listener.Addr())
	return e.Start("")
}

const socketAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{\"status\":\"accepted\"}"

// serveSocket answers every request without looking at it: how fast the generator can be. A server
// that comes near it is measured with too slow a generator.
func serveSocket() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("bare socket at http://%s\n", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go answerAll(conn)
	}
}

func answerAll(conn net.Conn) {
	c := &connection{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}
	defer c.close()
	for {
		if _, err := c.in.ReadSlice('\n'); err != nil {
			return
		}
		length, _, err := c.headers()
		if err != nil {
			return
		}
		if _, err := c.in.Discard(length); err != nil {
			return
		}
		if _, err := io.WriteString(conn, socketAnswer); err != nil {
			return
		}
	}
}

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"
)

// serveBare is the first yardstick, in a process of its own: a handler of the same framework that
// reads the body, keeps nothing and answers.
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
	fmt.Printf("bare handler at http://%s\n", listener.Addr())
	return e.Start("")
}

package api

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// read takes in what a mutation sent, up to maxBody.
func (c *call) read() error {
	r := c.echo.Request()
	body, err := io.ReadAll(http.MaxBytesReader(c.echo.Response(), r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		c.body = body
		return nil
	case errors.As(err, &tooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, codeTooLarge, "The body is larger than 1 MiB (1048576 bytes).")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return newProblem(http.StatusRequestTimeout, codeRequestTimeout, "The body did not arrive in time. Send it again.")
	default:
		return newProblem(http.StatusBadRequest, codeInvalidJSON, "The body ended before its end. Send it again.")
	}
}

// empty refuses a body where none is read: whoever sends one means something by it.
func (c *call) empty() error {
	if len(c.body) == 0 {
		return nil
	}
	var nothing struct{}
	return c.decode(&nothing)
}

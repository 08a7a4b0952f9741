package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

const hookPath = "/hook"

// receipts is what the receiver of webhooks has got since it was last asked to begin anew.
type receipts struct {
	Count       int64
	First, Last time.Time
}

// receiver is a customer's system that takes everything: it counts, and answers at once.
type receiver struct {
	mu  sync.Mutex
	got receipts
}

func (r *receiver) routes(e *echo.Echo) {
	e.POST(hookPath, r.take)
	e.GET(hookPath, func(c echo.Context) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		return c.JSON(http.StatusOK, r.got)
	})
	e.DELETE(hookPath, func(c echo.Context) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = receipts{}
		return c.NoContent(http.StatusNoContent)
	})
}

func (r *receiver) take(c echo.Context) error {
	if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
		return err
	}
	now := time.Now()
	r.mu.Lock()
	if r.got.Count == 0 {
		r.got.First = now
	}
	r.got.Count, r.got.Last = r.got.Count+1, now
	r.mu.Unlock()
	return c.NoContent(http.StatusOK)
}

func received(at *process) (got receipts, err error) {
	answer, err := http.Get("http://" + at.addr + hookPath)
	if err != nil {
		return got, fmt.Errorf("ask the receiver: %w", err)
	}
	return got, errors.Join(json.NewDecoder(answer.Body).Decode(&got), answer.Body.Close())
}

func reset(at *process) error {
	request, err := http.NewRequest(http.MethodDelete, "http://"+at.addr+hookPath, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("reset the receiver: %w", err)
	}
	return answer.Body.Close()
}

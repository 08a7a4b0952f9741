package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

func TestTheReceiverCountsWhatTheBareClientPosts(t *testing.T) {
	e := echo.New()
	(&receiver{}).routes(e)
	server := httptest.NewServer(e)
	defer server.Close()
	at := &process{cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}, addr: strings.TrimPrefix(server.URL, "http://")}
	m := postBare(at, []byte(`{"type":"signal.received"}`), 50*time.Millisecond)
	got, err := received(at)
	if err != nil || got.Count == 0 || got.Count != int64(m.hist.count) || got.Last.Before(got.First) || len(m.errors) != 0 {
		t.Errorf("received %+v, %v; sent %d, errors %v", got, err, m.hist.count, m.errors)
	}
	if err := reset(at); err != nil {
		t.Fatal(err)
	}
	if got, err = received(at); err != nil || got.Count != 0 {
		t.Errorf("received %+v, %v after a reset", got, err)
	}
}

package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"latchkey/client"
)

// instance stands for a Latchkey instance: examples must run without one.
func instance(answer http.HandlerFunc) (url string, stop func()) {
	s := httptest.NewServer(answer)
	return s.URL, s.Close
}

func Example() {
	url, stop := instance(say(http.StatusOK, `[
		{"id":"0198f2a5-10c4-7a52-8b1e-6c0d4e9f7a02","name":"Website","key_prefix":"sk_live_a2f9","status":"active"},
		{"id":"0198f2a5-10c4-7a52-8b1e-6c0d4e9f7a03","name":"Shop","key_prefix":"sk_live_77bc","status":"active"}]`))
	defer stop()

	c, err := client.New(url, "sk_live_...", client.WithWorkspace("0198f2a4-7c11-7d3e-9f00-2f6d3c1b5a01"))
	if err != nil {
		log.Fatal(err)
	}
	for key, err := range c.Keys(context.Background(), client.KeyFilter{Status: client.Active}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key.KeyPrefix, key.Name)
	}
	// Output:
	// sk_live_a2f9 Website
	// sk_live_77bc Shop
}

// The value of a new key is there once. Printing the key does not show it.
func ExampleClient_CreateKey() {
	url, stop := instance(say(http.StatusCreated, `{"id":"0198f2a5-10c4-7a52-8b1e-6c0d4e9f7a02","name":"Website","key":"sk_live_a2f9_8e7d..."}`))
	defer stop()

	c, err := client.New(url, "sk_live_...", client.WithWorkspace("0198f2a4-7c11-7d3e-9f00-2f6d3c1b5a01"))
	if err != nil {
		log.Fatal(err)
	}
	ends := time.Now().AddDate(0, 0, 90)
	key, err := c.CreateKey(context.Background(), client.CreateKey{
		Name: "Website", Environment: client.Live, EndpointType: client.SignalStaging, ExpiresAt: &ends,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("to print:", key.Key)
	fmt.Println("to store:", key.Key.Reveal())
	// Output:
	// to print: [secret]
	// to store: sk_live_a2f9_8e7d...
}

// A refusal says by its code what to do, and by its request id where to look.
func ExampleProblem() {
	url, stop := instance(refuse(http.StatusConflict, client.CodeConflict))
	defer stop()

	c, err := client.New(url, "sk_live_...", client.WithWorkspace("0198f2a4-7c11-7d3e-9f00-2f6d3c1b5a01"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.RotateKey(context.Background(), "0198f2a5-10c4-7a52-8b1e-6c0d4e9f7a02", client.RotateKey{Grace: time.Hour})
	var problem *client.Problem
	if errors.As(err, &problem) && problem.Code == client.CodeConflict {
		fmt.Println("rotating already, request", problem.RequestID)
	}
	// Output: rotating already, request r-1
}

// Package client calls the management API of a Latchkey instance. It needs nothing but the standard
// library.
//
//	c, err := client.New("https://latchkey.example.com", token)
//	if err != nil { ... }
//	for key, err := range c.Keys(ctx, client.KeyFilter{Status: client.Active}) {
//		if err != nil { ... }
//		fmt.Println(key.ID, key.Name)
//	}
//
// The token is an API-access key, which the console makes under Settings, API keys. Everything
// happens in that key's workspace; what it may do is decided by its scopes.
//
// # Errors
//
// A refusal of the instance is a [*Problem], for errors.As: it has a Code to decide by, a Detail to
// read, the field errors of a refused body, and the request id that finds the call in the log.
//
// # Retries
//
// A call that met 429, 502, 503 or 504, or a broken connection, is sent again when doing it twice
// does no harm: GET, PUT and DELETE always, POST because each one carries an Idempotency-Key (yours
// from [WithIdempotencyKey], else one that the client makes for the call). Waits grow exponentially
// with jitter; Retry-After is honoured. PATCH is sent once.
//
// # Secrets
//
// Plaintexts are a [Secret]: masked wherever they are printed or logged, written in clear by
// encoding/json, and by [Secret.Reveal]. The client sends its token to the instance and to nobody
// else: neither a redirect nor a next page takes it to another origin.
package client

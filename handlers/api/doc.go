// Package api is the door for programs: the management API on /api/v1 and /v1. It turns HTTP into
// the use-cases of internal/ and their faults into problem details (RFC 9457). One table of routes
// (Routes) drives the router, the tests and the reference; openapi/openapi.yaml is the contract.
//
// # A handler
//
// A handler gets a call: the request after every check that all routes share (see gate.go), with
// the program's actor. It reads its input, calls one use-case and answers with one of json, list or
// empty, which the gate writes. What is wrong is returned as an error: a fault of the use-case, or a
// *problem.
//
//	func listThings(c *call) error {
//		q := c.query()
//		f := things.Filter{Environment: q.environment(), Limit: q.limit(), Before: q.cursorID()}
//		if err := q.err(); err != nil {
//			return err
//		}
//		page, err := c.api.Things.List(c.ctx(), c.actor, f)
//		if err != nil {
//			return err
//		}
//		return c.list(toThings(page.Items), page.Next)
//	}
//
// The names of the query parameters that a route takes stand in its Route.Query; others, and those
// given twice, are refused before the handler runs. Bodies are read with c.decode into a struct
// whose json tags are all the members there are; opt tells null from absent.
//
// A handler that answers with a stream opens what it reads from, and returns c.stream with the
// function that writes: it runs after the gate has sent the headers.
package api

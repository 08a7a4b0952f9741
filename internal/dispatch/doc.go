// Package dispatch sends what the outbox holds: at least once, signed, retried over about 28 hours,
// never to a private address (promise P8). It knows of the messages only their bytes.
//
// Leases. An instance works for an endpoint while it holds the lease in its row of endpoint_states:
// 30 s, renewed while more than 22 s are left, given back when nothing is due. One goroutine a lease
// (owner) fetches what is due, enforces concurrency, rate, order and the breaker in memory, and
// starts an attempt only while the lease outlasts the attempt's timeout. So a delivery costs no query
// of its own, an instance whose database is gone stops by itself, and one that is killed is followed
// by another after 30 s at most, which sends again what was in flight. When more endpoints have work
// than an instance takes, those that are idle or were held for 30 s make room. An endpoint whose secret
// cannot be opened here is left to instances that can.
//
// Results. What became of attempts goes to one writer, which commits whatever waits in one
// transaction: attempts, deliveries, states and minutes. A delivery's row is the fence: a result
// counts only while the row is pending with as many attempts as when it was fetched; a success also
// when the row was skipped meanwhile, as it is when its endpoint is disabled. A result that
// cannot be written is kept and tried again, and nothing is sent meanwhile; how many may wait is
// bounded, since a crash repeats them. A lease is given back after its last result is durable, so
// that nothing is sent twice but after a crash. An endpoint's state is written only where it is as
// this instance knew it: whoever enables an endpoint anew resets it.
//
// Isolation. An attempt holds a slot of a lane; endpoints that fail, or whose last answer took longer
// than a second, have a lane of their own, with slots and memory, so that they do not use up what the
// healthy ones need. An endpoint begins with ten requests at a time and earns the rest with answers.
// After five failures in a row it is paused, for 5 s to 60 s, and then probed by a single delivery.
//
// Memory. Bodies are fetched within the budget of their lane: small ones with the batch, large ones
// when they are sent. Of an answer its beginning is kept.
//
// Wake-up. The bell of the outbox in this process, NOTIFY between instances, and a look at the
// database each second, which is the truth. What is due is decided by Options.Now; only the pauses
// between two looks are real time.
package dispatch

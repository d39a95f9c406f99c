// Package idempotency makes a job or an HTTP request with a key take effect once: the
// store keeps the first result, and a repetition gets it without running the program's
// code again. It is needed because SQS delivers a message at least once, and clients send
// a request again when its answer was lost.
//
//	var once = idempotency.New("charge", dynamostore.New(), idempotency.Options{})
//
//	lambdaruntime.Start(&lambdaruntime.App{
//		HTTP:   idempotency.HTTP(once, routes(), idempotency.HTTPOptions{}),
//		Queues: []lambdaruntime.Consumer{charges.Consume(idempotency.Job(once, orderID, charge))},
//	})
//
// [Do] does the same for any function, [Job] wraps the function of a queue, and [HTTP] a
// handler. Package dynamostore keeps keys in a DynamoDB table, package pgstore in the
// program's PostgreSQL; a program links only the packages that it imports.
//
// # How it works
//
// An attempt claims the key in the store, runs the guarded code, and stores the result:
//
//   - Until then, a second attempt fails with [ErrInProgress], or waits for the first with
//     [Options.Wait]. SQS delivers a message again, a client gets 409.
//   - The store keeps the result for [Options.Keep]. Later attempts get it.
//   - After an error or a panic the key is free again, and the next attempt runs the code.
//     An error that is a [lambdaruntime.Drop] is final, and the store keeps it.
//
// # After a crash
//
// A process may die between any two steps: Lambda kills it at its timeout, or it runs out
// of memory. The dead attempt then holds the key until its lease is over, by default a
// second after Lambda would have ended the invocation. SQS delivers the message later
// than that, since the visibility timeout is longer than the function's.
//
//   - Before the code has taken effect: the next attempt runs it. It takes effect once.
//   - Between the effect and the storing of the result: the next attempt runs the code
//     again, and it takes effect twice. This is the only gap, and no store that is separate
//     from the effect can close it. If the effect is in PostgreSQL, pgstore's CompleteTx
//     commits it together with the result, and there is no gap. If the effect is in
//     another service that takes idempotency keys, pass it the same key.
//   - After that: the next attempt gets the result.
//
// The same gap opens in two more cases: when the result cannot be stored, which an ERROR
// record reports, and when code ignores the end of its context and acts after its lease.
// After another attempt has taken the key, an attempt cannot overwrite that one's result:
// it fails with [ErrLost].
//
// # Keys
//
// A key names an operation of its caller: an order's id, a UUID that a client made for
// one request. It can be any text. Stores get SHA-256 hashes of keys and requests, logs
// get neither. Results are stored unencrypted: up to [MaxResult] bytes of JSON, or of a
// response with its headers and cookies. Protect the table like the data in the results.
package idempotency

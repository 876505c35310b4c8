// Package queue keeps transactions from the wish to pay until the payment is final, through days without a network.
//
// It is a state machine told the time and verified facts; it neither signs, sends nor asks. A state changes only by
// facts under a verified head: nonces by proof, inclusion by a block's root. What a server says about a transaction is
// none. An intent is signed once; its nonce is taken by one of its own versions or by nobody's, so that it is never
// paid twice. Whoever uses it commits the queue before acting on what Next returns.
package queue

// Package proof reads accounts, storage, calls, receipts and logs under a verified block, from a server that is not
// believed.
//
// Every value comes out of a Merkle proof, or out of code and lists whose hash is proven. A failed or refused fetch is
// an error, never zero: inside the EVM it ends the call. A State belongs to one goroutine at a time, a Chain is safe
// for concurrent use. Errors that speak against the server wrap wire.ErrInvalid; ErrUnprovable says that no honest
// server could have done better.
package proof

// Package gateway is how nodes give each other the chain: containers of the light client, proofs of state, blocks and
// receipts, and transactions to be passed on, under /pars/<netid8>/evm/.
//
// A Server answers out of what stands behind it, a Peer asks one as a source of pkg/evm that is believed no more than
// any other. Both speak over streams that the caller opens: one question each, one frame of canonical CBOR, and an
// answer in frames. Everything but the tables of Server is pure.
package gateway

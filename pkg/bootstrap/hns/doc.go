// Package hns finds out what a top-level name of Handshake is bound to, believing no server: a chain of headers, checked from a
// checkpoint that ships with the program, commits to a tree of all names, and a peer proves what stands in it under one.
//
// A Chain is the pure core: it is told headers and the time, keeps the branch of most work, and forgets what lies deep. A Client
// asks peers for headers and proofs; a peer that lies, stalls or sends another chain costs a bounded amount of work and is left.
// What a name holds is decoded into a Resource. Its DS records are the trust anchor of the zone; the signatures of the Handshake root
// zone prove nothing, for its keys are public.
//
// Byte orders and hashes are those of hsd 8.0.0, which has no specification beside it. Integers on the peer's wire and in headers
// are little endian.
package hns

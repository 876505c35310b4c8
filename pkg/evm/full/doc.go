//go:build parsfull

// Package full runs an execution node of go-ethereum in this process, whose head our own light client decides.
//
// The node asks its peers for blocks and believes none of them: it executes each block, and follows only heads that a
// sync committee signed and evm.Client verified. There is no engine API on any port and so no secret for one. The
// package is built with the tag parsfull alone, for desktops: it triples the program.
package full

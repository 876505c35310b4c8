// Package evmtest makes small chains for tests: real blocks, state and receipts of go-ethereum, under a beacon chain
// whose sync committees are simulated with real signatures; and servers that tell of them, or lie.
package evmtest

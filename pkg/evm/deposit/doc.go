// Package deposit makes what a validator of a beacon chain begins with: its key from the phrase (EIP-2333, EIP-2334),
// the keystore that a validator client reads (EIP-2335), and the signed deposit that the contract takes.
//
// Everything is checked here before money moves: the contract compares a hash, but nobody compares the signature until
// the deposit is processed, and a wrong one is lost.
package deposit

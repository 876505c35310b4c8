// Package list is the signed list of first peers, and the rules by which a node accepts one.
//
// A list is a root, signed by at least k of the n keys of a trust set, and up to 512 leaves of about twenty peers. The root
// holds one row of a hash tree, each leaf its path to that row, so a leaf from any road verifies alone. Nothing here reads
// a clock or a socket. The order for a caller: DecodeRoot, Trust.Check, DecodeLeaf and Root.CheckLeaf, and only then dial.
//
// A signature says that the signers named a peer, not that it is honest: how many of a list's peers a node keeps is for
// the node to bound.
package list

// Package gossip carries sealed envelopes among strangers, keeps them for who is away, and spreads what
// the members of one session write along a tree.
//
// Neither overlay is trusted to deliver: delivery is reconciliation (pkg/reconcile), gossip is speed. A
// carrier reads 32 bytes of an envelope and cannot tell whom it concerns. Its neighbours see which topics a
// node reads, so that a topic is never a session's.
//
// The cores are pure, told the time and randomness: shards and topics (shard.go), the check of what a
// stranger sends (check.go), quotas, the mailbox (mailbox.go), the session tree (tree.go). libp2p.go joins
// them to go-libp2p-pubsub and is the only file that knows it; policy.go runs a program of the operator.
package gossip

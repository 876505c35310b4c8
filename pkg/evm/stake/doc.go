// Package stake reads what an address has staked in a profile's registry, and whose stake a node may show.
//
// A Registry reads by proof under the final head and remembers an answer for an epoch. A Binding says, signed by the
// account and by the node key, that a node counts as that account's; it travels in a role card. Scores turns both into
// a number for relays: the stake in units, capped. Who shows none is neutral: stake is never a bar.
package stake

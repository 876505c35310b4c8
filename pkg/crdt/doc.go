// Package crdt folds the operations of a session's vertices into values that all members agree on.
//
// The log delivers each vertex once and after its past, so operations carry no clocks: the vertex gives
// them. What two replicas hold depends on the set of vertices alone, never on their order; Snapshot
// writes it so that equal sets give equal bytes. Limits are part of that: what is above one is left out
// by stamp, not by arrival.
//
// A State is not safe for concurrent use. The caller opens bodies, orders vertices causally, and names
// the branch of a forked author; see Vertex.
package crdt

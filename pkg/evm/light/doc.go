// Package light follows a beacon chain through its sync committees: consensus-specs, altair to fulu, light client.
//
// All is pure: the caller brings bytes and the time. A Store changes only after the last check, so that a forged
// update costs nothing but its check. Sizes are those of a Preset; what a container looks like is told by the slot in
// it and the forks of a Spec, never by a server. A Store is not safe for concurrent use.
package light

// Package reconcile finds what two nodes lack of each other's sessions and moves it.
//
// It is a ladder that uses the log's own structure. L0 compares frontiers in 8 bytes. L1 compares for
// each author how far its chain goes: exact, one round trip, whatever the number of differences. L2, a
// rateless sketch, serves the authors a vector cannot describe: those who forked. L4 exchanges heads and
// walks down from them; hash links cannot be fooled, so it has the last word. Nothing is asked by time.
//
// Machine speaks the stream protocol /pars/<netid8>/sync/1 for one peer and all sessions both share. It
// is told frames, changes and ticks, and answers with frames; a Set gives it one session's log. It knows
// ids, authors and seqs, no vertices. Whoever is no member sees random tags and learns a padded count.
package reconcile

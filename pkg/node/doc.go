// Package node joins the protocols into the node that every user runs: keys and store of a home, its
// sessions, the streams to other nodes, and the socket through which local programs speak to it.
//
// Node is a plain struct: set fields, Start, Close. Two nodes live in one process without sharing
// anything. A program that needs a home asks Attach, which speaks to a running node or, when none runs,
// opens the home itself: one API, two ways to it.
package node

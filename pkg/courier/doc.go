// Package courier joins the log of every session and what is carried for others with bundles: what goes into one, and
// where everything that comes out of one belongs.
//
// A Courier works on an open home. A running node answers the same calls over its socket: Handler serves them, Dial
// makes them, so that a command need not link a node. Whatever a bundle brings ends in the Receive of its session's
// log, or on the shelf of records that are kept, listed and handed on.
package courier

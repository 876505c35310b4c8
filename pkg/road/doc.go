// Package road tells which network a node stands in, from S0 with nothing but radio to S5 with the free Internet, and in which order roads to a fact are tried.
//
// Both are pure: they are told what happened and when, and answer what to do. A state rests on evidence that cannot be faked by
// whoever owns the wire: a handshake with an authenticated peer, or a signature. That a connection was accepted, a page came back or
// a name resolved is none.
package road

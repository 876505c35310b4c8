// Package exchange carries DNS messages to a server and back: plain, over TCP, TLS and HTTPS.
//
// It believes nothing and judges nothing; it makes sure only that an answer has the id and the question of its query. A
// Client keeps one connection to its server and many queries in flight on it. Address, name in TLS and host of HTTP are three
// fields, so that what a censor sees need not be what is meant.
package exchange

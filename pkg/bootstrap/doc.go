// Package bootstrap finds the first peers; what is here finds them on the local network, with no server and no Internet.
//
// MDNS announces this node and browses for others as DNS-SD service _pars-mesh._tcp.local. It speaks only on links whose
// addresses are private, and what it announces there names the node: whoever listens on that network learns the peer id.
// What it finds is a hint written by a stranger. The caller must dial and authenticate the peer before it believes anything.
//
// The core (core.go, link.go, packet.go) is told packets, interfaces and time, and answers with packets and peers; mdns.go
// and socket.go are its sockets, watch.go its sense of a changing network. Peer ids and multiaddresses are plain strings.
package bootstrap

// Package bootstrap finds the first peers by whatever road is open, without trusting any of them.
//
// A Race tries all roads side by side: a list compiled in, at hand as a file or a card, held from the last time, in DNS by every server
// over every transport, neighbours on the local network, and what others bring. Every road delivers the same list, signed by several
// holders (pkg/bootstrap/list), or hints that are worth little; so whoever owns a road can withhold and nothing more. Setup makes the
// roads of a profile. Choose says whom of what was found to dial, and how many of each kind. A peer is proven only by its handshake.
//
// MDNS announces this node and browses for others as DNS-SD service _pars-mesh._tcp.local. It speaks only on links whose
// addresses are private, and what it announces there names the node: whoever listens on that network learns the peer id. Its core
// (core.go, link.go, packet.go) is told packets, interfaces and time, and answers with packets and peers; mdns.go and socket.go are its
// sockets, watch.go its sense of a changing network. Peer ids and multiaddresses are plain strings.
package bootstrap

// Package dht finds the members of a session, and servers by their role, in a Kademlia table that strangers keep.
//
// A record tells whoever stores it that some key is alive, and nothing else: its key changes every day, what it
// says is sealed, and only its owner can replace it. A look-up may fail or be lied to, and cannot make a node
// believe something false. The DHT is a hint and never the only road.
//
// Four cores are pure, told the time and randomness: Blind and what stands on it (records), Lookup (a state
// machine of paths, core.go), Crawl and Audit. libp2p.go joins them to go-libp2p-kad-dht, which serves requests
// and keeps the routing table; its own look-ups, which write where they read, are not used.
package dht

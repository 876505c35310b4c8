package bootstrap

import (
	"io"
	"slices"
)

// Limits is how many peers that were found here a node may hold at a time.
type Limits struct {
	Listed    int // by lists and names together
	PerSource int // by one list or name
	Hints     int // by strangers, one for each place
	Contacts  int
}

// DefaultLimits are those of a node with 16 places for outgoing connections: whoever owns all of DNS, or a list, gets 4 of 16.
func DefaultLimits() Limits { return Limits{Listed: 4, PerSource: 2, Hints: 2, Contacts: 8} }

// Holding is what a node has connected already, by class and source.
type Holding struct {
	Listed, Hints, Contacts int
	Source                  map[string]int
	Groups                  map[string]int
	// Bare is the first minutes of an empty table, with fewer than 8 handshakes ever: then a signed list may fill every place
	// that is free, and the node holds to the limits again within ten minutes.
	Bare bool
	Free int // places that are free
}

// Choose picks whom to dial: at random, of different places before the same one twice, and never more than the limits leave.
// asn tells the network of an address group, or is nil; rnd may be nil for crypto/rand.
func Choose(peers []Peer, have Holding, lim Limits, asn func(group string) string, rnd io.Reader) []Peer {
	var order []Peer
	for _, i := range shuffled(rnd, len(peers)) {
		order = append(order, peers[i])
	}
	slices.SortStableFunc(order, func(a, b Peer) int { return a.Class.rank() - b.Class.rank() })
	c := chooser{have: have, lim: lim, asn: asn, places: map[string]int{}, source: map[string]int{}}
	for g, n := range have.Groups {
		c.places[c.place(g)] += n
	}
	for s, n := range have.Source {
		c.source[s] = n
	}
	for most := range 4 { // a second peer of one place only when every place has one
		for i := range order {
			if order[i].ID != "" && c.take(order[i], most) {
				order[i].ID = ""
			}
		}
	}
	return c.out
}

type chooser struct {
	have   Holding
	lim    Limits
	asn    func(string) string
	places map[string]int
	source map[string]int
	out    []Peer
}

func (c *chooser) place(group string) string {
	if c.asn != nil {
		if as := c.asn(group); as != "" {
			return as
		}
	}
	return group
}

// take adds a peer if its place has at most so many, and the limits allow it.
func (c *chooser) take(p Peer, most int) bool {
	for _, g := range p.Groups {
		if c.places[c.place(g)] > most {
			return false
		}
	}
	bare := c.have.Bare && p.Class == Signed && p.By == "list"
	switch {
	case c.have.Free <= len(c.out):
		return false
	case p.Class == Contact && c.have.Contacts >= c.lim.Contacts:
		return false
	case p.Class == Hinted && (c.have.Hints >= c.lim.Hints || most > 0):
		return false
	case (p.Class == Signed || p.Class == Stale) && !bare && (c.have.Listed >= c.lim.Listed || c.source[p.Source] >= c.lim.PerSource):
		return false
	}
	switch p.Class {
	case Contact:
		c.have.Contacts++
	case Hinted:
		c.have.Hints++
	default:
		c.have.Listed++
		c.source[p.Source]++
	}
	for _, g := range p.Groups {
		c.places[c.place(g)]++
	}
	c.out = append(c.out, p)
	return true
}

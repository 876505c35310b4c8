package node

import (
	"bytes"
	"fmt"
	"os"

	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/identity"
)

// maxByHand is how many cards, and how many lists from bundles, are looked through for first peers.
const maxByHand = 256

// byHand are the roads that need no network to begin with: files that were named, what bundles brought, the cards of others.
func (n *Node) byHand() []bootstrap.Road {
	var roads []bootstrap.Road
	for _, name := range n.Lists {
		roads = append(roads, bootstrap.FileRoad("file", name, func() ([]byte, error) { return readList(name) }))
	}
	add := func(road string, i int, b []byte) {
		roads = append(roads, bootstrap.FileRoad(road, fmt.Sprintf("%s %d", road, i+1), func() ([]byte, error) { return b, nil }))
	}
	if c, err := n.home.Courier(); err == nil {
		lists, err := c.Records(bundle.KindList)
		if err != nil {
			n.log.Warn("first peers", "why", err)
		}
		rotationsFirst(lists)
		for i, b := range lists[:min(len(lists), maxByHand)] {
			add("bundle", i, b)
		}
	}
	held := 0
	err := n.home.Cards.List(func(c *identity.Card) error {
		if c.Root.Account() != n.home.Cards.Account() && held < maxByHand {
			add("card", held, c.Encode())
			held++
		}
		return nil
	})
	if err != nil {
		n.log.Warn("first peers", "why", err)
	}
	return roads
}

// readList reads a file of the user, as much of it as a list may have.
func readList(name string) ([]byte, error) {
	const most = 2 << 20
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, a list at most %d", name, info.Size(), most)
	}
	return os.ReadFile(name)
}

// rotationsFirst moves new trust sets in front of the lists that may need them.
func rotationsFirst(lists [][]byte) {
	at := 0
	for i, b := range lists {
		if bytes.HasPrefix(b, []byte("PBR1")) {
			lists[i], lists[at] = lists[at], lists[i]
			at++
		}
	}
}

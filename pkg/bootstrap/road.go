package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/wire"
)

// Class is what a peer is worth to the node that looks for its first ones.
type Class string

// Classes, the best first. A hint came from nobody in particular: at most two of them are dialled.
const (
	Contact Class = "contact" // named by a card that verifies
	Signed  Class = "signed"  // in a list that k holders signed, or below a name that DNSSEC secures
	Stale   Class = "stale"   // in a list that expired, when there is no other
	Hinted  Class = "hint"
)

func (c Class) rank() int {
	for i, x := range []Class{Contact, Signed, Stale, Hinted} {
		if c == x {
			return i
		}
	}
	return 4
}

// Peer is one that was found. Nothing about it is proven until it was dialled and has shown its key.
type Peer struct {
	ID     string
	Addrs  []string // multiaddrs that end in /p2p/ID
	Class  Class
	Road   string
	Source string    // what named it: a list's label, or the road
	By     string    // list, dnssec, state (of a chain), card, or empty
	Seq    uint64    // of the list
	Until  time.Time // of the list, the signature or the card; zero where nothing says
	Groups []string  // its places: /16, /32 or name
	Home   bool      // inside the country, as its list says
}

// Road is one way to a list or to peers. It is tried once in a Race.
type Road struct {
	Name      string // builtin, file, bundle, card, cache, lan, dht, dns, hns, ens
	Transport string // do53, dot … of the roads that have several
	Server    string // who is asked, for people to read
	After     time.Duration
	Timeout   time.Duration
	// Plain is a road on which a listener sees what is asked; one that may only go covertly does not start it.
	Plain bool
	// Lenient says that an older list on this road is no evidence of an attack.
	Lenient bool
	// Skip says why the road cannot be tried at all; it is told and not started.
	Skip string
	// Find brings what the road has to the sink, piece by piece, and returns when it has no more. What it brought before an
	// error counts.
	Find func(ctx context.Context, s *Sink) error
}

// key tells the roads of a race apart, and is what is remembered of a winner.
func (r Road) key() string { return r.Name + "|" + r.Transport + "|" + r.Server }

// Timeouts of a road.
const (
	roadTimeout  = 5 * time.Second
	frontTimeout = 15 * time.Second
	textTimeout  = 20 * time.Second // several calls of a contract, each with its proof
)

// TextSource resolves names of another system, such as ENS, to texts. Proven says that the text itself was proven and
// not only told.
type TextSource interface {
	Text(ctx context.Context, name, key string) (text string, proven bool, err error)
}

// TextRoad reads a list from the text records pars.list and pars.leaf.N of a name: the whole list as one line, or root and
// leaves as in DNS. Where there is no list, the multiaddrs of the text dnsaddr are taken: signed if they were proven, else hints.
func TextRoad(road, name string, src TextSource) Road {
	return Road{Name: road, Server: name, After: 1500 * time.Millisecond, Timeout: textTimeout, Lenient: true,
		Find: func(ctx context.Context, s *Sink) error {
			text, _, err := src.Text(ctx, name, "pars.list")
			if errors.Is(err, wire.ErrNotFound) {
				if found := textPeers(ctx, s, name, src); !errors.Is(found, wire.ErrNotFound) {
					return found
				}
			}
			if err != nil {
				return err
			}
			b, ours, err := list.ParseTXT(text)
			if !ours {
				return s.Text(text)
			}
			if err != nil {
				return err
			}
			root, err := s.root(b)
			if err != nil {
				return err
			}
			return s.leaves(ctx, root, func(ctx context.Context, i int) ([][]byte, error) {
				text, _, err := src.Text(ctx, name, leafKey(i))
				if err != nil {
					return nil, err
				}
				b, _, err := list.ParseTXT(text)
				return [][]byte{b}, err
			})
		}}
}

// textPeers takes the multiaddrs of the text dnsaddr.
func textPeers(ctx context.Context, s *Sink, name string, src TextSource) error {
	text, proven, err := src.Text(ctx, name, "dnsaddr")
	if err != nil {
		return err
	}
	at := map[string]int{}
	var peers []Peer
	for _, addr := range strings.Fields(text) {
		p, ok := PeerOf(strings.TrimPrefix(addr, "dnsaddr="))
		if !ok || len(peers) == addrMost || !s.run.Private && !publicPeer(p) {
			continue
		}
		p.Source = s.road.Name + " " + name
		if i, twice := at[p.ID]; !twice {
			at[p.ID] = len(peers)
			peers = append(peers, p)
		} else if len(peers[i].Addrs) < maxAddrs {
			peers[i].Addrs = append(peers[i].Addrs, p.Addrs...)
			peers[i].Groups = groupsOf(peers[i].Addrs)
		}
	}
	if len(peers) == 0 {
		return fmt.Errorf("no peer in the text dnsaddr of %s: %w", name, wire.ErrNotFound)
	}
	if proven {
		s.At("proof", "proven")
		s.peers(Signed, "state", peers)
	} else {
		s.At("answer", "unverified")
		s.Hints(peers)
	}
	return nil
}

// HintRoad brings peers that somebody else found, such as the table of a DHT.
func HintRoad(road string, find func(ctx context.Context) ([]Peer, error)) Road {
	return Road{Name: road, Timeout: roadTimeout, Lenient: true, Plain: road != "cache", Find: func(ctx context.Context, s *Sink) error {
		peers, err := find(ctx)
		s.Hints(peers)
		return err
	}}
}

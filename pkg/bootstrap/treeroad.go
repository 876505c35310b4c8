package bootstrap

import (
	"context"
	"fmt"

	"github.com/pars-network/pars/pkg/bootstrap/enrtree"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	treeQueries = 64 // a tree has a record for each node
	treePeers   = 20
)

// TreeRoad walks a tree of another network's nodes (EIP-1459) in random order until it has some. They are hints.
func TreeRoad(link enrtree.Link, c *exchange.Client) Road {
	d := DNS{Name: link.Domain, Client: c}
	r := d.Road()
	r.Server, r.Lenient = "enrtree "+r.Server, true
	r.Find = func(ctx context.Context, s *Sink) error {
		texts, err := d.texts(ctx, s, link.Domain)
		if err != nil {
			return err
		}
		err = fmt.Errorf("no tree at %s: %w", link.Domain, wire.ErrNotFound)
		for _, text := range texts {
			root, perr := link.ParseRoot(text)
			if perr != nil {
				err = perr
				continue
			}
			return d.tree(ctx, s, root)
		}
		return err
	}
	return r
}

// tree takes one record after another from those that are known, at random.
func (d DNS) tree(ctx context.Context, s *Sink, root enrtree.Root) error {
	open := []string{root.Nodes}
	seen := map[string]bool{}
	n := 0
	var last error
	for asked := 0; len(open) > 0 && asked < treeQueries && n < treePeers && ctx.Err() == nil; asked++ {
		at := shuffled(s.run.Rand, len(open))[0]
		hash := open[at]
		open = append(open[:at], open[at+1:]...)
		if seen[hash] {
			continue
		}
		seen[hash] = true
		e, err := d.entry(ctx, s, hash)
		if err != nil {
			last = err
			continue
		}
		open = append(open, e.Children...)
		if e.Node == nil {
			continue
		}
		addrs := e.Node.Multiaddrs()
		if !s.run.Private {
			addrs = publicOnly(addrs)
		}
		if len(addrs) > 0 {
			n++
			s.Hints([]Peer{{ID: e.Node.ID(), Addrs: addrs, Source: "enrtree " + d.Name, Groups: groupsOf(addrs)}})
		}
	}
	if n > 0 {
		return nil
	}
	if last == nil {
		last = fmt.Errorf("no node with an address in the tree of %s: %w", d.Name, wire.ErrNotFound)
	}
	return last
}

func (d DNS) entry(ctx context.Context, s *Sink, hash string) (enrtree.Entry, error) {
	texts, err := d.texts(ctx, s, hash+"."+d.Name)
	if err != nil {
		return enrtree.Entry{}, err
	}
	err = fmt.Errorf("no record %s: %w", hash, wire.ErrNotFound)
	for _, text := range texts {
		e, perr := enrtree.ParseEntry(hash, text)
		if perr == nil {
			return e, nil
		}
		err = perr
	}
	return enrtree.Entry{}, err
}

func publicOnly(addrs []string) []string {
	var out []string
	for _, s := range addrs {
		p, ok := PeerOf(s)
		if !ok {
			continue
		}
		base := s[:len(s)-len("/p2p/"+p.ID)]
		if a, err := list.ReadAddrs([]string{base}); err == nil && a[0].Public() {
			out = append(out, s)
		}
	}
	return out
}

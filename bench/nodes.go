package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pars-network/pars/pkg/node"
)

func sizeRows(b *bench) error {
	size := func(path string, err error) (float64, error) {
		if err != nil {
			return 0, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		return float64(info.Size()) / 1e6, nil
	}
	for _, r := range []struct {
		ours, theirs, what string
		limit              float64
	}{
		{"pars-node", "libp2phost", "go-libp2p host, defaults", 26},
		{"pars-node", "barehost", "go-libp2p host by hand", 26},
		{"pars-qr", "hello", "urfave/cli hello", 8},
		{"pars-bundle", "hello", "urfave/cli hello", 8},
	} {
		ours, err := size(b.ours(r.ours))
		if err != nil {
			return err
		}
		theirs, err := size(b.theirs(r.theirs))
		if err != nil {
			return err
		}
		peer := once(theirs)
		b.add(row{Area: "size", Measure: r.ours + ", stripped, CGO off", Unit: "MB", Peer: r.what, Rounds: 1}, &peer, once(ours)).atMost(r.limit)
	}
	return nil
}

// node starts pars-node on a home of its own.
func (b *bench) node(g *group, name string, args ...string) (c *child, home, addr string, err error) {
	exe, err := b.ours("pars-node")
	if err != nil {
		return nil, "", "", err
	}
	home = filepath.Join(b.dir, name)
	args = append([]string{"run", "--home", home, "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns"}, args...)
	c, addr, err = g.start(exe, args...)
	return c, home, addr, err
}

// idlePeers is how many peers an idle node has.
const idlePeers = 8

// idleRows lets nodes and bare hosts wait side by side.
func idleRows(b *bench) error {
	var g group
	defer g.stop()
	wait := 60 * time.Second
	if b.quick {
		wait = 30 * time.Second
	}
	lone, _, _, err := b.node(&g, "lone")
	if err != nil {
		return err
	}
	busy, home, addr, err := b.node(&g, "busy")
	if err != nil {
		return err
	}
	for i := range idlePeers {
		if _, _, _, err := b.node(&g, fmt.Sprint("peer", i), "--peer", addr); err != nil {
			return err
		}
	}
	peers := map[string][2]*child{}
	for _, name := range []string{"libp2phost", "barehost"} {
		exe, err := b.theirs(name)
		if err != nil {
			return err
		}
		alone, _, err := g.start(exe)
		if err != nil {
			return err
		}
		host, to, err := g.start(exe)
		if err != nil {
			return err
		}
		for range idlePeers {
			if _, _, err := g.start(exe, to); err != nil {
				return err
			}
		}
		peers[name] = [2]*child{alone, host}
	}
	time.Sleep(wait)
	exe, err := b.ours("pars-node")
	if err != nil {
		return err
	}
	text, err := output(exe, "status", "--home", home, "--json")
	if err != nil {
		return err
	}
	var status node.Status
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		return err
	}
	if status.Peers != idlePeers {
		return fmt.Errorf("the node has %d peers, not %d", status.Peers, idlePeers)
	}
	for _, r := range []struct{ name, what string }{{"libp2phost", "go-libp2p host, defaults"}, {"barehost", "go-libp2p host by hand"}} {
		for i, c := range []*child{lone, busy} {
			ours, err := c.rss()
			if err != nil {
				return err
			}
			theirs, err := peers[r.name][i].rss()
			if err != nil {
				return err
			}
			peer := once(theirs)
			b.add(row{Area: "idle", Measure: fmt.Sprintf("resident memory after %v, %d peers", wait, i*idlePeers), Unit: "MB", Peer: r.what, Rounds: 1},
				&peer, once(ours)).atMost(32).note("%d peers told by status; no session", i*idlePeers)
		}
	}
	return nil
}

package node

import (
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// Anchors are the last good peers, kept sealed over restarts: a node that comes back meets those it
// knows before anybody else.
const (
	maxAnchors     = 8
	maxAnchorAddrs = 8
	maxAddr        = 256
)

var anchorsName = []byte("anchors")

// maxPort is the largest TCP port.
const maxPort = 65535

// encodePeers writes peers with at most eight addresses each.
func encodePeers(list []peer.AddrInfo) []byte {
	b := wire.AppendArray(nil, len(list))
	for _, a := range list {
		b = wire.AppendBytes(wire.AppendArray(b, 2), []byte(a.ID))
		b = wire.AppendArray(b, min(len(a.Addrs), maxAnchorAddrs))
		for _, m := range a.Addrs[:min(len(a.Addrs), maxAnchorAddrs)] {
			b = wire.AppendBytes(b, m.Bytes())
		}
	}
	return b
}

// decodePeers reads what encodePeers writes, at most so many.
func decodePeers(b []byte, most int) (out []peer.AddrInfo, err error) {
	d := wire.NewDecoder(b)
	for n := d.Array(most); n > 0 && d.Err() == nil; n-- {
		if d.Array(2) != 2 {
			d.Fail(wire.Invalid("anchor"))
			break
		}
		id, err := peer.IDFromBytes(d.Bytes(1, 128))
		if err != nil {
			d.Fail(wire.Invalid("anchor's peer id"))
		}
		a := peer.AddrInfo{ID: id}
		for k := d.Array(maxAnchorAddrs); k > 0 && d.Err() == nil; k-- {
			if m, err := ma.NewMultiaddrBytes(d.Bytes(1, maxAddr)); err == nil {
				a.Addrs = append(a.Addrs, m)
			}
		}
		out = append(out, a)
	}
	return out, d.End()
}

// setting reads a record of the node itself.
func (h *Home) setting(name []byte) ([]byte, error) {
	root := h.store.Root()
	return root.Get(store.TableState, root.Name(store.TableState, name))
}

func (h *Home) saveSetting(name, value []byte) error {
	root, b := h.store.Root(), &store.Batch{}
	root.Put(b, store.TableState, root.Name(store.TableState, name), value)
	return h.store.Commit(b)
}

// loadAnchors makes targets of the anchors and of the last inviter. A damaged record counts as none.
func (n *Node) loadAnchors() {
	for _, from := range []struct {
		name []byte
		road string
	}{{anchorsName, roadAnchor}, {roadsName, roadInvite}} {
		b, err := n.home.setting(from.name)
		if err != nil {
			continue
		}
		list, err := decodePeers(b, maxAnchors)
		if err != nil {
			n.log.Warn("known peers are damaged on disk", "road", from.road, "why", err)
		}
		for _, a := range list {
			n.dialer.add(a, from.road)
		}
	}
}

// saveAnchors keeps the best peers when they changed.
func (n *Node) saveAnchors() {
	b := encodePeers(n.dialer.best(maxAnchors))
	n.mu.Lock()
	same := string(b) == n.anchors
	n.anchors = string(b)
	n.mu.Unlock()
	if same {
		return
	}
	if err := n.home.saveSetting(anchorsName, b); err != nil {
		n.log.Warn("anchors not saved", "why", err)
	}
}

var portName = []byte("port")

// savedPort returns the TCP port this home listened on last time, 0 for none.
func (h *Home) savedPort() int {
	b, err := h.setting(portName)
	if err != nil {
		return 0
	}
	d := wire.NewDecoder(b)
	p := int(d.Uint(maxPort))
	if d.End() != nil {
		return 0
	}
	return p
}

package node

import (
	"encoding/binary"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/reconcile"
)

// shortOf is a short id as the tree writes it.
func shortOf(s reconcile.Symbol) (out gossip.Short) {
	binary.BigEndian.PutUint64(out[:], uint64(s))
	return out
}

// do sends what the core wants sent. What a neighbour is too slow for it gets by comparing.
func (t *tree) do(list []gossip.Send) {
	for _, x := range list {
		p := peer.ID(x.To)
		l := t.links[p]
		switch {
		case x.Dial:
			t.dial(p)
		case l == nil:
		case x.Drop:
			t.unlink(l)
			l.end()
		case x.Kind == gossip.TreePush:
			for _, run := range t.pack(x.IDs) {
				l.send(gossip.TreePush, gossip.AppendPush(nil, x.Hop, run))
			}
			t.g.pushed.Add(int64(len(x.IDs)))
		case x.Kind == gossip.TreeVec && l.welcome:
			t.g.compare(p)
		case x.Kind == gossip.TreeVec:
			l.welcome = true
			l.send(gossip.TreeVec, nil)
		case x.Kind == gossip.TreeBye:
			l.bye(x.Reason)
		default:
			l.send(x.Kind, gossip.AppendShorts(nil, x.IDs))
		}
	}
}

// pack reads vertices into runs. One that cannot be read is left to the comparison.
func (t *tree) pack(ids []gossip.Short) (runs [][]byte) {
	if len(ids) == 0 {
		return nil
	}
	if t.lastPushed.first == &ids[0] {
		return t.lastPushed.runs
	}
	var places []uint32
	for _, id := range ids {
		at, ok := t.recent[id]
		if !ok {
			at, ok = t.older[id]
		}
		if ok {
			places = append(places, at)
		}
	}
	t.set.Sort(places)
	for len(places) > 0 {
		most := places[:min(len(places), treeItems)]
		run, n, err := t.set.Pack(most, treeRun)
		if err == nil && n == 0 {
			run, n, err = t.set.Pack(most[:1], gossip.MaxTreeFrame-2)
		}
		if err != nil || n == 0 {
			n = 1
		} else if len(run) > 0 {
			runs = append(runs, run)
		}
		places = places[n:]
	}
	t.lastPushed = packed{&ids[0], runs}
	return runs
}

// dial opens a stream to a member, at most one in a while.
func (t *tree) dial(p peer.ID) {
	now := time.Now()
	if t.dialled == nil || len(t.dialled) > 64 {
		t.dialled = map[peer.ID]time.Time{}
	}
	if t.links[p] != nil || now.Sub(t.dialled[p]) < treeTick || !t.g.n.enter() {
		return
	}
	t.dialled[p] = now
	alone := len(t.links) == 0 || len(t.links) >= t.core.Active // or p leads where the tree does not
	go func() {
		defer t.g.n.wg.Done()
		t.g.open(t, p, alone)
	}()
}

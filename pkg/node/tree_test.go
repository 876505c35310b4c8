package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"

	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/wire"
)

// village is a session of nodes on loopback, each connected to all before it.
type village struct {
	t     *testing.T
	nodes []*Node
	apis  []API
	id    string // of the session

	invite string
}

func newVillage(t *testing.T, n int) *village {
	t.Helper()
	v := &village{t: t}
	for range n {
		v.add()
	}
	return v
}

// add brings a member, connected to all before it.
func (v *village) add() {
	v.t.Helper()
	v.addTo(v.all()...)
}

// addTo brings a member that is connected to some.
func (v *village) addTo(who ...int) {
	v.t.Helper()
	dir := tempHome(v.t)
	var peers []string
	for _, i := range who {
		peers = append(peers, v.nodes[i].Addrs()[0])
	}
	v.nodes = append(v.nodes, start(v.t, dir, func(x *Node) { x.Peers, x.NoDHT, x.NoMail = peers, true, true }))
	a := api(v.t, dir)
	v.apis = append(v.apis, a)
	var err error
	if v.invite == "" {
		var inv Invitation
		inv, err = a.Invite(v.t.Context(), InviteQuery{})
		v.id, v.invite = inv.Session, inv.Invite
	} else {
		_, err = a.Join(v.t.Context(), JoinQuery{Invite: v.invite})
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *village) session(i int) *session.Session {
	s, err := v.nodes[i].home.Sessions.Find(v.id)
	if err != nil {
		v.t.Fatal(err)
	}
	return s
}

// level waits until all of some nodes hold n members and equal logs.
func (v *village) level(who []int, members int) {
	v.t.Helper()
	until(v.t, "all level", func() bool {
		want := v.session(who[0]).Log().Digest()
		for _, i := range who {
			if s := v.session(i); s.Log().Digest() != want || len(s.Members()) != members {
				return false
			}
		}
		return true
	})
}

func (v *village) all() (out []int) {
	for i := range v.nodes {
		out = append(out, i)
	}
	return out
}

// rooted waits until each of some nodes has at least two neighbours in the tree.
func (v *village) rooted(who []int) {
	v.t.Helper()
	until(v.t, "neighbours in the tree", func() bool {
		for _, i := range who {
			if v.nodes[i].trees.of(v.session(i)).neighbours.Load() < 2 {
				return false
			}
		}
		return true
	})
}

// bytes sums up what the nodes sent, along the tree and by sync.
func (v *village) bytes(who []int) (tree, sync float64) {
	for _, i := range who {
		tree += float64(v.nodes[i].trees.bytesOut.Load())
		sync += v.nodes[i].counted("pars_sync_bytes_out_total")
	}
	return tree, sync
}

func (v *village) say(i int, text string) {
	v.t.Helper()
	if _, err := v.apis[i].Send(v.t.Context(), SendQuery{Session: v.id, Text: text}); err != nil {
		v.t.Fatal(err)
	}
}

// TestTree: twelve members; what one writes reaches all along the tree for little more than its own bytes; a third of
// them is killed while others write, and the rest is level; below eight members nobody has a tree.
func TestTree(t *testing.T) {
	v := newVillage(t, 12)
	v.level(v.all(), 12)
	v.rooted(v.all())
	for i := range 12 { // the tree finds its shape
		v.say(i, "warm")
		v.level(v.all(), 12)
	}
	t0, s0 := v.bytes(v.all())
	const texts, size = 40, 1000
	for i := range texts {
		v.say(i%12, strings.Repeat(string(rune('a'+i%26)), size))
		v.level(v.all(), 12)
	}
	t1, s1 := v.bytes(v.all())
	ratio := (t1 - t0 + s1 - s0) / (texts * size * 11)
	t.Logf("bytes a delivery: %.2f of the text, tree %.0f, sync %.0f; %+v", ratio, t1-t0, s1-s0, v.nodes[0].trees.status())
	if ratio > 1.5 {
		t.Errorf("%.2f bytes a byte delivered, want 1.5", ratio)
	}
	var dead, rest []int
	for i := range v.nodes {
		if i%3 == 1 {
			dead = append(dead, i)
		} else {
			rest = append(rest, i)
		}
	}
	for k, i := range dead {
		v.say(rest[k], fmt.Sprint("before ", k))
		v.nodes[i].Close()
		v.say(rest[k+1], fmt.Sprint("after ", k))
	}
	v.level(rest, 12)
	from := time.Now()
	v.rooted(rest)
	v.say(rest[0], "healed")
	v.level(rest, 12)
	t.Logf("healed in %v", time.Since(from))
}

// TestTreeGrows: up to seven members live sync pushes; the eighth makes a tree on all.
func TestTreeGrows(t *testing.T) {
	v := newVillage(t, 7)
	v.level(v.all(), 7)
	v.say(0, "small")
	v.level(v.all(), 7)
	if st := v.nodes[0].trees.status(); st.Sessions+st.Eager+st.Lazy != 0 {
		t.Errorf("a tree of seven: %+v", st)
	}
	v.add()
	v.level(v.all(), 8)
	v.rooted(v.all())
	v.say(3, "large")
	v.level(v.all(), 8)
	if st := v.nodes[0].trees.status(); st.Sessions != 1 || st.Eager == 0 {
		t.Errorf("no tree of eight: %+v", st)
	}
	for i := range v.nodes { // a tree that ends leaves pushing to sync
		x := v.nodes[i].trees.of(v.session(i))
		x.mu.Lock()
		x.looked, x.on = x.s.Log().Arrivals(), false
		for p, l := range x.links {
			l.bye(gossip.ByeEnd)
			x.gone(p)
		}
		x.mu.Unlock()
	}
	until(t, "no neighbours", func() bool {
		return !slices.ContainsFunc(v.nodes, func(n *Node) bool { return n.trees.of(v.session(0)).neighbours.Load() > 0 })
	})
}

// TestTreeRefuses: a stranger, a member that names another session, and a member that breaks the frames are left, and
// the tree goes on.
func TestTreeRefuses(t *testing.T) {
	v := newVillage(t, 8)
	v.level(v.all(), 8)
	v.rooted(v.all())
	n, m := v.nodes[0], v.nodes[1]
	secret := v.session(0).SyncSecret()
	call := func(h host.Host, tag [16]byte, more ...byte) string {
		t.Helper()
		h.Peerstore().AddAddrs(n.host.ID(), n.host.Addrs(), time.Hour)
		s, err := h.NewStream(t.Context(), n.host.ID(), n.treeProtocol())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Reset()
		s.SetDeadline(time.Now().Add(10 * time.Second))
		s.Write(append(wire.AppendFrame(nil, gossip.TreeOpen, gossip.AppendOpen(nil, tag, true)), more...))
		b, err := io.ReadAll(s)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the stream stays open")
		}
		return string(b)
	}
	stranger, err := link.Host(link.Options{Seed: [32]byte{77}, Limits: link.Dialer})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	tag := gossip.TreeTag(secret, []byte(stranger.ID()), []byte(n.host.ID()))
	if got := call(stranger, tag); got != "" {
		t.Errorf("a stranger with the right tag was told %x", got)
	}
	if got := call(m.host, gossip.TreeTag([32]byte{1}, []byte(m.host.ID()), []byte(n.host.ID()))); got != "" {
		t.Errorf("who named another session was told %x", got)
	}
	if got := call(m.host, gossip.TreeTag(secret, []byte(n.host.ID()), []byte(m.host.ID()))); got != "" {
		t.Errorf("a tag of the other way was told %x", got)
	}
	if r := n.trees.refused.Load(); r != 3 {
		t.Errorf("%d callers refused, want 3", r)
	}
	for i, bad := range [][]byte{
		wire.AppendFrame(nil, gossip.TreeOpen, gossip.AppendOpen(nil, tag, false)), // a second
		wire.AppendFrame(nil, gossip.TreePush, []byte{0, 1}),                       // no run
		wire.AppendUvarint(nil, gossip.MaxTreeFrame+1),
		wire.AppendFrame(nil, 99, nil),
	} {
		m := v.nodes[1+i]
		call(m.host, gossip.TreeTag(secret, []byte(m.host.ID()), []byte(n.host.ID())), bad...)
		until(t, fmt.Sprint("cut off after fault ", i), func() bool { return !n.trees.proven(m.host.ID(), v.session(0)) })
	}
	rest := []int{0, 5, 6, 7}
	v.say(5, "goes on")
	v.level(rest, 8)
}

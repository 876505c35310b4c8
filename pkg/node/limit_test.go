package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		c        cause
		contact  bool
		burst    int // is free
		slowed   bool
		cut      bool
		perMore  time.Duration // to wait for each beyond
		wholeMin int           // what a minute gives back
	}{
		{overBytes, false, 4 << 20, true, false, 0, 60 * 256 << 10},
		{overFrames, false, 500, true, false, 20 * time.Millisecond, 500},
		{overTags, false, 20, false, true, 0, 20},
		{overDups, false, 1000, true, false, 10 * time.Millisecond, 1000},
		{overSigs, false, 10, false, true, 0, 10},
		{overOrphan, false, 1000, true, false, 50 * time.Millisecond, 1000},
		{overOrphan, true, 10_000, true, false, 5 * time.Millisecond, 10_000},
		{overBytes, true, 1 << 30, false, false, 0, 1 << 30},
		{overFrames, true, 1 << 20, false, false, 0, 1 << 20},
		{overTags, true, 200, false, true, 0, 200},
		{overDups, true, 100_000, true, false, time.Millisecond, 60_000},
		{overSigs, true, 100, false, true, 0, 100},
	} {
		var q quotas
		if wait, cut := q.use("p", c.c, c.burst, c.contact, noon); wait != 0 || cut {
			t.Errorf("%+v: the burst is not free", c)
		}
		wait, cut := q.use("p", c.c, 1, c.contact, noon)
		if (wait > 0) != c.slowed || cut != c.cut || wait < c.perMore*9/10 || c.perMore > 0 && wait > c.perMore*11/10 {
			t.Errorf("%+v: wait %v, cut %v", c, wait, cut)
		}
		if q.isCut("p", noon.Add(cutFor-time.Second)) != c.cut || q.isCut("p", noon.Add(cutFor+time.Second)) || q.isCut("q", noon) {
			t.Errorf("%+v: cut for another time", c)
		}
		if wait, cut := q.use("p", c.c, min(c.wholeMin, c.burst)-1, c.contact, noon.Add(2*time.Minute)); wait != 0 || cut {
			t.Errorf("%+v: time gives nothing back", c)
		}
		if wait, cut := q.use("q", c.c, c.burst, c.contact, noon); wait != 0 || cut {
			t.Errorf("%+v: one peer pays for another", c)
		}
		if wait, _ := q.use("r", c.c, 1<<30, c.contact, noon); wait > slowMost {
			t.Errorf("%+v: %v to wait", c, wait)
		}
	}
	var q quotas
	for i := range 4 * maxQuotas {
		q.use(peer.ID(fmt.Sprint("p", i)), overSigs, 11, false, noon.Add(time.Duration(i)*time.Second))
	}
	if len(q.over) > 2*maxQuotas || len(q.cuts) > 2*maxQuotas {
		t.Errorf("%d buckets and %d cuts are remembered", len(q.over), len(q.cuts))
	}
}

// counted sums up a counter over those of its lines that have all the labels.
func (n *Node) counted(name string, labels ...string) (sum float64) {
	families, _ := n.metrics.registry.Gather()
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			found := 0
			for _, l := range m.GetLabel() {
				if slices.Contains(labels, l.GetValue()) {
					found++
				}
			}
			if found == len(labels) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func (n *Node) limitedBy(c cause, effect string) float64 {
	return n.counted("pars_limited_total", string(c), effect)
}

func speakTo(t *testing.T, n *Node, h host.Host) network.Stream {
	t.Helper()
	s, err := h.NewStream(t.Context(), n.host.ID(), protocol.ID(n.Profile.Protocol("sync/1")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestManyStrangers: a thousand strangers who each keep to their own limit are slowed together, and no contact by them.
func TestManyStrangers(t *testing.T) {
	var q quotas
	slow := 0
	for i := range 1000 {
		if wait, cut := q.use(peer.ID(fmt.Sprint(i)), overFrames, 10, false, noon); cut {
			t.Fatal("cut off for what others did")
		} else if wait > 0 {
			slow++
		}
	}
	if slow < 550 || slow > 650 { // 4,000 at once are free
		t.Errorf("%d of 1,000 are slowed", slow)
	}
	if wait, _ := q.use("friend", overFrames, 400, true, noon); wait > 0 {
		t.Errorf("a contact waits %v for strangers", wait)
	}
	if wait, _ := q.use("late", overFrames, 1, false, noon.Add(4*time.Second)); wait > 0 {
		t.Errorf("time gives nothing back: %v", wait)
	}
}

// TestOrphans: vertices whose parents nobody has are counted as such.
func TestOrphans(t *testing.T) {
	got := dag.Received{Results: []dag.Result{{Outcome: dag.Parked}, {Outcome: dag.Known}, {Outcome: dag.Parked}}}
	if dups, bad, orphans := dear(got); dups != 1 || bad != 0 || orphans != 2 {
		t.Errorf("%d, %d, %d", dups, bad, orphans)
	}
	n := start(t, tempHome(t), func(n *Node) { n.NoDHT, n.NoMail = true, true })
	many := dag.Received{Results: make([]dag.Result, 10_500)}
	for i := range many.Results {
		many.Results[i].Outcome = dag.Parked
	}
	if err := n.spend("p", many, 0); !errors.Is(err, reconcile.ErrLimits) { // works, which costs more
		t.Errorf("got %v", err)
	}
	if wait, _ := n.quotas.use("p", overOrphan, 1, true, n.clock()); wait == 0 {
		t.Error("they cost nothing")
	}
}

// TestFloods: strangers who send bytes, frames or streams without end are slowed to their limits or cut
// off, each counted, while contacts talk on.
func TestFloods(t *testing.T) {
	da, db := tempHome(t), tempHome(t)
	a, _, inv := friends(t, da, db, nil)
	hs := strangers(t, a, 70, 3)
	large := wire.AppendFrame(nil, 200, make([]byte, 60<<10))
	small := wire.AppendFrame(nil, 200, []byte{1})
	began, before := time.Now(), a.counted("pars_sync_bytes_in_total")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for i, frame := range [][]byte{large, small} {
		s := speakTo(t, a, hs[i])
		hello, err := reconcile.New(reconcile.Config{Me: []byte(hs[i].ID()), Peer: []byte(a.host.ID()), Rand: func([]byte) error { return nil }}).Start()
		if err != nil {
			t.Fatal(err)
		}
		s.Write(wire.AppendFrame(nil, hello[0].Type, hello[0].Payload))
		go func() {
			for ctx.Err() == nil {
				if _, err := s.Write(frame); err != nil {
					return
				}
			}
		}()
	}
	until(t, "both slowed", func() bool { return a.limitedBy(overBytes, "slowed") > 2 && a.limitedBy(overFrames, "slowed") > 2 })
	say := time.Now()
	if _, err := api(t, da).Send(t.Context(), SendQuery{Session: inv.Session, Text: "beside a flood"}); err != nil {
		t.Fatal(err)
	}
	until(t, "a contact's message", func() bool { return len(readAll(t, api(t, db), inv.Session)) == 1 })
	t.Logf("a message passed in %v beside two floods", time.Since(say).Round(time.Millisecond))
	got := a.counted("pars_sync_bytes_in_total") - before
	if most := 4<<20 + (256<<10)*time.Since(began).Seconds() + 1<<20; got > most {
		t.Errorf("%.0f bytes were read, more than %.0f", got, most)
	}
	stop()
	for i := 0; i < 200 && a.limitedBy(overTags, "cut") == 0; i++ {
		if s, err := hs[2].NewStream(t.Context(), a.host.ID(), protocol.ID(a.Profile.Protocol("sync/1"))); err == nil {
			s.Write(small)
			s.SetReadDeadline(time.Now().Add(time.Second))
			io.Copy(io.Discard, s)
			s.Reset()
		}
	}
	until(t, "the cut", func() bool {
		return a.limitedBy(overTags, "cut") > 0 && a.host.Network().Connectedness(hs[2].ID()) != network.Connected
	})
	hs[2].Connect(t.Context(), peer.AddrInfo{ID: a.host.ID(), Addrs: a.host.Addrs()})
	until(t, "the refusal", func() bool {
		return a.limitedBy(overCut, "cut") > 0 && a.host.Network().Connectedness(hs[2].ID()) != network.Connected
	})
}

// TestBadSignatures: a member whose signatures do not verify is cut off before it has cost much, and one
// who repeats itself is slowed.
func TestBadSignatures(t *testing.T) {
	da, db := tempHome(t), tempHome(t)
	a, b, _ := friends(t, da, db, nil)
	from := &set{s: b.home.Sessions.List()[0], now: b.clock}
	from.log = from.s.Log()
	s := a.home.Sessions.List()[0]
	to := &set{s: s, log: s.Log(), peer: "liar", now: a.clock}
	to.took = func(got dag.Received, signed int) error { return a.took(b.host.ID(), got, signed) }
	run, n, err := from.Pack(from.Since(0), 1<<20)
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if _, err := to.Take(run); err != nil || a.limitedBy(overDups, "slowed") != 0 {
		t.Fatal("slowed at once", err)
	}
	a.quotas.use(b.host.ID(), overDups, 102_000, true, a.clock())
	if _, err := to.Take(run); err != nil || a.limitedBy(overDups, "slowed") != 1 {
		t.Fatal("who repeats itself is never slowed", err)
	}
	b.Close()
	h, err := OpenHome(config(t, db), false)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	liar := h.Sessions.List()[0]
	end := liar.Log().Arrivals()
	if _, err := liar.Send("a lie", time.Now()); err != nil {
		t.Fatal(err)
	}
	it, err := liar.Log().Item(end)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		it.Sig[i%64] ^= byte(1 + i/64)
		run, err := vertex.Pack([]vertex.Item{it}, liar.Log().Lamport)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = to.Take(run); err != nil {
			if i < 100 || !errors.Is(err, reconcile.ErrLimits) || a.limitedBy(overSigs, "cut") != 1 || !a.refused(b.host.ID()) {
				t.Fatalf("after %d: %v", i, err)
			}
			return
		}
	}
	t.Error("who lies is never cut off")
}

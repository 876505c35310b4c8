package node

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/pars-network/pars/pkg/reconcile"
)

// script is a whole honest conversation as one side hears it.
func script(t *testing.T, seed uint64) (n []*simNode, heard []reconcile.Frame) {
	n = newSim(t, seed, 2)
	room(t, n)
	for i := range 10 {
		n[i%2].say("before")
	}
	l := connect(n[0], n[1])
	for range 2 {
		for i := 0; ; i++ {
			heard = append(heard, l.to[0][:min(1, len(l.to[0]))]...)
			if !l.step(t, 0) {
				break
			}
		}
		n[1].say("live")
		l.changed(t)
	}
	return n, heard
}

// TestLiar plays conversations to a node in which frames are damaged, repeated, left out and out of
// order, by a peer that is a member. Nothing it says may panic, grow without bound, or change what an
// honest pair has in the end.
func TestLiar(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	n, heard := script(t, 77)
	if len(heard) < 10 {
		t.Fatalf("%d frames", len(heard))
	}
	before := n[0].only().Log().Digest()
	rnd := rand.New(rand.NewPCG(7, 7))
	frames, refused := 0, 0
	for range rounds {
		m := n[0].machine(n[1])
		if _, err := m.Start(); err != nil {
			t.Fatal(err)
		}
		// tags and proofs are bound to nonces: the liar says what an honest peer would, then lies
		l := connect(n[0], n[1])
		for range 6 + rnd.IntN(10) {
			l.step(t, rnd.IntN(2))
		}
		for range 20 {
			f := heard[rnd.IntN(len(heard))]
			if len(l.to[0]) > 0 && rnd.IntN(8) > 0 { // mostly what is due, so that lies come deep
				f, l.to[0] = l.to[0][0], l.to[0][1:]
			}
			b := bytes.Clone(f.Payload)
			for range max(0, rnd.IntN(6)-4) {
				if len(b) > 0 {
					b[rnd.IntN(len(b))] ^= byte(1 << rnd.IntN(8))
				}
			}
			frames++
			out, err := l.ma.Receive(reconcile.Frame{Type: f.Type, Payload: b})
			size := 0
			for _, o := range out {
				size += len(o.Payload)
			}
			if size > 1<<20 {
				t.Fatalf("a frame of %d bytes is answered by %d", len(b), size)
			}
			if err != nil {
				refused++
				break
			}
			for _, o := range out {
				answer, err := l.mb.Receive(o)
				if err != nil {
					break
				}
				l.to[0] = append(l.to[0], answer...)
			}
		}
	}
	if refused < rounds/2 {
		t.Errorf("only %d of %d lies were noticed", refused, rounds)
	}
	t.Logf("%d frames, %d streams ended", frames, refused)
	connect(n[0], n[1]).run(t)
	if n[0].only().Log().Digest() != n[1].only().Log().Digest() {
		t.Error("the honest pair differs")
	}
	if n[1].only().Log().Digest() == before && n[0].only().Log().Digest() != before {
		t.Error("a liar changed the log")
	}
}

// TestHiding: a peer that always says it is level hides what it has from one node, not from a pair.
func TestHiding(t *testing.T) {
	n := newSim(t, 8, 3)
	room(t, n)
	connect(n[0], n[1]).run(t)
	connect(n[0], n[2]).run(t)
	n[1].say("hidden")
	l := connect(n[0], n[2]) // the liar is n[2]: it never met n[1]
	l.run(t)
	connect(n[0], n[1]).run(t)
	if got := n[0].texts(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

// FuzzMachine gives a machine that has proved its session any bytes.
func FuzzMachine(f *testing.F) {
	f.Add(byte(3), []byte{0xa1, 0, 0})
	f.Add(byte(5), []byte{0, 0, 0, 16, 3})
	f.Add(byte(7), []byte{0xa1, 0, 0})
	f.Fuzz(func(t *testing.T, typ byte, b []byte) {
		n := newSim(t, 1, 2)
		room(t, n)
		l := connect(n[0], n[1])
		for range 8 {
			l.step(t, 0)
		}
		before, _ := n[0].only().Log().Count()
		l.ma.Receive(reconcile.Frame{Type: typ, Payload: b})
		if after, _ := n[0].only().Log().Count(); after < before {
			t.Error("something was lost")
		}
	})
}

// TestOneSurvivor: twenty nodes, nineteen destroyed with their disks. The last, offline, shows
// everything; those who join through it hold everything.
func TestOneSurvivor(t *testing.T) {
	n := newSim(t, 20, 20)
	room(t, n)
	for i := range n {
		n[i].say("one")
		n[i].say("two")
	}
	for i := range n[1:] { // a chain, there and back: everybody has everything
		connect(n[i], n[i+1]).run(t)
	}
	for i := len(n) - 2; i >= 0; i-- {
		connect(n[i], n[i+1]).run(t)
	}
	last := n[13]
	for i := range n {
		if i != 13 {
			n[i].eng.Close()
		}
	}
	last.open()
	if got := last.texts(); len(got) != 40 {
		t.Fatalf("the survivor shows %d of 40", len(got))
	}
	if members := last.only().Members(); len(members) != 20 {
		t.Fatalf("%d members", len(members))
	}
	fresh := newSim(t, 21, 3)
	for _, f := range fresh {
		if _, err := f.home.Join(last.only().Invite(noon.Add(1e9), nil), "new", noon); err != nil {
			t.Fatal(err)
		}
		f.say("grown again")
		connect(f, last).run(t)
	}
	for _, f := range fresh {
		connect(f, last).run(t)
		if got := f.texts(); len(got) != 43 || f.only().Title() != "room" {
			t.Errorf("a new node holds %d of 43 under %q", len(got), f.only().Title())
		}
	}
}

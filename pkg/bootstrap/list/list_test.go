package list

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
)

const t0 = 1_800_000_000

var network = Tag{1, 2, 3}

func key(n int) sig.Private {
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], uint64(n))
	return sig.FromSeed(seed)
}

// signers returns a set of k of n, and the private keys in the set's order.
func signers(epoch uint32, k, n, from int) (*Set, []sig.Private) {
	var keys []sig.Private
	for i := range n {
		keys = append(keys, key(from+i))
	}
	pub := func(p sig.Private) []byte { b := p.Public(); return b[:] }
	slices.SortFunc(keys, func(a, b sig.Private) int { return bytes.Compare(pub(a), pub(b)) })
	s := &Set{Network: network, Epoch: epoch, K: k}
	for _, p := range keys {
		s.Keys = append(s.Keys, p.Public())
	}
	return s, keys
}

func entries(n int) []Entry {
	var out []Entry
	for i := range n {
		at := fmt.Sprintf("/ip4/20.%d.%d.7/", i/250, i%250)
		a, err := ReadAddrs([]string{at + "tcp/4001", at + "udp/4001/quic-v1"})
		if err != nil {
			panic(err)
		}
		out = append(out, Entry{Key: key(1000 + i).Public(), DHT: true, Addrs: a})
	}
	return out
}

func build(t testing.TB, s *Set, keys []sig.Private, seq, issued uint64, n int) *List {
	t.Helper()
	l, err := Draft{Set: s, Seq: seq, Issued: issued, Entries: entries(n)}.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if err := l.Root.SignWith(s, k); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func trust(t testing.TB, sets ...*Set) *Trust {
	t.Helper()
	x, err := NewTrust(network, sets...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func reason(err error) Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func TestSizes(t *testing.T) {
	s, keys := signers(1, 3, 5, 1)
	l := build(t, s, keys[:3], 1, t0, 1000)
	if n := len(l.Root.Encode()); n != 378 {
		t.Errorf("root of %d bytes, want 378", n)
	}
	if l.Root.Leaves != 50 {
		t.Errorf("%d leaves for 1,000 peers, want 50", l.Root.Leaves)
	}
	for i, leaf := range l.Leaves {
		if len(leaf.Entries) != 20 || len(leaf.Encode()) > DefaultRoom {
			t.Errorf("leaf %d: %d peers in %d bytes", i, len(leaf.Entries), len(leaf.Encode()))
		}
	}
	if room := LeafRoom("pars.network"); room < DefaultRoom {
		t.Errorf("room of %d bytes below pars.network", room)
	}
}

func TestRoundTrip(t *testing.T) {
	s, keys := signers(1, 3, 5, 1)
	for _, n := range []int{1, 20, 21, 160, 161, 1000, 3000} {
		l := build(t, s, keys[:3], 7, t0, n)
		got, err := Read(l.EncodeFile(), false)
		if err != nil {
			t.Fatalf("%d peers: %v", n, err)
		}
		if !bytes.Equal(got.EncodeFile(), l.EncodeFile()) || len(got.Entries()) != n {
			t.Errorf("%d peers: another list came back", n)
		}
		if text, err := Read([]byte(l.Text()+"\n"), false); err != nil || !bytes.Equal(text.EncodeFile(), l.EncodeFile()) {
			t.Errorf("%d peers: text: %v", n, err)
		}
		// any leaf alone, in any order
		for _, i := range rand.Perm(l.Root.Leaves) {
			leaf, err := DecodeLeaf(l.Leaves[i].Encode())
			if err == nil {
				err = got.Root.CheckLeaf(leaf, false)
			}
			if err != nil {
				t.Errorf("%d peers, leaf %d: %v", n, i, err)
			}
		}
	}
}

// The bytes are frozen: a changed one is a list that older nodes refuse.
func TestVector(t *testing.T) {
	s, keys := signers(1, 2, 3, 1)
	l := build(t, s, keys[:2], 7, t0, 3)
	next, more := signers(2, 2, 3, 50)
	r := &Rotation{Old: s.Tag(), Issued: t0, New: next}
	for _, k := range []sig.Private{keys[0], keys[2], more[0], more[1]} {
		if err := r.SignWith(s, k); err != nil {
			t.Fatal(err)
		}
	}
	got := fmt.Sprintf("set %x\nfile %x\nlabel %s\nrotation %x\n", s.Encode(), l.EncodeFile(), l.Root.Label(), r.Encode())
	want, err := os.ReadFile("testdata/vector.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s", got)
	}
}

func BenchmarkCheck(b *testing.B) {
	s, keys := signers(1, 3, 5, 1)
	l := build(b, s, keys[:3], 7, t0, 1000)
	root, leaf, x := l.Root.Encode(), l.Leaves[9].Encode(), trust(b, s)
	for b.Loop() {
		r, err := DecodeRoot(root)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Check(r, nil, Arrival{Now: t0}); err != nil {
			b.Fatal(err)
		}
		f, err := DecodeLeaf(leaf)
		if err != nil || r.CheckLeaf(f, false) != nil {
			b.Fatal(err)
		}
	}
}

package list

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
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

// Every flipped byte of a root or a leaf is refused.
func TestFlips(t *testing.T) {
	s, keys := signers(1, 3, 5, 1)
	l := build(t, s, keys[:3], 7, t0, 200)
	x := trust(t, s)
	at := Arrival{Now: t0 + 10}
	if _, err := x.Check(l.Root, nil, at); err != nil {
		t.Fatal(err)
	}
	root := l.Root.Encode()
	for i := range root {
		for _, bit := range []byte{1, 0x80} {
			b := bytes.Clone(root)
			b[i] ^= bit
			if r, err := DecodeRoot(b); err == nil {
				if _, err := x.Check(r, nil, at); err == nil {
					t.Errorf("flip of byte %d of the root is taken", i)
				}
			}
		}
	}
	leaf := l.Leaves[3].Encode()
	for i := range leaf {
		b := bytes.Clone(leaf)
		b[i] ^= 1
		if f, err := DecodeLeaf(b); err == nil && l.Root.CheckLeaf(f, true) == nil {
			t.Errorf("flip of byte %d of a leaf is taken", i)
		}
	}
	// a leaf of another list with the same peers
	other := build(t, s, keys[:3], 8, t0, 200)
	if err := other.Root.CheckLeaf(l.Leaves[3], true); reason(err) != BadLeaf {
		t.Errorf("leaf of another list: %v", err)
	}
}

// Every subset of five signers: three and more pass, fewer do not.
func TestSubsets(t *testing.T) {
	s, keys := signers(1, 3, 5, 1)
	x := trust(t, s)
	for set := range 1 << 5 {
		var by []sig.Private
		for i := range 5 {
			if set>>i&1 == 1 {
				by = append(by, keys[4-i]) // out of order: SignWith sorts
			}
		}
		l := build(t, s, by, 1, t0, 20)
		_, err := x.Check(l.Root, nil, Arrival{Now: t0})
		if (err == nil) != (len(by) >= 3) {
			t.Errorf("signers %05b: %v", set, err)
		}
	}
	l := build(t, s, keys[:4], 1, t0, 20)
	l.Root.Sigs[3].Sig[0] ^= 1 // three good ones do not help
	if _, err := x.Check(l.Root, nil, Arrival{Now: t0}); reason(err) != BadSignature {
		t.Errorf("one bad of four: %v", err)
	}
	if err := l.Root.SignWith(s, key(99)); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a stranger signs: %v", err)
	}
	l = build(t, s, keys[:2], 1, t0, 20)
	l.Root.Sigs = append(l.Root.Sigs, l.Root.Sigs[1]) // one signature twice is not two
	if _, err := DecodeRoot(l.Root.Encode()); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a signature twice: %v", err)
	}
}

func TestCheck(t *testing.T) {
	s, keys := signers(1, 3, 5, 1)
	strange, others := signers(1, 3, 5, 70)
	mk := func(seq, issued uint64) *Root { return build(t, s, keys[:3], seq, issued, 20).Root }
	held := func(r *Root) *Held { return Decision{Epoch: 1}.Held(r) }
	foreign := mk(1, t0)
	foreign.Network = Tag{9}
	twin, err := Draft{Set: s, Seq: 5, Issued: t0, Entries: entries(21)}.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys[:3] {
		if err := twin.Root.SignWith(s, k); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		root  *Root
		held  *Held
		at    Arrival
		want  Reason
		class Class
	}{
		{"first", mk(1, t0), nil, Arrival{Now: t0}, "", Fresh},
		{"newer", mk(6, t0), held(mk(5, t0)), Arrival{Now: t0}, "", Fresh},
		{"same", mk(5, t0), held(mk(5, t0)), Arrival{Now: t0}, "", Fresh},
		{"old", mk(4, t0), held(mk(5, t0)), Arrival{Now: t0}, Rollback, Useless},
		{"old by hand", mk(4, t0), held(mk(5, t0)), Arrival{Now: t0, Lenient: true}, Older, Useless},
		{"twin", twin.Root, held(mk(5, t0)), Arrival{Now: t0}, Equivocation, Useless},
		{"twin by hand", twin.Root, held(mk(5, t0)), Arrival{Now: t0, Lenient: true}, Equivocation, Useless},
		{"last second", mk(1, t0), nil, Arrival{Now: t0 + Life}, "", Fresh},
		{"expired", mk(1, t0), nil, Arrival{Now: t0 + Life + 1}, Expired, Stale},
		{"expired and old", mk(4, t0), held(mk(5, t0)), Arrival{Now: t0 + Life + 1}, Rollback, Useless},
		{"expired long ago", mk(1, t0), nil, Arrival{Now: t0 + Life + staleLife + 1}, Expired, Hint},
		{"ahead by a day", mk(1, t0), nil, Arrival{Now: t0 - day}, "", Fresh},
		{"ahead", mk(1, t0), nil, Arrival{Now: t0 - day - 1}, BadClock, Useless},
		{"ahead, but a later one was seen", mk(9, t0), nil, Arrival{Now: t0 - 9*day, Seen: t0 - 5}, "", Fresh},
		{"clock before the build", mk(1, t0), nil, Arrival{Now: 5, Build: t0 - 60*day}, "", Fresh},
		{"network", foreign, nil, Arrival{Now: t0}, OtherNetwork, Useless},
		{"set", build(t, strange, others[:3], 1, t0, 20).Root, nil, Arrival{Now: t0}, UnknownSet, Useless},
	} {
		d, err := trust(t, s).Check(c.root, c.held, c.at)
		if reason(err) != c.want || d.Class != c.class {
			t.Errorf("%s: class %d, %v", c.name, d.Class, err)
		}
		if err != nil && errors.Is(err, sig.ErrVerify) == (c.want == Older) {
			t.Errorf("%s: exit code of %v", c.name, err)
		}
	}
	if d, _ := trust(t, s).Check(mk(1, t0), nil, Arrival{Now: 5, Build: t0 - 60*day}); !d.Clock || d.Now != t0 {
		t.Errorf("clock before the build: %+v", d)
	}
}

func rotate(t *testing.T, old *Set, by []sig.Private, next *Set, with []sig.Private, issued uint64) *Rotation {
	t.Helper()
	r := &Rotation{Old: old.Tag(), Issued: issued, New: next}
	for _, k := range slices.Concat(by, with) {
		if err := r.SignWith(old, k); err != nil {
			t.Fatal(err)
		}
	}
	b := r.Encode()
	got, err := DecodeRotation(b)
	if err != nil || !bytes.Equal(got.Encode(), b) {
		t.Fatal(err)
	}
	return got
}

func TestRotation(t *testing.T) {
	s1, k1 := signers(1, 3, 5, 1)
	s2, k2 := signers(2, 2, 3, 20)
	s3, k3 := signers(3, 1, 1, 30)
	x := trust(t, s1)
	r12, r23 := rotate(t, s1, k1[:3], s2, k2[:2], t0), rotate(t, s2, k2[1:], s3, k3, t0+day)
	if _, err := x.Rotate(r23); reason(err) != UnknownSet {
		t.Errorf("a link is missing: %v", err)
	}
	for _, r := range []*Rotation{rotate(t, s1, k1[:2], s2, k2[:2], t0), rotate(t, s1, k1[:3], s2, k2[:1], t0),
		rotate(t, s1, k1[:3], s3, k3, t0)} {
		if _, err := x.Rotate(r); err == nil {
			t.Errorf("rotation with too few signatures or over an epoch is taken")
		}
	}
	// a list of the old set with the highest number there is: rotation heals it
	last := build(t, s1, k1[:3], 1<<63-1, t0, 20).Root
	d, err := x.Check(last, nil, Arrival{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	held := d.Held(last)
	for _, r := range []*Rotation{r12, r23, r12} {
		if alarm, err := x.Rotate(r); err != nil || alarm {
			t.Fatalf("alarm %v, %v", alarm, err)
		}
	}
	fresh := build(t, s3, k3, 1, t0+day, 20).Root
	d, err = x.Check(fresh, held, Arrival{Now: t0 + day})
	if err != nil || d.Epoch != 3 || x.Line(fresh) != x.Line(last) {
		t.Fatalf("list of the new set: %+v, %v", d, err)
	}
	if _, err := x.Check(last, d.Held(fresh), Arrival{Now: t0 + day}); reason(err) != Rollback {
		t.Errorf("the old set against a held list of the new one: %v", err)
	}
	if _, err := x.Check(last, nil, Arrival{Now: t0 + day}); err != nil {
		t.Errorf("the old set within 30 days: %v", err)
	}
	if _, err := x.Check(last, nil, Arrival{Now: t0 + 31*day}); reason(err) != UnknownSet {
		t.Errorf("the old set after 30 days: %v", err)
	}
}

// Two successors of one set: somebody holds k stolen keys. The list issued later wins, and both are told.
func TestFork(t *testing.T) {
	s1, k1 := signers(1, 3, 5, 1)
	a, ka := signers(2, 1, 1, 20)
	b, kb := signers(2, 1, 1, 21)
	x := trust(t, s1)
	if alarm, err := x.Rotate(rotate(t, s1, k1[:3], a, ka, t0)); alarm || err != nil {
		t.Fatal(alarm, err)
	}
	if alarm, err := x.Rotate(rotate(t, s1, k1[:3], b, kb, t0)); !alarm || err != nil {
		t.Fatal(alarm, err)
	}
	early, late := build(t, a, ka, 5, t0, 20).Root, build(t, b, kb, 1, t0+5, 20).Root
	d, err := x.Check(early, nil, Arrival{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	if d, err = x.Check(late, d.Held(early), Arrival{Now: t0}); err != nil || !d.Fork {
		t.Errorf("later list: %+v, %v", d, err)
	}
	if d, err := x.Check(early, d.Held(late), Arrival{Now: t0}); reason(err) != Rollback || !d.Fork {
		t.Errorf("earlier list: %+v, %v", d, err)
	}
}

func TestAddrs(t *testing.T) {
	onion := "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234"
	for _, s := range []string{"/ip4/8.8.8.8/tcp/4001", "/ip4/8.8.8.8/udp/4001/quic-v1", "/ip6/2600::1/tcp/1", "/dns/a.example/tcp/443/tls/ws",
		onion, "/dns4/a.example/tcp/443", "/ip4/8.8.8.8/udp/4001/quic-v1/webtransport"} {
		a, err := ReadAddrs([]string{s})
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		d := wire.NewReader(a[0].append(nil))
		b := readAddr(d)
		if err := d.End(); err != nil || len(b.Multiaddrs()) != 1 || b.Multiaddrs()[0] != s || !b.Public() {
			t.Errorf("%s: got %v, %v", s, b.Multiaddrs(), err)
		}
	}
	for _, s := range []string{"", "/", "/ip4/8.8.8.8", "/ip4/8.8.8.8/tcp/0", "/dns/A.example/tcp/1", "/dns/-a/tcp/1", "x",
		"/dns4/a.example/tcp/443/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"} {
		if a, err := ReadAddrs([]string{s}); err == nil {
			t.Errorf("%q is taken as %v", s, a)
		}
	}
	for _, s := range []string{"/ip4/127.0.0.1/tcp/1", "/ip4/10.1.1.1/tcp/1", "/ip4/100.64.0.1/tcp/1", "/ip4/0.0.0.1/tcp/1", "/ip4/224.0.0.1/tcp/1",
		"/ip4/169.254.1.1/tcp/1", "/ip4/255.255.255.255/tcp/1", "/ip6/fc00::1/tcp/1", "/ip6/::1/tcp/1", "/ip6/fe80::1/tcp/1", "/ip4/10.0.0.1/udp/1/quic-v1/webtransport"} {
		a, err := ReadAddrs([]string{s})
		if err != nil || a[0].Public() {
			t.Errorf("%s counts as public: %v", s, err)
		}
	}
	// a leaf that names one is refused as a whole
	s, keys := signers(1, 1, 1, 1)
	e := entries(3)
	e[1].Addrs, _ = ReadAddrs([]string{"/ip4/192.168.1.1/tcp/1"})
	l, err := Draft{Set: s, Seq: 1, Issued: t0, Entries: e}.Build()
	if err != nil || l.Root.SignWith(s, keys[0]) != nil {
		t.Fatal(err)
	}
	if _, err := Read(l.EncodeFile(), false); reason(err) != BadLeaf {
		t.Errorf("private address: %v", err)
	}
	if _, err := Read(l.EncodeFile(), true); err != nil {
		t.Errorf("private address that is allowed: %v", err)
	}
}

func TestPeerID(t *testing.T) {
	id := "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
	k, err := PeerKey(id)
	if err != nil || PeerID(k) != id {
		t.Errorf("got %s, %v", PeerID(k), err)
	}
	for _, s := range []string{"", "x", id[1:], strings.Repeat("1", 200), "QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ"} {
		if _, err := PeerKey(s); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// many are entries with keys that nobody can sign by: making those takes long.
func many(n int) []Entry {
	out := make([]Entry, n)
	addrs := entries(1)[0].Addrs
	for i := range out {
		binary.BigEndian.PutUint32(out[i].Key[:], uint32(i))
		out[i].Addrs = addrs
	}
	return out
}

func TestBuildRefuses(t *testing.T) {
	s, _ := signers(1, 1, 1, 1)
	twice := append(entries(2), entries(1)...)
	for name, d := range map[string]Draft{
		"nobody":   {Set: s, Seq: 1, Issued: t0},
		"twice":    {Set: s, Seq: 1, Issued: t0, Entries: twice},
		"seq":      {Set: s, Issued: t0, Entries: entries(1)},
		"life":     {Set: s, Seq: 1, Issued: t0, Expires: t0 + MaxLife + 1, Entries: entries(1)},
		"too many": {Set: s, Seq: 1, Issued: t0, Entries: many(MaxPeers + 1)},
		"leaves":   {Set: s, Seq: 1, Issued: t0, Entries: many(MaxPeers)},
		"room":     {Set: s, Seq: 1, Issued: t0, Entries: entries(1), Room: 40},
	} {
		if _, err := d.Build(); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l, err := (Draft{Set: s, Seq: 1, Issued: t0, Entries: many(MaxPeers), Room: MaxLeaf}).Build(); err != nil || l.Complete() != nil {
		t.Errorf("the largest list: %v", err)
	}
}

func TestAutoConf(t *testing.T) {
	s, keys := signers(1, 1, 1, 1)
	l := build(t, s, keys, 9, t0, 3)
	b, err := l.AutoConf("pars")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseAutoConf(b)
	if err != nil || len(got) != 6 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "[]", `{"AutoConfSchema":2}`, strings.Repeat(" ", MaxAutoConf+1)} {
		if _, err := ParseAutoConf([]byte(bad)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func FuzzDecodeRoot(f *testing.F) {
	s, keys := signers(1, 2, 3, 1)
	f.Add(build(f, s, keys[:2], 7, t0, 30).Root.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeRoot(b); err == nil && !bytes.Equal(r.Encode(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzDecodeLeaf(f *testing.F) {
	s, keys := signers(1, 2, 3, 1)
	f.Add(build(f, s, keys[:2], 7, t0, 200).Leaves[2].Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := DecodeLeaf(b); err == nil && !bytes.Equal(l.Encode(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzDecodeRotation(f *testing.F) {
	want, err := os.ReadFile("testdata/vector.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(want)) {
		if h, ok := strings.CutPrefix(strings.TrimSpace(line), "rotation "); ok {
			b, _ := hex.DecodeString(h)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeRotation(b); err == nil && !bytes.Equal(r.Encode(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzDecodeSet(f *testing.F) {
	s, _ := signers(1, 2, 3, 1)
	f.Add(s.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeSet(b); err == nil && !bytes.Equal(s.Encode(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzDecodeFile(f *testing.F) {
	s, keys := signers(1, 2, 3, 1)
	f.Add(build(f, s, keys[:2], 7, t0, 30).EncodeFile())
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := DecodeFile(b, true); err == nil && !bytes.Equal(l.EncodeFile(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzParseText(f *testing.F) {
	s, keys := signers(1, 2, 3, 1)
	l := build(f, s, keys[:2], 7, t0, 3)
	f.Add(l.Text())
	f.Add(TXT(l.Root.Encode()))
	f.Fuzz(func(t *testing.T, s string) {
		if l, err := ParseText(s, true); err == nil && l.Text() != strings.TrimSpace(s) {
			t.Errorf("%q has another form", s)
		}
		if b, ours, err := ParseTXT(s); ours && err == nil && TXT(b) != s {
			t.Errorf("%q has another form", s)
		}
	})
}

func FuzzParseAutoConf(f *testing.F) {
	f.Add([]byte(`{"AutoConfSchema":1,"SystemRegistry":{"a":{"NativeConfig":{"Bootstrap":["/ip4/8.8.8.8/tcp/1/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"]}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := ParseAutoConf(b); err == nil && len(list) > MaxPeers {
			t.Errorf("%d addresses", len(list))
		}
	})
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

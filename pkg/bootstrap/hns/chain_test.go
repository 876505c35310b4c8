package hns

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

var later = time.Unix(1_900_000_000, 0)

func mainNet(t testing.TB) (*Network, []byte) {
	t.Helper()
	n, err := LoadNetwork("main")
	if err != nil {
		t.Fatal(err)
	}
	b, err := built.ReadFile("data/main.checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	return n, b
}

// The 150 headers of the main net link, meet their targets, and the last three follow from the retarget rule.
func TestMainCheckpoint(t *testing.T) {
	n, b := mainNet(t)
	c, err := DecodeCheckpoint(n, b)
	if err != nil {
		t.Fatal(err)
	}
	if c.Tip().Height != 136_149 {
		t.Errorf("tip %v", c.Tip())
	}
	checked := 0
	for e := c.tip; e.prev != nil; e = e.prev {
		bits, ok := n.next(e.prev, e.time)
		if !ok {
			break
		}
		if checked++; bits != e.Bits {
			t.Errorf("%d: target %#x, want %#x", e.height, bits, e.Bits)
		}
	}
	if checked != 3 {
		t.Errorf("%d retargets could be checked", checked)
	}
	if got, want := n.ID().String()[:16], "5b6ef2d3c1f3cdca"; got != want {
		t.Errorf("first block %s, want %s", got, want)
	}
}

// Whatever byte of the checkpoint's headers is changed, the chain is refused.
func TestMainCheckpointFlips(t *testing.T) {
	n, b := mainNet(t)
	for i := 36 + HeaderSize; i < len(b); i += 37 {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		if _, err := DecodeCheckpoint(n, bad); !errors.Is(err, wire.ErrInvalid) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

// Targets follow the rule when blocks come faster and slower, and any other target is refused.
func TestRetarget(t *testing.T) {
	n := retargeting(t)
	c := newChain(t, n)
	grow(t, c, c.tip, 200, 600, 1)
	even := c.tip.Bits
	grow(t, c, c.tip, 160, 300, 1)
	fast := c.tip.Bits
	if target(fast).Cmp(target(n.Limit)) >= 0 {
		t.Fatal("the target is the easiest")
	}
	for _, bits := range []uint32{n.Limit, fast + 1, fast - 1, 0x20800000, 0xff000001, 0} {
		h := mine(t, n, c.tip, 600, Hash{}, 1)
		if h.Bits == bits {
			continue
		}
		if h.Bits = bits; target(bits) != nil {
			solve(h)
		}
		if _, err := c.Add(h, later); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("target %#x: %v", bits, err)
		}
	}
	grow(t, c, c.tip, 160, 1200, 1)
	slow := c.tip.Bits
	ratio := func(a, b uint32) float64 {
		x, y := target(a), target(b)
		return float64(x.Div(x, y.Rsh(y, 16)).Int64()) / 65536
	}
	if r := ratio(fast, even); r < 0.3 || r > 0.6 {
		t.Errorf("twice as fast: the target became %.2f", r)
	}
	if r := ratio(slow, fast); r < 1.8 || r > 8 {
		t.Errorf("four times as slow: the target became %.2f", r)
	}
}

func TestAddRefuses(t *testing.T) {
	n := easy(t)
	c := newChain(t, n)
	grow(t, c, c.tip, 30, 600, 1)
	good := func() *Header { return mine(t, n, c.tip, 600, Hash{9}, 3) }
	bent := func(change func(*Header)) *Header { h := good(); change(h); solve(h); return h }
	work := good()
	for limit := target(work.Bits); ; work.Nonce++ { // a nonce that is none
		if h := work.Hash(); limit.Cmp(bigOf(h)) < 0 {
			break
		}
	}
	pinned := good()
	for name, tc := range map[string]struct {
		h    *Header
		want error
	}{
		"no work":           {work, wire.ErrInvalid},
		"at the median":     {bent(func(h *Header) { h.Time = median(c.tip) }), wire.ErrInvalid},
		"no parent":         {bent(func(h *Header) { h.Prev = Hash{7} }), ErrOrphan},
		"from the future":   {bent(func(h *Header) { h.Time = uint64(later.Unix()) + future + 1 }), ErrFuture},
		"not the known one": {pinned, wire.ErrInvalid},
	} {
		if n.Pins = nil; tc.h == pinned {
			n.Pins = map[uint32]Hash{31: {1}}
		}
		tip, held := c.Tip(), len(c.known)
		if _, err := c.Add(tc.h, later); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
		if c.Tip() != tip || len(c.known) != held {
			t.Errorf("%s: changed the chain", name)
		}
	}
	n.Pins = nil
	if fresh, err := c.Add(good(), at(c.tip.time+600-future)); !fresh || err != nil {
		t.Errorf("two hours ahead: %v", err)
	}
}

// The branch with more work wins from either side of MaxReorg, whatever came first.
func TestReorg(t *testing.T) {
	for _, tc := range []struct {
		depth, length int
		want          error
	}{{3, 5, nil}, {MaxReorg, MaxReorg + 1, nil}, {MaxReorg + 1, MaxReorg + 2, ErrDeep}} {
		n := easy(t)
		c := newChain(t, n)
		grow(t, c, c.tip, 400, 600, 1)
		c.Trim()
		old := c.Tip()
		rival := newChain(t, n)
		*rival = *c
		prev := c.tip.back(tc.depth)
		var err error
		for range tc.length {
			h := mine(t, n, prev, 601, Hash{2}, 2)
			if _, err = c.Add(h, later); err != nil {
				break
			}
			prev = c.known[h.Hash()]
		}
		if !errors.Is(err, tc.want) {
			t.Errorf("%d deep: %v", tc.depth, err)
		}
		if moved := c.Tip() != old; moved != (tc.want == nil) {
			t.Errorf("%d deep: tip %v", tc.depth, c.Tip())
		}
	}
}

// Nobody replaces what the program ships, however much work he shows: the targets there cannot be checked.
func TestNoBranchBelowTheCheckpoint(t *testing.T) {
	n, b := mainNet(t)
	c, err := DecodeCheckpoint(n, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, back := range []int{1, 5, 100} {
		prev := c.tip.back(back)
		if _, err := c.Add(&Header{Prev: prev.hash, Time: prev.time + 600, Bits: n.Limit}, later); !errors.Is(err, ErrDeep) {
			t.Errorf("a branch %d below the checkpoint's end: %v", back, err)
		}
	}
	if _, err := c.Add(&Header{Prev: c.tip.hash, Time: c.tip.time + 600, Bits: n.Limit}, later); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("the easiest target on the main net: %v", err)
	}
	state, err := DecodeState(n, c.Encode())
	if err != nil || state.floor != c.floor || state.Anchor() != c.Anchor() {
		t.Errorf("the state begins elsewhere: %v", err)
	}
}

// The branch that was there first stays when another has as much work.
func TestEqualWorkStays(t *testing.T) {
	c := newChain(t, easy(t))
	grow(t, c, c.tip, 20, 600, 1)
	tip := c.Tip()
	grow(t, c, c.tip.back(4), 4, 600, 2)
	if c.Tip() != tip {
		t.Error("a branch of equal work took over")
	}
	grow(t, c, c.known[c.tip.hash], 1, 600, 1)
	if c.Tip().Height != 21 {
		t.Errorf("tip %v", c.Tip())
	}
}

// A stranger with a cheap chain cannot fill the memory with branches.
func TestBranchesAreBounded(t *testing.T) {
	c := newChain(t, easy(t))
	grow(t, c, c.tip, 50, 600, 1)
	prev, err := c.tip.back(40), error(nil)
	for i := range 2 * maxSide {
		h := mine(t, c.net, prev, 600, Hash{byte(i), byte(i >> 8)}, 7)
		if _, err = c.Add(h, later); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrForks) || c.side() > maxSide {
		t.Errorf("%d headers beside the chain, %v", c.side(), err)
	}
	grow(t, c, c.tip, 400, 600, 1)
	if c.Trim(); len(c.known) != Keep {
		t.Errorf("%d headers are held after old branches fell away", len(c.known))
	}
}

func TestSafeRoot(t *testing.T) {
	for _, tc := range []struct{ interval, tip, want uint32 }{{36, 35, 35}, {36, 36, 36}, {36, 40, 36}, {36, 47, 36}, {36, 48, 48}, {5, 146, 145}, {5, 149, 145}} {
		n := easy(t)
		n.Interval = tc.interval
		c := newChain(t, n)
		grow(t, c, c.tip, int(tc.tip), 600, 1)
		b, ok := c.Safe()
		if !ok || b.Height != tc.want {
			t.Errorf("tip %d of interval %d: %d, want %d", tc.tip, tc.interval, b.Height, tc.want)
		}
	}
	if _, ok := newChain(t, easy(t)).Safe(); ok {
		t.Error("the first block has a root")
	}
}

func TestState(t *testing.T) {
	for _, length := range []int{0, 10, Keep - 2, Keep, 900} {
		n := retargeting(t)
		c := newChain(t, n)
		grow(t, c, c.tip, length, 600, 1)
		c.Trim()
		b := c.Encode()
		got, err := DecodeState(n, b)
		if err != nil {
			t.Fatalf("%d: %v", length, err)
		}
		if got.Tip() != c.Tip() || got.Work().Cmp(c.Work()) != 0 || !bytes.Equal(got.Encode(), b) {
			t.Errorf("%d: another chain came back", length)
		}
		grow(t, got, got.tip, 200, 599, 1)
		if got.Trim(); len(got.known) > 2*Keep {
			t.Errorf("%d headers are held", len(got.known))
		}
	}
}

// A state with whatever byte changed, cut or of another network is refused.
func TestStateRefuses(t *testing.T) {
	n := retargeting(t)
	c := newChain(t, n)
	grow(t, c, c.tip, 500, 600, 1)
	c.Trim()
	b := c.Encode()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		bad, at := bytes.Clone(b), r.IntN(len(b))
		if i < 44 {
			at = i // magic, network, height and work, which no header confirms
		} else if i < 44+32 {
			at = len(b) - 1 - i%32 // the sum
		}
		bad[at] ^= 1 << r.IntN(8)
		if _, err := DecodeState(n, bad); !errors.Is(err, wire.ErrInvalid) {
			t.Fatal("a changed state is accepted")
		}
	}
	for _, size := range []int{0, 3, 40, len(b) - HeaderSize, len(b) - 1} {
		if _, err := DecodeState(n, b[:size]); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%d bytes are accepted", size)
		}
	}
	other, _ := mainNet(t)
	if _, err := DecodeState(other, b); !errors.Is(err, wire.ErrInvalid) {
		t.Error("a state of another network is accepted")
	}
	low := newChain(t, n)
	grow(t, low, low.tip, 5, 600, 1)
	list := []*entry{low.tip, low.tip.prev}
	if _, err := DecodeState(n, low.encode(low.tip.prev, list)); !errors.Is(err, wire.ErrInvalid) {
		t.Error("a state that was cut below is accepted")
	}
}

func TestLocator(t *testing.T) {
	c := newChain(t, easy(t))
	grow(t, c, c.tip, 600, 600, 1)
	c.Trim()
	list := c.Locator()
	if list[0] != c.tip.back(overlap).hash || list[len(list)-1] != c.Anchor() || len(list) > 20 {
		t.Errorf("%d hashes", len(list))
	}
}

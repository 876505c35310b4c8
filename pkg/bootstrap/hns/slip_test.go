package hns

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A chain that hsd mined, and what it proves of a name that was bought on it and of one that nobody has.
func TestSlipsOfHsd(t *testing.T) {
	c, err := DecodeState(easy(t), file(t, "regtest.chain"))
	if err != nil {
		t.Fatal(err)
	}
	good, err := DecodeSlip(file(t, "parsgood.slip"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := good.Check(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%d %v %q", a.Resource.DS[0].Tag, a.Resource.NS, a.Resource.TXT); got != `9535 [{ns1.parsgood. 127.0.53.4}] [["pars1 h=00 q=7"]]` {
		t.Error(got)
	}
	if !bytes.Equal(a.Slip().Proof.Encode(), good.Proof.Encode()) || a.Block.Height > good.Height {
		t.Errorf("the answer is of %v", a.Block)
	}
	absent, err := DecodeSlip(file(t, "absent.slip"))
	if err != nil {
		t.Fatal(err)
	}
	if a, err := absent.Check(c); !errors.Is(err, wire.ErrNotFound) || errors.Is(err, wire.ErrInvalid) || a == nil || a.State != nil {
		t.Errorf("%+v, %v", a, err)
	}
	absent.Name = good.Name
	if _, err := absent.Check(c); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a name that exists is shown absent: %v", err)
	}
	good.Name = "parsgone"
	if _, err := good.Check(c); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("the proof serves another name: %v", err)
	}
}

// A slip is refused with whatever bit changed; only the height is a word that nothing hangs on.
func TestSlipFlips(t *testing.T) {
	c, err := DecodeState(easy(t), file(t, "regtest.chain"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"parsgood.slip", "absent.slip"} {
		b := file(t, name)
		height := len(slipMagic) + 1 + int(b[len(slipMagic)])
		for i := range len(b) * 8 {
			if i/8 >= height && i/8 < height+4 {
				continue
			}
			bad := bytes.Clone(b)
			bad[i/8] ^= 1 << (i % 8)
			s, err := DecodeSlip(bad)
			var a *Answer
			if err == nil {
				a, err = s.Check(c)
			}
			if a != nil && a.State == nil && s.Name != "nobody-has-this" {
				continue // another name that nobody has, with the same empty place: the truth
			}
			if err == nil || a != nil {
				t.Errorf("%s, bit %d: %v, %v", name, i, a, err)
			}
		}
	}
}

// A root counts when it is as deep as Safe wants it; another chain's, or one too new, does not.
func TestSlipRoots(t *testing.T) {
	c := newChain(t, easy(t))
	grow(t, c, c.tip, 23, 600, 1)
	for _, tc := range []struct {
		root Hash
		ok   bool
	}{{c.tip.back(3).Tree, true}, {c.tip.Tree, false}, {Hash{1, 2, 3}, false}} {
		if _, ok := c.holds(tc.root); ok != tc.ok {
			t.Errorf("root %v: %v", tc.root, ok)
		}
	}
	if _, ok := newChain(t, easy(t)).holds(Hash{}); ok {
		t.Error("the first block's root counts")
	}
}

package readers

import (
	"bytes"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
)

// TestTx: without a node that follows the chain a transaction is carried on by its form; what is torn or over is not.
func TestTx(t *testing.T) {
	good := (&Tx{Chain: 7, Raw: []byte{1, 2, 3}}).Encode()
	over := (&Tx{Chain: 7, Raw: []byte{1}, NotAfter: uint64(noon().Unix()) - 1}).Encode()
	took := 0
	node := Home{Chain: Chain{Tx: func(Tx, time.Time) error { return nil }, TakeTx: func(x Tx) error { took += int(x.Raw[2]); return nil }}}
	for _, x := range []struct {
		name string
		home Home
		b    []byte
		want string
	}{
		{"good", Home{}, good, "cannot"}, {"torn", Home{}, good[:4], "refused"}, {"longer", Home{}, append(bytes.Clone(good), 0), "refused"},
		{"over", Home{}, over, "refused"}, {"good, followed", node, good, "verified"}, {"over, followed", node, over, "refused"},
	} {
		if got := check(x.home, bundle.KindTx, x.b, noon()); got != x.want {
			t.Errorf("%s: %s", x.name, got)
		}
	}
	if err := Of(node)[bundle.KindTx].Take(good, noon()); err != nil || took != 3 {
		t.Errorf("taken %d, %v", took, err)
	}
}

// FuzzDecodeTx: what reads writes the same bytes.
func FuzzDecodeTx(f *testing.F) {
	f.Add((&Tx{Chain: 7, Raw: []byte{1, 2, 3}, NotAfter: 9}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := DecodeTx(b); err == nil && !bytes.Equal(x.Encode(), b) {
			t.Errorf("%x writes %x", b, x.Encode())
		}
	})
}

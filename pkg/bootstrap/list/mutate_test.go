package list

import (
	"bytes"
	"testing"

	"github.com/pars-network/pars/internal/evil"
)

func TestMutated(t *testing.T) { mutated(t, 1, 20_000) }

// mutated reads n changed roots, leaves, rotations and files: what is read has one form, and what was changed is not taken.
func mutated(t *testing.T, seed uint64, n int) {
	s, keys := signers(1, 2, 3, 1)
	next, more := signers(2, 2, 3, 4)
	l := build(t, s, keys[:2], 7, t0, 30)
	x := trust(t, s)
	seeds := [][]byte{l.Root.Encode(), l.Leaves[0].Encode(), l.EncodeFile(), s.Encode(), rotate(t, s, keys[:2], next, more[:2], t0).Encode(), []byte(l.Text()), []byte(TXT(l.Root.Encode()))}
	evil.Mutated(t, seed, n, 64<<10, seeds, func(b []byte) {
		if r, err := DecodeRoot(b); err == nil {
			if !bytes.Equal(r.Encode(), b) {
				t.Errorf("%x has another form", b)
			}
			if d, err := x.Check(r, nil, Arrival{Now: t0 + 1}); err == nil && !bytes.Equal(b, seeds[0]) {
				t.Errorf("%x is taken: %+v", b, d)
			}
		}
		if leaf, err := DecodeLeaf(b); err == nil {
			fresh := &List{Root: l.Root}
			if !bytes.Equal(leaf.Encode(), b) || fresh.Add(leaf, true) == nil && !bytes.Equal(b, l.Leaves[leaf.Index].Encode()) {
				t.Errorf("leaf %x is taken, or has another form", b)
			}
		}
		if r, err := DecodeRotation(b); err == nil {
			if _, err := trust(t, s).Rotate(r); !bytes.Equal(r.Encode(), b) || err == nil && !bytes.Equal(b, seeds[4]) {
				t.Errorf("rotation %x is taken, or has another form", b)
			}
		}
		if set, err := DecodeSet(b); err == nil && !bytes.Equal(set.Encode(), b) {
			t.Errorf("set %x has another form", b)
		}
		if f, err := DecodeFile(b, true); err == nil && !bytes.Equal(f.EncodeFile(), b) {
			t.Errorf("file %x has another form", b)
		}
		ParseText(string(b), true)
		ParseTXT(string(b))
		ParseAutoConf(b)
	})
}

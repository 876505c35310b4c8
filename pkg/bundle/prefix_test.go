package bundle

import (
	"bytes"
	"testing"
)

// groups returns n keys.
func groups(n int) (out []Key) {
	for i := range n {
		out = append(out, keyOf(uint64(1000+i)))
	}
	return out
}

// TestEnds damages the copies of the slots, for one recipient up to the most: the courier key alone brings the file back
// bit for bit, and a recipient opens it from either end.
func TestEnds(t *testing.T) {
	for recipients, sectors := range map[int]int{1: 1, 100: 2, 1007: 16} {
		o := sealed(keyOf(1))
		o.To.Groups = groups(recipients)
		file, p := pack(t, o, sample(8, 400_000))
		n := sectors * SectorSize
		zero := func(b []byte, from, to int) { clear(b[from:to]) }
		for name, damage := range map[string]func(b []byte){
			"first copy":                func(b []byte) { zero(b, 0, n) },
			"last copy":                 func(b []byte) { zero(b, len(b)-n, len(b)) },
			"first copy and the bridge": func(b []byte) { zero(b, 0, n+min(4, sectors)*SectorSize) },
			"a unit of each":            func(b []byte) { zero(b, 320, 384); zero(b, len(b)-n+640, len(b)-n+704) },
		} {
			b := bytes.Clone(file)
			damage(b)
			f := open(t, b, Keys{Groups: o.To.Groups[:1]})
			if got := read(t, f); len(got) == 0 || f.Report.Whole() || !f.Report.Sound() {
				t.Fatalf("%d recipients, %s: %d records, %+v", recipients, name, len(got), f.Report)
			}
			var out bytes.Buffer
			if err := open(t, b, Keys{Courier: &p.Courier}).Repair(&out); err != nil || !bytes.Equal(out.Bytes(), file) {
				t.Errorf("%d recipients, %s: not repaired: %v", recipients, name, err)
			}
		}
	}
}

// TestEndsDiffer: nothing that stands twice tells what a file or a part is.
func TestEndsDiffer(t *testing.T) {
	k := keyOf(3)
	for _, parity := range []int{0, 800} {
		o := sealed(keyOf(1))
		o.Parity = parity
		file, _ := pack(t, o, sample(8, 50_000))
		all := append(splitOf(t, file, 3, 2, SplitKey{Key: &k}), file)
		for i, b := range all {
			if n := shared(b[:len(b)/2], b[len(b)/2:]); n > 0 {
				t.Errorf("file %d: %d strings of 8 bytes stand in both halves", i, n)
			}
			if i > 0 && i < 3 && shared(all[0], b) > 0 {
				t.Errorf("parts 0 and %d share bytes", i)
			}
		}
	}
}

// TestEndsWithoutParity: nothing is mended, and that is told.
func TestEndsWithoutParity(t *testing.T) {
	o := sealed(keyOf(1))
	o.Parity = 0
	file, _ := pack(t, o, sample(8, 50_000))
	for _, at := range []int{100, len(file) - 100} {
		b := bytes.Clone(file)
		b[at] ^= 1
		f := open(t, b, Keys{Groups: o.To.Groups})
		if got := read(t, f); len(got) == 0 || f.Report.Whole() || f.Report.Prefixes != 1 {
			t.Errorf("byte %d: %d records, %+v", at, len(got), f.Report)
		}
		if err := open(t, b, Keys{Groups: o.To.Groups}).Repair(&bytes.Buffer{}); err == nil {
			t.Errorf("byte %d: repaired without parity", at)
		}
	}
}

package bundle

import (
	"bytes"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"testing"
)

// damages are what happens to files. Each changes a copy and says whether parity must mend it.
func damages() map[string]func(r *mrand.Rand, b []byte) (out []byte, mends bool) {
	return map[string]func(*mrand.Rand, []byte) ([]byte, bool){
		"flip": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			for range 1 + r.IntN(3) {
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			return b, true
		},
		"sectors": func(r *mrand.Rand, b []byte) ([]byte, bool) { // 5 % of all, blank or foreign
			n := len(b) / SectorSize
			for range max(1, n*3/100) {
				at := (1 + r.IntN(n-2)) * SectorSize
				copy(b[at:at+SectorSize], seeded(r.Uint64(), SectorSize))
			}
			return b, true
		},
		"many sectors": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			n := len(b) / SectorSize
			for range n / 4 {
				at := r.IntN(n) * SectorSize
				clear(b[at : at+SectorSize])
			}
			return b, false
		},
		"burst": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			n := len(b) / 20
			at := r.IntN(len(b) - n)
			clear(b[at : at+n])
			return b, true
		},
		"cut": func(r *mrand.Rand, b []byte) ([]byte, bool) { return b[:SectorSize+r.IntN(len(b)-SectorSize)], false },
		"last sector": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			return b[:len(b)-SectorSize], true
		},
		"first sector": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			clear(b[:SectorSize])
			return b, true
		},
		"halves": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			at := len(b) / SectorSize / 2 * SectorSize
			return append(append([]byte{}, b[at:]...), b[:at]...), true
		},
		"parts": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			at := (1 + r.IntN(len(b)/SectorSize-1)) * SectorSize
			return append(append([]byte{}, b[at:]...), b[:at]...), true
		},
		"removed": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			at := SectorSize + r.IntN(len(b)-3*SectorSize)
			return append(append([]byte{}, b[:at]...), b[at+1+r.IntN(SectorSize):]...), true
		},
		"inserted": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			at := SectorSize + r.IntN(len(b)-3*SectorSize)
			out := append([]byte{}, b[:at]...)
			out = append(out, seeded(r.Uint64(), 1+r.IntN(SectorSize))...)
			return append(out, b[at:]...), true
		},
		"foreign behind": func(r *mrand.Rand, b []byte) ([]byte, bool) {
			return append(b, seeded(r.Uint64(), 5000)...), true
		},
	}
}

// subset reports whether got are records of list, in order.
func subset(got, list []Record) bool {
	i := 0
	for _, r := range got {
		for i < len(list) && !list[i].Equal(r) {
			i++
		}
		if i == len(list) {
			return false
		}
		i++
	}
	return true
}

// oneDamage damages file and checks what can be read, verified and repaired of it.
func oneDamage(t *testing.T, name string, seed uint64, file []byte, list []Record, keys Keys, courier Key) {
	t.Helper()
	r := mrand.New(mrand.NewPCG(seed, 9))
	b, mends := damages()[name](r, bytes.Clone(file))
	f, err := Open(bytes.NewReader(b), int64(len(b)), keys)
	if err != nil {
		if mends || !errors.Is(err, ErrNotForUs) {
			t.Fatalf("%s seed %d: %v", name, seed, err)
		}
		return
	}
	got := read(t, f)
	if f.Report.Whole() && !bytes.Equal(b, file) {
		t.Fatalf("%s seed %d: a damaged file is called whole", name, seed)
	}
	if !subset(got, list) {
		t.Fatalf("%s seed %d: records that nobody packed", name, seed)
	}
	if f.Report.Chunks.Forged {
		t.Fatalf("%s seed %d: damage passes for a forgery: %+v", name, seed, f.Report.Chunks)
	}
	if mends && (len(got) != len(list) || !f.Report.Sound()) {
		t.Fatalf("%s seed %d: %d of %d records, report %+v", name, seed, len(got), len(list), f.Report)
	}
	if !mends {
		return
	}
	c, err := Open(bytes.NewReader(b), int64(len(b)), Keys{Courier: &courier})
	if err != nil {
		t.Fatalf("%s seed %d: courier: %v", name, seed, err)
	}
	var out bytes.Buffer
	if err := c.Repair(&out); err != nil || !bytes.Equal(out.Bytes(), file) {
		t.Fatalf("%s seed %d: repaired: %v, equal %v", name, seed, err, bytes.Equal(out.Bytes(), file))
	}
}

func damageCases(t *testing.T, n int, first uint64) {
	g := keyOf(1)
	type kase struct {
		file []byte
		list []Record
		key  Key
	}
	var kases []kase
	for i, size := range []int{400 << 10, 1 << 20, 2500 << 10} {
		list := sample(uint64(i), size)
		b, p := pack(t, sealed(g), list)
		kases = append(kases, kase{b, list, p.Courier})
	}
	i := first
	for range n {
		for name := range damages() {
			k := kases[i%uint64(len(kases))]
			oneDamage(t, name, i, k.file, k.list, Keys{Groups: []Key{g}}, k.key)
			i++
		}
	}
}

func TestDamage(t *testing.T) { damageCases(t, 4, 1) }

// TestSalvage damages more than parity holds: every chunk whose sectors are all there comes out.
func TestSalvage(t *testing.T) {
	g := keyOf(1)
	o := sealed(g)
	o.Parity = 0
	list := sample(3, 3<<20)
	file, p := pack(t, o, list)
	for seed := range uint64(10) {
		r := mrand.New(mrand.NewPCG(seed, 4))
		b := bytes.Clone(file)
		hit := map[int64]bool{}
		for range 3 {
			s := 1 + r.IntN(len(b)/SectorSize-2)
			clear(b[s*SectorSize : (s+1)*SectorSize])
			hit[int64(s-1)] = true
		}
		f := open(t, b, Keys{Groups: []Key{g}})
		got := read(t, f)
		if want := p.Chunks - 2*len(hit); int(f.Report.Chunks.Good) < want {
			t.Errorf("seed %d: %d of %d chunks with %d sectors lost", seed, f.Report.Chunks.Good, p.Chunks, len(hit))
		}
		if !subset(got, list) || f.Report.Sound() || f.Report.Whole() {
			t.Errorf("seed %d: report %+v", seed, f.Report)
		}
	}
}

// TestBothPrefixes damages both copies of the slots at different places: they are joined; at the same place, and repair
// says so.
func TestBothPrefixes(t *testing.T) {
	g := keyOf(1)
	list := sample(2, 100000)
	file, p := pack(t, sealed(g), list)
	b := bytes.Clone(file)
	for i := range 4 {
		b[500+i*700] ^= 1
		b[len(b)-SectorSize+900+i*700] ^= 1
	}
	var out bytes.Buffer
	c := open(t, b, Keys{Courier: &p.Courier})
	if err := c.Repair(&out); err != nil || !bytes.Equal(out.Bytes(), file) {
		t.Errorf("%v, equal %v", err, bytes.Equal(out.Bytes(), file))
	}
	b[len(b)-SectorSize+500] ^= 2
	c = open(t, b, Keys{Courier: &p.Courier})
	if err := c.Repair(&bytes.Buffer{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("slots that are lost in both copies: %v", err)
	}
}

// TestTwoBundles reads two files that were put behind each other.
func TestTwoBundles(t *testing.T) {
	g := keyOf(1)
	one, two := sample(1, 300000), sample(2, 300000)
	a, _ := pack(t, sealed(g), one)
	b, _ := pack(t, sealed(g), two)
	all := append(bytes.Clone(a), b...)
	f := open(t, all, Keys{Groups: []Key{g}})
	if got := read(t, f); !sameRecords(got, one) || f.Report.Whole() || !f.Report.Sound() {
		t.Errorf("%d records, report %+v", len(got), f.Report)
	}
	if f.End() != int64(len(a)) {
		t.Fatalf("the first ends at %d, not %d", f.End(), len(a))
	}
	f = open(t, all[f.End():], Keys{Groups: []Key{g}})
	if got := read(t, f); !sameRecords(got, two) || !f.Report.Whole() {
		t.Errorf("%d records, report %+v", len(got), f.Report)
	}
}

// TestEveryFlip flips bits all over a small file: whoever reads it never calls it whole.
func TestEveryFlip(t *testing.T) {
	g := keyOf(1)
	for _, form := range []string{FormSealed, FormCompact, FormOpen} {
		o := sealed(g)
		if o.Form = form; form == FormOpen {
			o.To = Recipients{}
		}
		list := sample(4, 20000)
		file, p := pack(t, o, list)
		for at := 0; at < len(file); at += 1 + len(file)/300 {
			b := bytes.Clone(file)
			b[at] ^= 0x40
			f, err := Open(bytes.NewReader(b), int64(len(b)), Keys{Groups: []Key{g}})
			if err != nil {
				continue
			}
			if got := read(t, f); f.Report.Whole() || !subset(got, list) {
				t.Fatal(fmt.Sprint(form, " flip at ", at, " of ", len(file), " is not seen"))
			}
		}
		_ = p
	}
}

package vertex

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

func key(i byte) sig.Private { return sig.FromSeed([32]byte{i}) }

// history returns n items by a authors, each naming up to three recent heads, in causal order.
func history(seed uint64, n, a int) []Item {
	r := rand.New(rand.NewPCG(seed, 1))
	session := SessionOf(key(0).Public())
	tips := make([]*Item, a)
	items := make([]Item, 0, n)
	for i := range n {
		w := r.IntN(a)
		if i == 0 {
			w = 0
		}
		v := Vertex{Session: session, Author: key(byte(w)).Public(), HLC: 1e12 + uint64(i)*1000, Kind: App}
		if t := tips[w]; t != nil {
			v.Seq, v.Prev, v.Lamport = t.Seq+1, t.ID, t.Lamport
		}
		for range min(i, r.IntN(4)) {
			p := &items[len(items)-1-r.IntN(min(len(items), 6))]
			if p.ID != v.Prev && !slices.Contains(v.Parents, p.ID) {
				v.Parents = append(v.Parents, p.ID)
				v.Lamport = max(v.Lamport, p.Lamport)
			}
		}
		if v.Seq == 0 && len(v.Parents) == 0 && i > 0 {
			v.Parents = []ID{items[0].ID}
			v.Lamport = 1
		}
		slices.SortFunc(v.Parents, ID.Compare)
		v.Lamport++
		body := make([]byte, 40+r.IntN(60))
		for j := range body {
			body[j] = byte(r.Uint32())
		}
		copy(body, "\x01\x01kid-kid-\x00\x00\x00\x00")
		if r.IntN(8) == 0 {
			v.Kind, body = Receipt, []byte{}
		}
		items = append(items, Seal(v, body, key(byte(w))))
		tips[w] = &items[len(items)-1]
	}
	return items
}

func TestVectors(t *testing.T) {
	want, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	items := history(7, 6, 3)
	for i := range items {
		b.WriteString(items[i].ID.String() + " " + hex.EncodeToString(items[i].Append(nil)) + "\n")
	}
	run, err := Pack(items, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString("run " + hex.EncodeToString(run) + "\n")
	if os.Getenv("REWRITE") != "" {
		if err := os.WriteFile("testdata/vectors.txt", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if b.String() != string(want) {
		t.Errorf("the frozen bytes changed:\n%s", b.String())
	}
}

func TestItemRoundTrip(t *testing.T) {
	var stream []byte
	items := history(1, 50, 4)
	items[3].Signed = false
	items[4].Body, items[4].Kind = nil, App
	for i := range items {
		stream = items[i].Append(stream)
	}
	r := bufio.NewReaderSize(bytes.NewReader(stream), MaxItem)
	for i := range items {
		got, err := ReadItem(r)
		if err != nil {
			t.Fatalf("item %d: %v", i, err)
		}
		if !bytes.Equal(got.Append(nil), items[i].Append(nil)) || got.Signed != items[i].Signed {
			t.Fatalf("item %d is not what was written", i)
		}
	}
	if _, err := ReadItem(r); err != io.EOF {
		t.Errorf("end: %v", err)
	}
}

func TestReadItemGoesOnAfterABadOne(t *testing.T) {
	items := history(2, 3, 2)
	bad := items[1]
	bad.Body = slices.Clone(bad.Body)
	if bad.Size == 0 {
		t.Fatal("choose another seed")
	}
	bad.Body[0] ^= 1
	stream := items[2].Append(bad.Append(items[0].Append(nil)))
	r := bufio.NewReaderSize(bytes.NewReader(stream), MaxItem)
	var got []string
	for {
		it, err := ReadItem(r)
		if err == io.EOF {
			break
		}
		var re *RefusedError
		if errors.As(err, &re) {
			got = append(got, string(re.Reason))
			continue
		}
		got = append(got, it.ID.String()[:4])
	}
	want := []string{items[0].ID.String()[:4], "body", items[2].ID.String()[:4]}
	if !slices.Equal(got, want) {
		t.Errorf("got %v want %v", got, want)
	}
}

// TestEveryFlipIsRefusedOrAnother flips every bit of an item: none may decode to the same vertex.
func TestEveryFlipIsRefusedOrAnother(t *testing.T) {
	it := history(3, 9, 3)[8]
	whole := it.Append(nil)
	for i := range len(whole) * 8 {
		b := slices.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		got, rest, err := DecodeItem(b)
		if err != nil {
			continue
		}
		if got.ID == it.ID && got.Sig == it.Sig && bytes.Equal(got.Body, it.Body) {
			t.Fatalf("bit %d changes nothing", i)
		}
		if n := len(b) - len(rest); !bytes.Equal(got.Append(nil), b[:n]) {
			t.Fatalf("bit %d: accepted, but not canonical", i)
		}
	}
}

func TestReasons(t *testing.T) {
	items := history(4, 60, 3)
	base := items[slices.IndexFunc(items, func(it Item) bool { return it.Seq > 0 && len(it.Parents) > 1 && it.Kind == App })]
	m := func(f func(v *Vertex)) []byte { v := base.Vertex; f(&v); return v.AppendMap(nil) }
	swap := slices.Clone(base.Parents)
	swap[0], swap[1] = swap[1], swap[0]
	version := m(func(*Vertex) {})
	version[2] = 2
	for name, c := range map[string]struct {
		b    []byte
		want Reason
	}{
		"version":  {version, BadVersion},
		"kind":     {m(func(v *Vertex) { v.Kind = 7 }), BadKind},
		"kind 3":   {m(func(v *Vertex) { v.Kind = 3 }), BadKind},
		"receipt":  {m(func(v *Vertex) { v.Kind = Receipt }), BadBody},
		"no body":  {m(func(v *Vertex) { v.Size = 0 }), BadBody},
		"order":    {m(func(v *Vertex) { v.Parents = swap }), BadParents},
		"prev":     {m(func(v *Vertex) { v.Prev = v.Parents[0] }), BadParents},
		"seq 0":    {append(append([]byte{}, m(func(v *Vertex) { v.Seq = 0 })...), 0), BadCanonical},
		"lamport":  {m(func(v *Vertex) { v.Lamport = 0 }), BadLamport},
		"trailing": {append(m(func(*Vertex) {}), 0), BadCanonical},
		"big seq":  {m(func(v *Vertex) { v.Seq = 1 << 40 }), BadCanonical},
		"empty":    {nil, BadCanonical},
		"huge":     {make([]byte, MaxItem+1), BadSize},
	} {
		_, err := Decode(c.b)
		var re *RefusedError
		if !errors.As(err, &re) || re.Reason != c.want {
			t.Errorf("%s: got %v want %s", name, err, c.want)
		}
		if !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: not an ErrInvalid", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, it := range history(5, 5, 2) {
		f.Add(it.AppendMap(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := Decode(b); err == nil && !bytes.Equal(v.AppendMap(nil), b) {
			t.Error("accepted, but not canonical")
		}
	})
}

func FuzzDecodeItem(f *testing.F) {
	for _, it := range history(5, 5, 2) {
		f.Add(it.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if it, rest, err := DecodeItem(b); err == nil && !bytes.Equal(it.Append(nil), b[:len(b)-len(rest)]) {
			t.Error("accepted, but not canonical")
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	it := history(1, 30, 3)[29]
	var buf []byte
	for b.Loop() {
		buf = it.Append(buf[:0])
	}
}

func BenchmarkEncodeFresh(b *testing.B) {
	it := history(1, 30, 3)[29]
	it.Body = make([]byte, 440)
	for b.Loop() {
		it.Append(nil)
	}
}

func BenchmarkDecodeItem(b *testing.B) {
	whole := new(Item)
	*whole = history(1, 30, 3)[29]
	whole.Body = make([]byte, 500)
	whole.SetBody(whole.Body)
	buf := whole.Append(nil)
	for b.Loop() {
		if _, _, err := DecodeItem(buf); err != nil {
			b.Fatal(err)
		}
	}
}

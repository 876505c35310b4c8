package bundle

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	mrand "math/rand/v2"
	"testing"
)

// seeded returns n bytes that follow from a seed.
func seeded(seed uint64, n int) []byte {
	b := make([]byte, n)
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	mrand.NewChaCha8(key).Read(b)
	return b
}

func keyOf(seed uint64) Key { return Key(seeded(seed, 32)) }

// sample is a list of records of about n bytes.
func sample(seed uint64, n int) []Record {
	r := mrand.New(mrand.NewPCG(seed, 1))
	var out []Record
	for size := 0; size < n; {
		l := 100 + r.IntN(9000)
		out = append(out, Record{Kind: KindVertices, Payload: seeded(r.Uint64(), l)})
		size += l
	}
	for i := range 5 {
		out = append(out, Record{Kind: KindList, Payload: append([]byte{byte(i)}, bytes.Repeat([]byte("seed.example "), 10+r.IntN(90))...)})
	}
	return out
}

func sealed(group Key) Options {
	return Options{To: Recipients{Groups: []Key{group}}, Form: FormSealed, Parity: 800, Created: 490000, Secret: keyOf(77), Rand: rand.Reader}
}

func pack(t testing.TB, o Options, list []Record) ([]byte, *Packed) {
	t.Helper()
	var b bytes.Buffer
	p, err := Pack(&b, Records(list...), o)
	if err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != p.Size {
		t.Fatalf("%d bytes written, %d told", b.Len(), p.Size)
	}
	return b.Bytes(), p
}

func open(t testing.TB, b []byte, keys Keys) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)), keys)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// read returns all records that come out of f.
func read(t testing.TB, f *File) []Record {
	t.Helper()
	var out []Record
	err := f.Check(func(c *Chunk) error {
		for _, r := range c.Records {
			out = append(out, Record{Kind: r.Kind, Payload: bytes.Clone(r.Payload)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sameRecords(a, b []Record) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

package bundle

import (
	"bytes"
	"io"
	"testing"
)

func benchList() []Record {
	var out []Record
	for i := range 1400 {
		out = append(out, Record{Kind: KindPiece, Payload: seeded(uint64(i), 190<<10)})
	}
	return out
}

func BenchmarkPack(b *testing.B) {
	list := benchList()
	b.SetBytes(1400 * 190 << 10)
	for b.Loop() {
		if _, err := Pack(io.Discard, Records(list...), sealed(keyOf(1))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	list := benchList()
	var file bytes.Buffer
	if _, err := Pack(&file, Records(list...), sealed(keyOf(1))); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(1400 * 190 << 10)
	for b.Loop() {
		f, err := Open(bytes.NewReader(file.Bytes()), int64(file.Len()), Keys{Groups: []Key{keyOf(1)}})
		if err == nil {
			err = f.Check(nil)
		}
		if err != nil || !f.Report.Whole() {
			b.Fatal(err)
		}
	}
}

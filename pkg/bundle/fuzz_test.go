package bundle

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/sig"
)

// goodChunk is one signed chunk.
func goodChunk(zip bool) []byte {
	key := sig.FromSeed(keyOf(3))
	h := Head{Exporter: key.Public(), Created: 5, Counts: []Count{{KindList, 2, 30}}}
	raw := append(Record{Kind: KindList, Payload: []byte("one")}.Append(nil), Record{Kind: KindList, Payload: bytes.Repeat([]byte("two"), 99)}.Append(nil)...)
	d := draft{raw: raw, stored: raw}
	if zip {
		d.stored, d.zipped, _ = (&codec{}).pack(raw)
	}
	d.sum = sha256.Sum256(raw)
	b, _ := d.append(nil, &h, 0, true, &key)
	return b
}

func FuzzDecodeChunk(f *testing.F) {
	f.Add(goodChunk(false))
	f.Add(goodChunk(true))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeChunk(b)
		if err != nil {
			return
		}
		if len(c.Records) > MaxChunk || c.Head == nil {
			t.Fatal("accepted what is none")
		}
	})
}

func FuzzDecodeRecords(f *testing.F) {
	f.Add(append(Record{Kind: KindList, Payload: []byte("one")}.Append(nil), Record{Kind: KindTx, Payload: []byte("two")}.Append(nil)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := DecodeRecords(b)
		if err != nil {
			return
		}
		var again []byte
		for _, r := range list {
			again = r.Append(again)
		}
		if !bytes.Equal(again, b) {
			t.Fatal("another encoding was accepted")
		}
	})
}

func FuzzDecodeHead(f *testing.F) {
	h := Head{Created: 9, Counts: []Count{{KindVertices, 1, 2}, {KindCard, 3, 4}}}
	f.Add(h.record().Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHead(b)
		if err == nil && !bytes.Equal(h.record().Payload, b) {
			t.Fatal("another encoding was accepted")
		}
	})
}

func FuzzDecodeSectorHead(f *testing.F) {
	info := shape{data: 3, parity: 2, used: sectorBody, prefix: 1}.info(4, 1)
	f.Add(info.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSectorHead(b)
		if err == nil && !bytes.Equal(s.append(nil), b) {
			t.Fatal("another encoding was accepted")
		}
	})
}

func FuzzDecodePartHead(f *testing.F) {
	f.Add((&PartHead{Need: 2, N: 3, Index: 1, Total: 99}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodePartHead(b)
		if err == nil && !bytes.Equal(h.append(nil), b) {
			t.Fatal("another encoding was accepted")
		}
	})
}

func FuzzDecodeHave(f *testing.F) {
	s := HaveSession{Secret: keyOf(1), Authors: []reconcile.Author{{Key: keyOf(2), Next: 5}}, Wanted: [][32]byte{keyOf(3)}}
	f.Add(EncodeHave(1, [8]byte{1}, []HaveSession{s}, [][32]byte{keyOf(4)}, 16))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHave(b)
		if err != nil {
			return
		}
		if v, err := h.For(keyOf(1)); err == nil && v != nil {
			v.Next(sig.Public(keyOf(2)), false, func(uint64) ([32]byte, bool) { return [32]byte{}, true })
		}
		h.Shelf([][32]byte{keyOf(4), keyOf(5)})
	})
}

func FuzzDecodePiece(f *testing.F) {
	f.Add((&Piece{Object: keyOf(1), Total: 3, Data: []byte("abc")}).Record().Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePiece(b)
		if err == nil && !bytes.Equal(p.Record().Payload, b) {
			t.Fatal("another encoding was accepted")
		}
	})
}

func FuzzDecodeRelease(f *testing.F) {
	r := Release{Name: "pars", Version: "1", Files: []ReleaseFile{{Name: "linux-amd64/pars", Size: 7, Exec: true}}}
	r.SignWith(sig.FromSeed(keyOf(1)))
	f.Add(r.Record().Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRelease(b)
		if err == nil && !bytes.Equal(r.Record().Payload, b) {
			t.Fatal("another encoding was accepted")
		}
	})
}

func FuzzDecodeReceipt(f *testing.F) {
	r := Receipt{Hours: 4, Chunks: []Range{{0, 3}, {5, 5}}}
	r.Seal(keyOf(1))
	f.Add(r.Record().Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeReceipt(b)
		if err == nil && !bytes.Equal(r.Record().Payload, b) {
			t.Fatal("another encoding was accepted")
		}
	})
}

func FuzzDecodeMail(f *testing.F) {
	e := make([]byte, 1024)
	e[0] = 1
	f.Add((&Mail{Copies: 6, Hops: 7, Envelope: e}).Record().Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeMail(b)
		if err == nil && !bytes.Equal(m.Record().Payload, b) {
			t.Fatal("another encoding was accepted")
		}
	})
}

// FuzzOpen reads whole files of the open form, whose sectors anybody can make.
func FuzzOpen(f *testing.F) {
	o := sealed(keyOf(1))
	o.Form, o.To = FormOpen, Recipients{}
	b, _ := pack(f, o, sample(1, 5000))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Open(bytes.NewReader(b), int64(len(b)), Keys{Groups: []Key{keyOf(1)}})
		if err != nil {
			return
		}
		if err := x.Check(nil); err != nil {
			t.Fatal(err)
		}
	})
}

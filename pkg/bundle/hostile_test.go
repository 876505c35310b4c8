package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/pars-network/pars/pkg/sig"
)

// forge seals chunks as somebody does who knows every key of the file.
func forge(t *testing.T, k *fileKeys, body []byte) []byte {
	t.Helper()
	l, err := layoutOf(int64(len(body)), 1, 800, false)
	if err != nil {
		t.Fatal(err)
	}
	r := Recipients{Groups: []Key{keyOf(1)}}
	var ends [2][]byte
	for i := range ends {
		if ends[i], err = prefixOf(k, &r, 1, i, keyOf(uint64(51+i))); err != nil {
			t.Fatal(err)
		}
	}
	out := bytes.NewBuffer(ends[front])
	ww := newWindowWriter(out, k, l, false, [2]endSum{sumEnd(ends[front]), sumEnd(ends[tail])})
	if _, err := ww.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := ww.close(); err != nil {
		t.Fatal(err)
	}
	out.Write(ends[tail])
	return out.Bytes()
}

func forgedKeys() *fileKeys { return keysOf(keyOf(50)) }

// chunkOf makes a chunk whose raw and stored records are told as given.
func chunkOf(h *Head, number uint32, last bool, d draft, key *sig.Private) []byte {
	d.sum = sha256.Sum256(d.raw)
	b, _ := d.append(nil, h, number, last, key)
	return b
}

// TestForged: who knows the file's keys, as every member does, but not the exporter's, changes nothing unseen.
func TestForged(t *testing.T) {
	mine, theirs := sig.FromSeed(keyOf(1)), sig.FromSeed(keyOf(2))
	good := &Head{Exporter: mine.Public(), Created: 1, Nonce: [16]byte{1}}
	other := &Head{Exporter: theirs.Public(), Created: 1, Nonce: [16]byte{1}}
	raw := Record{Kind: KindList, Payload: []byte("list")}.Append(nil)
	two := Record{Kind: KindList, Payload: []byte("another")}.Append(nil)
	d, e := draft{raw: raw, stored: raw}, draft{raw: two, stored: two}
	chunk := chunkOf(good, 0, false, d, &mine)
	changed := bytes.Clone(chunk)
	changed[len(changed)-65] ^= 1
	for name, body := range map[string][]byte{
		"changed":           append(bytes.Clone(changed), chunkOf(good, 1, true, e, &mine)...),
		"signed by another": append(bytes.Clone(chunk), chunkOf(other, 1, true, e, &theirs)...),
		"another key named": append(bytes.Clone(chunk), chunkOf(good, 1, true, e, &theirs)...),
		"unsigned":          append(bytes.Clone(chunk), chunkOf(good, 1, true, e, nil)...),
		"twice":             append(bytes.Clone(chunk), chunk...),
		"one left out":      append(bytes.Clone(chunk), chunkOf(good, 2, true, e, &mine)...),
		"the last left out": chunk,
		"cut":               append(bytes.Clone(chunk), chunkOf(good, 1, true, e, &mine)[:40]...),
		"junk behind":       append(append(bytes.Clone(chunk), chunkOf(good, 1, true, e, &mine)...), 1, 2, 3),
	} {
		f := open(t, forge(t, forgedKeys(), body), Keys{Groups: []Key{keyOf(1)}})
		got := read(t, f)
		if f.Report.Whole() {
			t.Errorf("%s: called whole, %+v", name, f.Report.Chunks)
		}
		for _, r := range got {
			if !bytes.Equal(r.Payload, []byte("list")) && !bytes.Equal(r.Payload, []byte("another")) {
				t.Errorf("%s: %q came out", name, r.Payload)
			}
		}
		if name == "changed" && (len(got) > 1 || !f.Report.Chunks.Forged) {
			t.Errorf("changed: %d records, %+v", len(got), f.Report.Chunks)
		}
	}
	whole := append(bytes.Clone(chunk), chunkOf(good, 1, true, e, &mine)...)
	if f := open(t, forge(t, forgedKeys(), whole), Keys{Groups: []Key{keyOf(1)}}); len(read(t, f)) != 2 || !f.Report.Whole() {
		t.Errorf("what is genuine is refused: %+v", f.Report)
	}
}

// TestBombs: lengths that lie and texts that grow cost no more than a chunk.
func TestBombs(t *testing.T) {
	key := sig.FromSeed(keyOf(1))
	h := &Head{Exporter: key.Public()}
	var bomb bytes.Buffer
	enc, err := zstd.NewWriter(&bomb, zstd.WithWindowSize(64<<10)) // a small window, and no length told
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		enc.Write(make([]byte, 1<<20))
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	lies := map[string][]byte{"zstd bomb": chunkOf(h, 0, true, draft{raw: make([]byte, 200_000), stored: bomb.Bytes(), zipped: true}, &key)}
	huge := Record{Kind: KindList, Payload: []byte("x")}.Append(nil)
	lies["record of 2^63"] = chunkOf(h, 0, true, draft{raw: append([]byte{4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, huge...),
		stored: append([]byte{4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, huge...)}, &key)
	big := bytes.Clone(chunkOf(h, 0, true, draft{raw: huge, stored: huge}, &key))
	binary.BigEndian.PutUint32(big[6:], 1<<32-1)
	lies["raw of 2^32"] = big
	big = bytes.Clone(big)
	binary.BigEndian.PutUint32(big[10:], 1<<32-1)
	lies["stored of 2^32"] = big
	for name, b := range lies {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := DecodeChunk(b)
		runtime.ReadMemStats(&after)
		var re *RefusedError
		if !errors.As(err, &re) {
			t.Errorf("%s: %v", name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 24<<20 {
			t.Errorf("%s: %d bytes were taken", name, n)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
	for name, s := range map[string]shape{"window of 65,535": {data: 65535, parity: 65535, used: 1, prefix: 1}, "offset of 2^62": {data: 1, used: 1, offset: 1 << 62, prefix: 1, last: true},
		"no data": {parity: 3, used: 1, prefix: 1}, "prefix of 255": {data: 1, used: 1, prefix: 255}} {
		info := s.info(1<<32-1, 0)
		if _, err := DecodeSectorHead(info.append(nil)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestMutations changes files at random, in all forms: no panic, no wrong record, no long time.
func TestMutations(t *testing.T) {
	g := keyOf(1)
	n := 60
	if testing.Short() {
		n = 20
	}
	for _, form := range []string{FormSealed, FormCompact, FormOpen} {
		o := sealed(g)
		if o.Form = form; form == FormOpen {
			o.To = Recipients{}
		}
		list := sample(6, 12000)
		file, _ := pack(t, o, list)
		r := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			b := bytes.Clone(file)
			for range 1 + r.IntN(40) {
				switch at := r.IntN(len(b)); r.IntN(4) {
				case 0:
					b[at] = byte(r.Uint32())
				case 1:
					b = append(b[:at], b[min(len(b), at+r.IntN(300)):]...)
				case 2:
					b = append(b[:at], append(seeded(r.Uint64(), r.IntN(300)), b[at:]...)...)
				case 3:
					copy(b[at:], b[:r.IntN(len(b))])
				}
				if len(b) == 0 {
					b = []byte{1}
				}
			}
			f, err := Open(bytes.NewReader(b), int64(len(b)), Keys{Groups: []Key{g}})
			if err != nil {
				continue
			}
			if got := read(t, f); !subset(got, list) || f.Report.Whole() && !bytes.Equal(b, file) {
				t.Fatalf("%s, case %d: %+v", form, i, f.Report)
			}
		}
	}
}

// TestForgedPiece: the signature of a chunk holds for all of a piece, whose data stands in it by its sum.
func TestForgedPiece(t *testing.T) {
	key := sig.FromSeed(keyOf(1))
	h := &Head{Exporter: key.Public(), Created: 1}
	p := Piece{Object: keyOf(2), Total: 1000, Data: seeded(3, 1000)}
	raw := p.Record().Append(nil)
	list, err := DecodeRecords(raw)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := (&draft{raw: raw, stored: raw, sum: sumRecords(list)}).append(nil, h, 0, true, &key)
	c, err := DecodeChunk(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Records[0].Piece(); err != nil || got.Sum != sha256.Sum256(p.Data) {
		t.Errorf("%v %v", got, err)
	}
	for at := range len(raw) {
		b[len(b)-65-at] ^= 1
		if _, err := DecodeChunk(b); err == nil {
			t.Fatalf("byte %d of a piece was changed", len(raw)-1-at)
		}
		b[len(b)-65-at] ^= 1
	}
}

// TestOpenForged makes sectors of the open form, which anybody can: windows that lie about their shapes.
func TestOpenForged(t *testing.T) {
	o := sealed(keyOf(1))
	o.Form, o.To = FormOpen, Recipients{}
	list := sample(6, 300000)
	file, _ := pack(t, o, list)
	k := openKeys([32]byte(file[:32]))
	s := newSealer(k)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		b := bytes.Clone(file)
		for range 3 {
			at := (1 + r.IntN(len(b)/SectorSize-2)) * SectorSize
			sh := shape{data: 1 + r.IntN(maxData), parity: r.IntN(200), used: sectorBody, offset: r.Int64N(1 << 40), prefix: 1, last: r.IntN(2) == 0}
			s.finish(b[at:at+SectorSize], sh.info(uint32(r.IntN(3))*r.Uint32(), r.IntN(sh.data)))
		}
		f := open(t, b, Keys{})
		if got := read(t, f); !sameRecords(got, list) || f.Report.Whole() {
			t.Fatalf("%d of %d records, %+v", len(got), len(list), f.Report)
		}
	}
}

// TestReleaseNames: a name that leaves its folder, hides in it or moves a terminal's cursor is refused.
func TestReleaseNames(t *testing.T) {
	for name, ok := range map[string]bool{"pars": true, "pars/1": true, "": false, "..": false, ".parts": false, "/etc": false, "a/../b": false, "a\x1b[2J": false, "con\n": false} {
		for _, r := range []Release{{Name: name, Version: "1"}, {Name: "pars", Version: "1", Files: []ReleaseFile{{Name: name}}}} {
			if _, err := DecodeRelease(r.Record().Payload); (err == nil) != ok {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

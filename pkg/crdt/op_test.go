package crdt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func every() []Op {
	d := Dot{Author: [32]byte{1}, Seq: 7, J: 3}
	f := Dot{Author: [32]byte{1}, Seq: 7, J: 3, Fork: [8]byte{9}}
	return []Op{
		{Object: "g", Type: GCounter, N: MaxCount}, {Object: "p", Type: PNCounter, N: 1},
		{Object: "p", Type: PNCounter, Op: Remove, N: 0}, {Object: "s", Type: GSet, Key: []byte("e")},
		{Object: "o", Type: ORSet, Key: []byte("e")},
		{Object: "o", Type: ORSet, Op: Remove, Key: []byte("e"), Dots: []Dot{d, f}},
		{Object: "r", Type: LWWRegister, Value: []byte("v")},
		{Object: "m", Type: MVRegister, Value: []byte("v"), Dots: []Dot{d}},
		{Object: "l", Type: LWWMap, Key: []byte("k"), Value: []byte("v")},
		{Object: "l", Type: LWWMap, Op: Remove, Key: []byte("k")},
	}
}

func TestOps(t *testing.T) {
	b, err := EncodeOps(every())
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeOps(b)
	if err != nil || !reflect.DeepEqual(got, every()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The bytes of the smallest operations are frozen.
func TestOpVector(t *testing.T) {
	b, err := EncodeOps([]Op{{Object: "n", Type: PNCounter, Op: Remove, N: 300}, {Object: "l", Type: LWWMap, Key: []byte("k"), Value: []byte("v")}})
	if got := hex.EncodeToString(b); err != nil || got != "8284416e010119012c85416c0700416b4176" {
		t.Errorf("got %s, %v", got, err)
	}
}

// An operation of a type to come is carried unchanged.
func TestUnknownType(t *testing.T) {
	b, err := hex.DecodeString("82" + "85416e060241aa820102" + "844178000005")
	if err != nil {
		t.Fatal(err)
	}
	ops, err := DecodeOps(b)
	if err != nil || len(ops) != 2 || ops[0].Type != 6 || ops[1].N != 5 {
		t.Fatalf("%x: got %+v, %v", b, ops, err)
	}
	if again, err := EncodeOps(ops); err != nil || !bytes.Equal(again, b) {
		t.Errorf("got %x, %v, want %x", again, err, b)
	}
	var s State
	s.Apply(Vertex{Lamport: 1}, ops)
	if typ, ok := s.Type("n"); typ != 6 || !ok || s.Elements("n") != nil || s.Counter("x").Int64() != 5 {
		t.Errorf("type %d, %v", typ, ok)
	}
}

func TestOpsRefused(t *testing.T) {
	for name, s := range map[string]string{
		"empty": "80", "no array": "00", "nothing": "", "object long": "8184582100" + "00", "object empty": "8184400000" + "01",
		"type large": "818441611901000001", "GCounter removes": "818441610001" + "01", "GSet removes": "81844161020141aa",
		"LWW removes": "81844161040141aa", "third operation": "818441610102" + "01", "part missing": "8183416100" + "00",
		"part too many": "818541610000" + "0101", "negative step": "818441610000" + "20", "text element": "8184416102006161",
		"dots not ascending":      "81854161030141aa82" + dotHex("01", "05") + dotHex("01", "04"),
		"dot twice":               "81854161030141aa82" + dotHex("01", "05") + dotHex("01", "05"),
		"dot with empty branch":   "81854161030141aa8184" + dotHex("01", "05")[2:] + "480000000000000000",
		"dot of two parts":        "81854161030141aa8182" + dotHex("01", "05")[2:],
		"unknown with two parts":  "8182416106",
		"array announced":         "990400",
		"array of 1,025":          "990401",
		"trailing":                "818441610000" + "0100",
		"unknown type, bad value": "8184416106" + "00" + "20",
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(name, err)
		}
		if ops, err := DecodeOps(b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: got %+v, %v", name, ops, err)
		}
	}
	if _, err := DecodeOps(make([]byte, MaxBody+1)); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("large body: got %v", err)
	}
}

func dotHex(author, seq string) string {
	return "83" + "5820" + author + "00000000000000000000000000000000000000000000000000000000000000" + seq + "00"
}

func TestEncodeRefused(t *testing.T) {
	big := make([]byte, MaxValue+1)
	for name, ops := range map[string][]Op{
		"none": nil, "too many": make([]Op, MaxOps+1), "no name": {{Type: GSet}},
		"long name": {{Object: string(make([]byte, 33)), Type: GSet}}, "step": {{Object: "o", N: MaxCount + 1}},
		"value": {{Object: "o", Type: LWWRegister, Value: big}}, "key": {{Object: "o", Type: GSet, Key: big}},
		"no such": {{Object: "o", Type: GSet, Op: Remove}},
		"body":    {{Object: "o", Type: GSet, Key: big[1:]}, {Object: "o", Type: GSet, Key: big[1:]}},
	} {
		if b, err := EncodeOps(ops); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: got %d bytes, %v", name, len(b), err)
		}
	}
}

// The smallest operations take the most memory for their size; their number bounds it.
func TestDecodeMemory(t *testing.T) {
	b := wire.AppendArray(nil, MaxOps)
	for range MaxOps {
		b = append(b, 0x83, 0x41, 0x61, 6, 0)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ops, err := DecodeOps(b)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; err != nil || len(ops) != MaxOps || got > 4*MaxBody {
		t.Errorf("%d operations, %d bytes, %v", len(ops), got, err)
	}
}

func FuzzDecodeOps(f *testing.F) {
	b, err := EncodeOps(every())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0x81, 0x84, 0x41, 0x61, 6, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		ops, err := DecodeOps(b)
		if err != nil {
			return
		}
		if again := encodeAny(ops); !bytes.Equal(again, b) {
			t.Fatalf("%x accepted, written again as %x", b, again)
		}
		var s State
		s.Apply(Vertex{Lamport: 1}, ops)
		d := wire.NewDecoder(s.Snapshot())
		for d.Skip(); d.End() != nil; {
			t.Fatalf("%x: snapshot is not canonical: %v", b, d.End())
		}
	})
}

package courier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
)

func listFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHomeless(t *testing.T) {
	h := rooms(t, 1)
	q := PackQuery{Form: bundle.FormOpen, Parity: 800, Add: []AddedFile{{Kind: "file", Path: listFile(t, "program"), Name: "prog"}}}
	path := filepath.Join(t.TempDir(), "stick")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h[0].Pack(context.Background(), q, f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	into := t.TempDir()
	c := Homeless(func() time.Time { return noon }, nil)
	if _, err := c.Unpack(context.Background(), FileQuery{Path: path, Into: into}, func(Result) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(into, "files", "prog")); err != nil || string(b) != "program" {
		t.Errorf("%q %v", b, err)
	}
	q.Sessions = []string{h[0].room.ID().String()}
	if _, err := h[0].Pack(context.Background(), q, &bytes.Buffer{}); err == nil {
		t.Error("messages go in open form")
	}
}

// TestFalseFile: pieces that do not give the file that is named are not handed out.
func TestFalseFile(t *testing.T) {
	sum := [32]byte{1, 2, 3}
	rel := bundle.Release{Name: "pars", Version: "1", Files: []bundle.ReleaseFile{{Name: "prog", Size: 4, Sum: sum, Exec: true}}}
	p := bundle.Piece{Object: sum, Total: 4, Data: []byte("evil")}
	path := filepath.Join(t.TempDir(), "stick")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Pack(f, bundle.Records(p.Record(), rel.Record()), bundle.Options{Form: bundle.FormOpen, Parity: 800}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	h := rooms(t, 1)[0]
	_, count, err := h.unpack(path)
	if err != nil || count["piece refused"] != 1 {
		t.Errorf("%v %v", err, count)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "files", "pars", "prog")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a false program is there")
	}
}

// piecesOf cuts a file; the name is what they belong to.
func piecesOf(t *testing.T, b []byte) (name [32]byte, out []bundle.Piece) {
	t.Helper()
	o, err := bundle.OutlineOf(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range bundle.PieceCount(uint64(len(b))) {
		at := int(n) * bundle.PieceSize
		out = append(out, bundle.Piece{Object: o.Name, Total: uint64(len(b)), Number: n, Data: b[at:min(len(b), at+bundle.PieceSize)]})
	}
	return o.Name, out
}

// TestOverwritten: pieces that were hashed are not written over, and nothing stands behind the end of a file: neither by
// what the same bundle brings nor by what one before it left.
func TestOverwritten(t *testing.T) {
	prog := bytes.Repeat([]byte("#!/bin/sh\necho good\n"), 20_000)
	name, pieces := piecesOf(t, prog)
	n := uint64(len(prog))
	rel := bundle.Release{Name: "pars", Version: "1", Files: []bundle.ReleaseFile{{Name: "prog", Size: n, Sum: name, Exec: true, Hash: sha256.Sum256(prog)}}}
	all := func(list ...bundle.Record) []bundle.Record {
		for i := range pieces {
			list = append(list, pieces[i].Record())
		}
		return append(list, rel.Record())
	}
	false1 := pieces[1]
	false1.Data = bytes.Repeat([]byte("echo evil\n"), bundle.PieceSize)[:bundle.PieceSize]
	longer := bundle.Piece{Object: name, Total: n + 9, Number: 2, Data: append(bytes.Clone(pieces[2].Data), "echo ha /"...)}
	evil, more := false1.Record(), longer.Record()
	for _, c := range []struct {
		name    string
		bundles [][]bundle.Record
	}{
		{"changed behind its back", [][]bundle.Record{{pieces[0].Record(), pieces[1].Record(), evil, pieces[2].Record(), rel.Record()}}},
		{"longer in the same bundle", [][]bundle.Record{all(more)}},
		{"longer by one before", [][]bundle.Record{{more}, all()}},
		{"false by one before", [][]bundle.Record{{evil}, all()}},
		{"twice by one before", [][]bundle.Record{{pieces[0].Record()}, {pieces[0].Record()}, {pieces[0].Record()}, all()[1:]}},
		{"in any order", [][]bundle.Record{{pieces[2].Record(), pieces[0].Record(), pieces[1].Record(), rel.Record()}}},
		{"in three bundles", [][]bundle.Record{{pieces[2].Record()}, {pieces[1].Record()}, {pieces[0].Record(), rel.Record()}}},
	} {
		h := rooms(t, 1)[0]
		for i, records := range c.bundles {
			h.unpackRecords(byte(i), records...)
		}
		if b, err := os.ReadFile(filepath.Join(h.dir, "files", "pars", "prog")); err != nil || !bytes.Equal(b, prog) {
			t.Errorf("%s: %d bytes, %v", c.name, len(b), err)
		}
	}
}

// TestFalseRelease: a program that is not what its release tells of it is not handed out.
func TestFalseRelease(t *testing.T) {
	prog := []byte("#!/bin/sh\n")
	name, pieces := piecesOf(t, prog)
	rel := bundle.Release{Name: "pars", Version: "1", Files: []bundle.ReleaseFile{{Name: "prog", Size: uint64(len(prog)), Sum: name, Exec: true, Hash: sha256.Sum256([]byte("another"))}}}
	h := rooms(t, 1)[0]
	if count := h.unpackRecords(1, pieces[0].Record(), rel.Record()); count["piece refused"] != 1 {
		t.Errorf("%v", count)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "files", "pars", "prog")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a program that nobody told of is there")
	}
}

// unpackRecords takes an open bundle of some records.
func (h *home) unpackRecords(version byte, records ...bundle.Record) map[string]int {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "stick")
	f, err := os.Create(path)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := bundle.Pack(f, bundle.Records(records...), bundle.Options{Form: bundle.FormOpen, Parity: 800, Secret: bundle.Key{version}}); err != nil {
		h.t.Fatal(err)
	}
	f.Close()
	_, count, err := h.unpack(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return count
}

// TestHole: a few bytes that claim to be the end of a huge file cost no walk over the hole before them.
func TestHole(t *testing.T) {
	h := rooms(t, 1)[0]
	const pieces = 1 << 15
	p := bundle.Piece{Object: [32]byte{5}, Total: (pieces-1)*bundle.PieceSize + 4, Number: pieces - 1, Data: []byte("tail")}
	begin := time.Now()
	if count := h.unpackRecords(1, p.Record()); count["piece parked"] != 1 {
		t.Errorf("%v", count)
	}
	if used := time.Since(begin); used > 2*time.Second {
		t.Errorf("%v for four bytes", used)
	}
}

// TestTaken: a file of a name that is there keeps it; another goes under its hash.
func TestTaken(t *testing.T) {
	h := rooms(t, 1)[0]
	for i, text := range []string{"first", "second", "first"} {
		name, pieces := piecesOf(t, []byte(text))
		rel := bundle.Release{Name: "pars", Version: "1", Files: []bundle.ReleaseFile{{Name: "prog", Size: uint64(len(text)), Sum: name}}}
		h.unpackRecords(byte(i), pieces[0].Record(), rel.Record())
		if b, err := os.ReadFile(filepath.Join(h.dir, "files", "pars", "prog")); err != nil || string(b) != "first" {
			t.Errorf("%q %v", b, err)
		}
	}
	second, _ := piecesOf(t, []byte("second"))
	if b, err := os.ReadFile(filepath.Join(h.dir, "files", hex.EncodeToString(second[:]))); err != nil || string(b) != "second" {
		t.Errorf("%q %v", b, err)
	}
}

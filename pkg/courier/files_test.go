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

// TestOverwritten: bytes that were hashed are not written over, and nothing stands behind the end of a file: neither by
// what the same bundle brings nor by what one before it left.
func TestOverwritten(t *testing.T) {
	prog := []byte("#!/bin/sh\necho good\n")
	sum := sha256.Sum256(prog)
	n := uint64(len(prog))
	rel := bundle.Release{Name: "pars", Version: "1", Files: []bundle.ReleaseFile{{Name: "prog", Size: n, Sum: sum, Exec: true}}}
	piece := func(total, off uint64, data string) bundle.Record {
		p := bundle.Piece{Object: sum, Total: total, Offset: off, Data: []byte(data)}
		return p.Record()
	}
	good := piece(n, 0, string(prog))
	for _, c := range []struct {
		name    string
		bundles [][]bundle.Record
	}{
		{"changed behind its back", [][]bundle.Record{{good, piece(n, 10, "echo ha /\n"), rel.Record()}}},
		{"longer in the same bundle", [][]bundle.Record{{piece(n+9, n, "echo ha /\n"), good, rel.Record()}, {good, rel.Record()}}},
		{"longer by one before", [][]bundle.Record{{piece(n+9, n, "echo ha /\n")}, {good, rel.Record()}}},
		{"halves, overlapping", [][]bundle.Record{{piece(n, 0, string(prog[:12])), piece(n, 7, string(prog[7:])), piece(n, 3, "evil"), rel.Record()}}},
		{"halves in two bundles", [][]bundle.Record{{piece(n, 9, string(prog[9:]))}, {piece(n, 0, string(prog[:9])), rel.Record()}}},
	} {
		h := rooms(t, 1)[0]
		for i, records := range c.bundles {
			h.unpackRecords(byte(i), records...)
		}
		if b, err := os.ReadFile(filepath.Join(h.dir, "files", "pars", "prog")); err != nil || !bytes.Equal(b, prog) {
			t.Errorf("%s: %q %v", c.name, b, err)
		}
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
	p := bundle.Piece{Object: [32]byte{5}, Total: 1 << 33, Offset: 1<<33 - 4, Data: []byte("tail")}
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
		sum := sha256.Sum256([]byte(text))
		rel := bundle.Release{Name: "pars", Version: "1", Files: []bundle.ReleaseFile{{Name: "prog", Size: uint64(len(text)), Sum: sum}}}
		p := bundle.Piece{Object: sum, Total: uint64(len(text)), Data: []byte(text)}
		h.unpackRecords(byte(i), p.Record(), rel.Record())
		if b, err := os.ReadFile(filepath.Join(h.dir, "files", "pars", "prog")); err != nil || string(b) != "first" {
			t.Errorf("%q %v", b, err)
		}
	}
	second := sha256.Sum256([]byte("second"))
	if b, err := os.ReadFile(filepath.Join(h.dir, "files", hex.EncodeToString(second[:]))); err != nil || string(b) != "second" {
		t.Errorf("%q %v", b, err)
	}
}

package courier

import (
	"bytes"
	"context"
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

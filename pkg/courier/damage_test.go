package courier

import (
	"bytes"
	"context"
	"errors"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/store"
)

// shaky is an engine whose n-th Commit from now fails, before or after it is done: what a crash at that moment leaves.
type shaky struct {
	store.Engine
	n    int
	late bool
}

func (s *shaky) Commit(w []store.Write) error {
	if s.n--; s.n == 0 {
		if s.late {
			if err := s.Engine.Commit(w); err != nil {
				return err
			}
		}
		return errCrash
	}
	return s.Engine.Commit(w)
}

// TestCrash takes a bundle while the power goes at every commit: what was told as new is there afterwards, and the
// same command ends it.
func TestCrash(t *testing.T) {
	h := rooms(t, 2)
	a := h[0]
	a.say(120, 1)
	file := filepath.Join(t.TempDir(), "app.bin")
	content := bytes.Repeat([]byte("program "), 60_000)
	if err := os.WriteFile(file, content, 0o700); err != nil {
		t.Fatal(err)
	}
	q := PackQuery{Parity: 800, Add: []AddedFile{{Kind: "file", Path: file, Name: "app.bin"}, {Kind: "list", Path: listFile(t, "a list")}}}
	path, _ := a.pack(q)
	for _, late := range []bool{false, true} {
		for k := 1; ; k++ {
			b := newHome(t, 9)
			b.room = nil
			if _, err := b.sessions.Join(a.room.Invite(noon.Add(time.Hour), nil), "b", noon); err != nil {
				t.Fatal(err)
			}
			b.reopen()
			b.engine = &shaky{Engine: b.engine, n: k, late: late}
			b.reopen()
			told := map[string]bool{}
			_, err := b.Unpack(context.Background(), FileQuery{Path: path}, func(r Result) error {
				if r.Kind == "vertices" && r.Result == "new" {
					told[r.ID] = true
				}
				return nil
			})
			if err == nil {
				if k < 3 {
					t.Fatalf("only %d commits", k)
				}
				break
			}
			b.reopen()
			for _, m := range b.room.Log().Order() {
				delete(told, m.ID.String())
			}
			if len(told) > 0 {
				t.Fatalf("commit %d: %d entries were told and are lost", k, len(told))
			}
			b.mustUnpack(path)
			got, err := os.ReadFile(filepath.Join(b.dir, "files", "files", "app.bin"))
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("commit %d: the file is not there: %v", k, err)
			}
			if n, _ := b.room.Log().Count(); n != 122 {
				t.Fatalf("commit %d: %d entries of 122", k, n)
			}
			if k > 60 {
				t.Fatal("no end")
			}
		}
	}
}

// TestDamaged takes what is whole of a damaged bundle, and the rest of a good copy later.
func TestDamaged(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	a.say(3000, 1)
	path, p := a.pack(PackQuery{Form: bundle.FormSealed})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(whole)
	at := len(bad) * 2 / 3
	bad = bad[:at]
	cut := filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(cut, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	v, count, err := b.unpack(cut)
	if err != nil || v.Sound() || count["refused"] > 0 {
		t.Fatalf("%v %+v %v", err, v, count)
	}
	if got := count["new"] + count["parked"]; got < p.Entries*40/100 {
		t.Errorf("%d of %d entries from two thirds of the file", got, p.Entries)
	}
	got := b.mustUnpack(path)
	if got["new"] == 0 {
		t.Error("the rest is not taken")
	}
	if n, parked := b.room.Log().Count(); n != 3002 || parked != 0 {
		t.Errorf("%d entries, %d wait", n, parked)
	}
}

// TestGarbage: bytes that are no bundle of ours change nothing.
func TestGarbage(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	a.say(50, 1)
	path, _ := a.pack(PackQuery{Parity: 800})
	c := newHome(t, 7)
	if _, _, err := c.unpack(path); !errors.Is(err, bundle.ErrNotForUs) {
		t.Errorf("a stranger: %v", err)
	}
	before := b.room.Log().Digest()
	for i := range uint64(8) {
		junk := make([]byte, 1<<i*700)
		mrand.NewChaCha8([32]byte{byte(i)}).Read(junk)
		if err := os.WriteFile(path, junk, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.unpack(path); !errors.Is(err, bundle.ErrNotForUs) {
			t.Errorf("junk: %v", err)
		}
	}
	if b.room.Log().Digest() != before {
		t.Error("garbage changed the log")
	}
	if _, err := os.Stat(filepath.Join(b.dir, "files")); !errors.Is(err, os.ErrNotExist) {
		t.Error("garbage made a folder")
	}
}

// TestReadAgain: a bundle of which something was refused is read again, and then known.
func TestReadAgain(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	other, err := a.sessions.Create("other", noon)
	if err != nil {
		t.Fatal(err)
	}
	path, _ := a.pack(PackQuery{Sessions: []string{a.room.ID().String(), other.ID().String()}})
	if _, _, err := b.unpack(path); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sessions.Join(other.Invite(noon.Add(time.Hour), nil), "b", noon); err != nil {
		t.Fatal(err)
	}
	if v, count, err := b.unpack(path); err != nil || v.Known || count["new"] == 0 || count["refused"] > 0 {
		t.Errorf("%v %+v %v", err, v, count)
	}
	if v, _, err := b.unpack(path); err != nil || !v.Known {
		t.Errorf("%v %+v", err, v)
	}
}

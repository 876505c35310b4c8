package session

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// shaky is an engine whose n-th Commit from now finds no space, or is done while its answer is lost.
type shaky struct {
	store.Engine
	n    int
	late bool
}

func (s *shaky) Commit(w []store.Write) error {
	s.n--
	if s.n == 0 {
		if s.late {
			if err := s.Engine.Commit(w); err != nil {
				return err
			}
		}
		return fmt.Errorf("commit: %w", store.ErrFull)
	}
	return s.Engine.Commit(w)
}

// TestEveryCommit fails each commit of a life: create, join, send, a lost own entry, a new pseudonym. What
// was acknowledged is read after a restart, and nobody forks.
func TestEveryCommit(t *testing.T) {
	for _, late := range []bool{false, true} {
		for k := 1; ; k++ {
			ea, eb := &shaky{Engine: store.NewMemory(), n: k, late: late}, &shaky{Engine: store.NewMemory(), n: k, late: late}
			if a, b := life(t, ea, eb, k); a == 0 && b == 0 {
				break
			} else if k > 100 {
				t.Fatal("no end")
			}
		}
	}
}

// again does f until it works, twice at most, and counts the failure.
func again[T any](t *testing.T, failed *int, f func() (T, error)) T {
	t.Helper()
	v, err := f()
	if errors.Is(err, store.ErrFull) {
		*failed++
		v, err = f()
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func life(t *testing.T, ea, eb *shaky, k int) (fa, fb int) {
	ha, hb := home(t, ea), home(t, eb)
	a := again(t, &fa, func() (*Session, error) { return ha.Create("room", noon) })
	inv := a.Invite(time.Time{}, nil)
	b := again(t, &fb, func() (*Session, error) { return hb.Join(inv, "Bahar", noon) })
	var said []string
	say := func(s *Session, failed *int, text string) {
		again(t, failed, func() (struct{}, error) { _, err := s.Send(text, noon); return struct{}{}, err })
		said = append(said, text)
	}
	give := func(from, to *Session, failed *int) {
		items := itemsOf(t, from)
		again(t, failed, func() (dag.Received, error) { return to.Receive("peer", items, noon) })
	}
	say(b, &fb, "b before")
	say(a, &fa, "a one")
	give(a, b, &fb)
	give(b, a, &fa)
	b = reopened(t, eb, b)
	spent := b.Pseudonym()
	loseTip(t, eb, b)
	b = reopened(t, eb, b)
	if !b.Log().Ahead() {
		t.Fatalf("commit %d: own last entry lost and not noticed", k)
	}
	say(b, &fb, "b after")
	if b.Pseudonym() == spent {
		t.Fatalf("commit %d: writes on under a spent key", k)
	}
	renamed := b.Pseudonym()
	b = reopened(t, eb, b)
	say(b, &fb, "b again")
	if b.Pseudonym() != renamed && fb == 0 {
		t.Fatalf("commit %d: one loss took two pseudonyms", k)
	}
	give(b, a, &fa)
	give(a, b, &fb)
	a, b = reopened(t, ea, a), reopened(t, eb, b)
	for _, s := range []*Session{a, b} {
		got := texts(t, s)
		for _, text := range said {
			if !slices.Contains(got, text) {
				t.Fatalf("commit %d: %q was sent, read are %q", k, text, got)
			}
		}
		if n := len(s.Log().Forks()); n > 0 {
			t.Fatalf("commit %d: %d forks", k, n)
		}
	}
	if a.Log().Digest() != b.Log().Digest() || len(b.home.List()) != 1 {
		t.Fatalf("commit %d: logs differ", k)
	}
	return fa, fb
}

func itemsOf(t *testing.T, s *Session) (out []vertex.Item) {
	t.Helper()
	for _, m := range s.Log().Since(0) {
		it, err := s.Log().Item(m.Arrival)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, it)
	}
	return out
}

func reopened(t *testing.T, e store.Engine, s *Session) *Session {
	t.Helper()
	again, err := home(t, e).Get(s.ID())
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// loseTip breaks the newest record of our own on the raw engine.
func loseTip(t *testing.T, e *shaky, s *Session) {
	t.Helper()
	own := s.Pseudonym()
	var at uint32
	for _, m := range s.Log().Since(0) {
		if m.Author == own {
			at = m.Arrival
		}
	}
	err := e.Engine.Scan([]byte{byte(store.TableVertex)}, nil, func(k, v []byte) bool {
		if k[len(k)-1] != byte(at) {
			return true
		}
		broken := slices.Clone(v)
		broken[len(v)/2] ^= 1
		if err := e.Engine.Commit([]store.Write{{Key: slices.Clone(k), Value: broken}}); err != nil {
			t.Error(err)
		}
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
}

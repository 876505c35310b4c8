package courier

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/store"
)

var noon = time.UnixMilli(1_800_000_000_000).UTC()

// keep makes an engine outlive the Store that is closed over it.
type keep struct{ store.Engine }

func (keep) Close() error { return nil }

// home is one device: everything in it but the engine and the folder is opened anew by reopen.
type home struct {
	*Courier
	t        *testing.T
	engine   store.Engine
	dir      string
	id       byte
	sessions *session.Sessions
	room     *session.Session
}

func newHome(t *testing.T, id byte) *home {
	h := &home{t: t, engine: store.NewMemory(), dir: t.TempDir(), id: id}
	h.reopen()
	return h
}

func (h *home) reopen() {
	h.t.Helper()
	st, err := store.New(keep{h.engine}, store.Options{Key: store.Key{h.id}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { st.Close() })
	if h.sessions, err = session.Open(session.Config{Store: st, State: store.Key{1}, Rand: rand.Reader}); err != nil {
		h.t.Fatal(err)
	}
	h.Courier, err = New(Config{Dir: h.dir, Store: st, Sessions: h.sessions, DEK: store.Key{h.id}, Who: [8]byte{h.id}, Clock: func() time.Time { return noon }, Rand: rand.Reader})
	if err != nil {
		h.t.Fatal(err)
	}
	if l := h.sessions.List(); len(l) > 0 {
		h.room = l[0]
	}
}

// rooms makes homes that share a session and have never met.
func rooms(t *testing.T, n int) []*home {
	t.Helper()
	var out []*home
	for i := range n {
		h := newHome(t, byte(i+1))
		var err error
		if i == 0 {
			h.room, err = h.sessions.Create("room", noon)
		} else {
			h.room, err = h.sessions.Join(out[0].room.Invite(noon.Add(time.Hour), nil), fmt.Sprint("name", i), noon)
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, h)
	}
	return out
}

func (h *home) say(n int, seed uint64) {
	h.t.Helper()
	r := mrand.New(mrand.NewPCG(seed, 5))
	for i := range n {
		if _, err := h.room.Send(strings.Repeat("سلام ", 1+r.IntN(30))+fmt.Sprint(seed, i), noon.Add(time.Duration(i)*time.Second)); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *home) pack(q PackQuery) (string, Packed) {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "bundle")
	f, err := os.Create(path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if len(q.Sessions) == 0 && len(q.Vertices) == 0 {
		q.Sessions = []string{h.room.ID().String()}
	}
	p, err := h.Pack(context.Background(), q, f)
	if err != nil {
		h.t.Fatal(err)
	}
	return path, p
}

func (h *home) unpack(path string) (*Verdict, map[string]int, error) {
	h.t.Helper()
	count := map[string]int{}
	v, err := h.Unpack(context.Background(), FileQuery{Path: path}, func(r Result) error {
		count[r.Result]++
		count[r.Kind+" "+r.Result]++
		return nil
	})
	return v, count, err
}

func (h *home) mustUnpack(path string) map[string]int {
	h.t.Helper()
	v, count, err := h.unpack(path)
	if err != nil || v.Refused > 0 {
		h.t.Fatalf("%v, %v", err, count)
	}
	return count
}

func (h *home) have() [][]byte {
	h.t.Helper()
	b, err := h.Have(context.Background(), HaveQuery{Cells: 64})
	if err != nil {
		h.t.Fatal(err)
	}
	return [][]byte{b}
}

func same(a, b *home) bool { return a.room.Log().Digest() == b.room.Log().Digest() }

var errCrash = errors.New("power is gone")

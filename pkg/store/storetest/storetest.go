// Package storetest holds the contract of store.Engine as tests, and Disk, a file system that can lose power.
//
// Only tests import it.
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

// Run checks an engine. open is called with the folder of the test: called twice with one folder, it must give what was
// committed before; keeps tells whether the engine does that at all.
func Run(t *testing.T, keeps bool, open func(t *testing.T, dir string) store.Engine) {
	fresh := func(t *testing.T) store.Engine {
		e := open(t, t.TempDir())
		t.Cleanup(func() { _ = e.Close() })
		return e
	}
	t.Run("round trip", func(t *testing.T) { roundTrip(t, fresh(t)) })
	t.Run("scan", func(t *testing.T) { scan(t, fresh(t)) })
	t.Run("scan sees one moment", func(t *testing.T) { moment(t, fresh(t)) })
	t.Run("too big", func(t *testing.T) { tooBig(t, fresh(t)) })
	t.Run("many at once", func(t *testing.T) { concurrent(t, fresh(t)) })
	t.Run("close", func(t *testing.T) { closing(t, fresh(t)) })
	if keeps {
		t.Run("reopen", func(t *testing.T) { reopen(t, open) })
	}
}

func put(t *testing.T, e store.Engine, kv ...string) {
	t.Helper()
	var w []store.Write
	for i := 0; i < len(kv); i += 2 {
		w = append(w, store.Write{Key: []byte(kv[i]), Value: []byte(kv[i+1])})
	}
	if err := e.Commit(w); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, e store.Engine, k, v string) {
	t.Helper()
	got, err := e.Get([]byte(k))
	if err != nil || string(got) != v {
		t.Errorf("get %q: got %q, %v; want %q", k, got, err, v)
	}
}

func gone(t *testing.T, e store.Engine, k string) {
	t.Helper()
	if got, err := e.Get([]byte(k)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get %q: got %q, %v; want not found", k, got, err)
	}
}

func roundTrip(t *testing.T, e store.Engine) {
	gone(t, e, "a")
	big := string(bytes.Repeat([]byte("x"), 60<<10))
	put(t, e, "a", "1", "b", "", "c", big)
	want(t, e, "a", "1")
	want(t, e, "b", "")
	want(t, e, "c", big)
	got, _ := e.Get([]byte("a"))
	got[0] = '9'
	want(t, e, "a", "1")
	put(t, e, "a", "2", "a", "3") // the later one of a batch stands
	want(t, e, "a", "3")
	err := e.Commit([]store.Write{{Key: []byte("a")}, {Key: []byte("never there")}, {Key: []byte("c"), Value: []byte("4")}, {Key: []byte("c")}})
	if err != nil {
		t.Fatal(err)
	}
	gone(t, e, "a")
	gone(t, e, "c")
	if n, err := e.Size(); err != nil || n <= 0 {
		t.Errorf("size: got %d, %v", n, err)
	}
	if err := e.Commit(nil); err != nil {
		t.Errorf("empty commit: %v", err)
	}
}

func keys(t *testing.T, e store.Engine, prefix, from string, most int) []string {
	t.Helper()
	got := []string{}
	var f []byte
	if from != "" {
		f = []byte(from)
	}
	err := e.Scan([]byte(prefix), f, func(k, v []byte) bool {
		got = append(got, string(k)+"="+string(v))
		return len(got) < most
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func scan(t *testing.T, e store.Engine) {
	put(t, e, "b2", "2", "b\xff", "9", "a", "0", "b1", "1", "c", "3", "b", "b")
	for _, c := range []struct {
		prefix, from string
		most         int
		want         []string
	}{
		{"b", "", 9, []string{"b=b", "b1=1", "b2=2", "b\xff=9"}},
		{"b", "b1", 9, []string{"b1=1", "b2=2", "b\xff=9"}},
		{"b", "b10", 9, []string{"b2=2", "b\xff=9"}},
		{"b", "a", 9, []string{"b=b", "b1=1", "b2=2", "b\xff=9"}},
		{"b", "c", 9, []string{}},
		{"b", "", 2, []string{"b=b", "b1=1"}},
		{"", "", 9, []string{"a=0", "b=b", "b1=1", "b2=2", "b\xff=9", "c=3"}},
		{"d", "", 9, []string{}},
	} {
		if got := keys(t, e, c.prefix, c.from, c.most); !slices.Equal(got, c.want) {
			t.Errorf("scan %q from %q: got %q want %q", c.prefix, c.from, got, c.want)
		}
	}
}

func moment(t *testing.T, e store.Engine) {
	put(t, e, "a", "1", "b", "2")
	n := 0
	err := e.Scan(nil, nil, func(k, _ []byte) bool {
		n++
		put(t, e, "b", "changed", "c"+string(k), "new")
		want(t, e, "b", "changed")
		return true
	})
	if err != nil || n != 2 {
		t.Errorf("got %d records, %v; want 2", n, err)
	}
}

func tooBig(t *testing.T, e store.Engine) {
	half := make([]byte, e.Limit()/2)
	w := []store.Write{{Key: []byte("a"), Value: half}, {Key: []byte("b"), Value: half}}
	if err := e.Commit(w); !errors.Is(err, store.ErrTooBig) {
		t.Errorf("bytes: got %v, want too big", err)
	}
	gone(t, e, "a")
	w[1].Value = half[2:]
	if err := e.Commit(w); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
	var many []store.Write
	for i := range store.MaxRecords {
		many = append(many, store.Write{Key: fmt.Appendf(nil, "k%05d", i), Value: []byte("v")})
	}
	if err := e.Commit(many); err != nil {
		t.Errorf("exactly the limit of records: %v", err)
	}
	if err := e.Commit(append(many, store.Write{Key: []byte("z"), Value: []byte("v")})); !errors.Is(err, store.ErrTooBig) {
		t.Errorf("records: got %v, want too big", err)
	}
}

// concurrent lets writers replace pairs that must always be equal while readers look.
func concurrent(t *testing.T, e store.Engine) {
	put(t, e, "p1", "0", "p2", "0")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 25 {
				v := fmt.Appendf(nil, "%d-%d", w, i)
				if err := e.Commit([]store.Write{{Key: []byte("p1"), Value: v}, {Key: []byte("p2"), Value: v}}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 50 {
				var got []string
				if err := e.Scan([]byte("p"), nil, func(_, v []byte) bool { got = append(got, string(v)); return true }); err != nil {
					t.Error(err)
				}
				if len(got) != 2 || got[0] != got[1] {
					t.Errorf("half a batch is visible: %q", got)
				}
			}
		})
	}
	wg.Wait()
}

func closing(t *testing.T, e store.Engine) {
	put(t, e, "a", "1")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	_, err := e.Get([]byte("a"))
	_, sizeErr := e.Size()
	for name, err := range map[string]error{
		"get":    err,
		"size":   sizeErr,
		"scan":   e.Scan(nil, nil, func(_, _ []byte) bool { return true }),
		"commit": e.Commit([]store.Write{{Key: []byte("b"), Value: []byte("2")}}),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after close: got %v", name, err)
		}
	}
}

func reopen(t *testing.T, open func(*testing.T, string) store.Engine) {
	dir := t.TempDir()
	for round := range 3 {
		e := open(t, dir)
		for i := range round {
			want(t, e, fmt.Sprintf("k%d", i), fmt.Sprintf("v%d", i))
			gone(t, e, fmt.Sprintf("d%d", i))
		}
		put(t, e, fmt.Sprintf("k%d", round), fmt.Sprintf("v%d", round), fmt.Sprintf("d%d", round), "x")
		if err := e.Commit([]store.Write{{Key: fmt.Appendf(nil, "d%d", round)}}); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

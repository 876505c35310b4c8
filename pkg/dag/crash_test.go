package dag

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// shaky is an engine that fails at one Commit.
type shaky struct {
	store.Engine
	n    int  // commits so far
	at   int  // the one that fails, from 1; 0 for none
	late bool // it is written and its answer is lost
	dies bool // nothing works afterwards
	dead bool
}

var errDied = errors.New("the disk is gone")

func (s *shaky) Commit(w []store.Write) error {
	if s.dead {
		return errDied
	}
	if s.n++; s.n != s.at {
		return s.Engine.Commit(w)
	}
	s.dead = s.dies
	if s.late {
		if err := s.Engine.Commit(w); err != nil {
			return err
		}
	}
	if s.dies {
		return errDied
	}
	return fmt.Errorf("commit: %w", store.ErrFull)
}

func (s *shaky) Get(k []byte) ([]byte, error) {
	if s.dead {
		return nil, errDied
	}
	return s.Engine.Get(k)
}

func (s *shaky) Scan(p, from []byte, fn func(k, v []byte) bool) error {
	if s.dead {
		return errDied
	}
	return s.Engine.Scan(p, from, fn)
}

// work is a fixed list of things done to log 1, each with the ids it acknowledged.
type work struct {
	*room
	acked []vertex.ID
	steps []func() error
}

// newWork does nothing yet: genesis, own writes, a batch of parked vertices, their parents, an import of
// several transactions, a fork and what stands on it.
func newWork(t *testing.T, e *shaky) *work {
	w := &work{room: newRoom(t, 3)}
	w.give(2, w.root)
	var small, large []vertex.Item
	for i := range 12 {
		small = append(small, w.write(2, fmt.Sprint("small ", i)))
	}
	for i := range 30 {
		large = append(large, w.write(2, fmt.Sprint("large ", i)+string(make([]byte, 50_000))))
	}
	first := w.write(0, "one")
	twin := first.Vertex
	twin.HLC++
	second := vertex.Seal(twin, []byte("two"), w.keys[0])
	var file bytes.Buffer
	for i := range large {
		file.Write(large[i].Append(nil))
	}
	e.Engine = w.eng[1]
	w.eng[1] = e
	w.open(1)
	w.steps = []func() error{
		w.append, func() error { return w.receive(w.root) }, w.append, w.append,
		func() error { return w.receive(small[6:]...) },
		func() error { return w.receive(small[:3]...) },
		w.append,
		func() error { return w.receive(small[3:6]...) },
		func() error {
			_, err := w.logs[1].Import(bytes.NewReader(file.Bytes()), "file", noon, func(r Result) { w.ack(r) })
			return err
		},
		w.append,
		func() error { return w.receive(first, second) },
		w.append,
		func() error { return w.receive(large...) },
	}
	return w
}

func (w *work) ack(r Result) {
	if r.Outcome == Refused {
		w.t.Errorf("refused: %s", r.Reason)
	}
	w.acked = append(w.acked, r.ID)
}

func (w *work) append() error {
	it, err := w.logs[1].Append(w.keys[1], Draft{Kind: vertex.App, Now: noon,
		Body: func(v *vertex.Vertex) ([]byte, error) { return fmt.Appendf(nil, "own %d", v.Seq), nil }})
	if err == nil {
		w.acked = append(w.acked, it.ID)
	}
	return err
}

func (w *work) receive(items ...vertex.Item) error {
	got, err := w.logs[1].Receive("peer", items, noon)
	for _, r := range got.Results {
		w.ack(r)
	}
	return err
}

// held checks that what was acknowledged is here and that what is shown is here whole.
func (w *work) held(when string) {
	w.t.Helper()
	l := w.logs[1]
	for _, id := range w.acked {
		if _, ok := l.index.get(id); !ok && l.park.items[id] == nil {
			w.t.Fatalf("%s: acknowledged and missing: %s", when, id)
		}
	}
	seen := map[vertex.ID]bool{w.root.ID: true}
	for _, m := range l.Order() {
		it, err := l.Item(m.Arrival)
		if err != nil || it.ID != m.ID {
			w.t.Fatalf("%s: shown and not readable: %v", when, err)
		}
		for _, id := range names(&it) {
			if !seen[id] {
				w.t.Fatalf("%s: %s is shown without its past", when, it.ID)
			}
		}
		seen[it.ID] = true
	}
	if d := l.Damage(); d.Any() || l.Ahead() {
		w.t.Fatalf("%s: damage %+v ahead %v", when, d, l.Ahead())
	}
}

func (w *work) describe() string {
	l := w.logs[1]
	var parked []string
	for id, p := range l.park.items {
		parked = append(parked, fmt.Sprint(id, p.no, p.deadline, p.sender, len(l.park.items), l.park.bytes, l.park.byAuthor[p.item.Author]))
	}
	slices.Sort(parked)
	return describe(l) + fmt.Sprint(parked)
}

// TestFullDisk: the k-th commit finds no space, for every k. What memory shows is what the disk holds,
// and with space again the log goes on to the same end.
func TestFullDisk(t *testing.T) {
	eachCommit(t, shaky{}, func(w *work, k int, failed error) {
		if !errors.Is(failed, store.ErrFull) {
			w.t.Fatalf("commit %d: %v", k, failed)
		}
	})
}

// TestLostAnswer: the k-th commit is done and its answer lost; the log must not use its seqs again.
func TestLostAnswer(t *testing.T) { eachCommit(t, shaky{late: true}, func(*work, int, error) {}) }

func eachCommit(t *testing.T, how shaky, check func(w *work, k int, failed error)) {
	want := ""
	for k := 0; ; k++ {
		e := how
		e.at = k
		w := newWork(t, &e)
		failed := 0
		for _, step := range w.steps {
			err := step()
			if err == nil {
				continue
			}
			failed++
			check(w, k, err)
			memory := w.describe()
			w.held("after the failure")
			w.open(1)
			w.held(fmt.Sprint("after a restart at commit ", k))
			if disk := w.describe(); disk != memory {
				t.Fatalf("commit %d: memory and disk differ\n%s\nand\n%s", k, memory, disk)
			}
			if err := step(); err != nil {
				t.Fatalf("commit %d, once more: %v", k, err)
			}
		}
		w.held("at the end")
		end := w.describe()
		if k == 0 {
			want = end
		} else if end != want && !how.late {
			t.Fatalf("commit %d: ends as\n%s\nwant\n%s", k, end, want)
		}
		w.open(1)
		w.held("at the end, opened again")
		if w.describe() != end {
			t.Fatalf("commit %d: the end is not what the disk holds", k)
		}
		if len(w.logs[1].Forks()) != 1 || slices.Contains(w.logs[1].Forks(), w.keys[1].Public()) {
			t.Fatalf("commit %d: %d forks", k, len(w.logs[1].Forks()))
		}
		if k > 0 && failed == 0 {
			if k < 15 {
				t.Fatalf("only %d commits", k)
			}
			return
		}
	}
}

// TestDeath: the process ends at the k-th commit, written or not, for every k.
func TestDeath(t *testing.T) {
	for _, late := range []bool{false, true} {
		for k := 1; ; k++ {
			e := &shaky{at: k, late: late, dies: true}
			w := newWork(t, e)
			var err error
			for _, step := range w.steps {
				if err = step(); err != nil {
					break
				}
			}
			if err == nil {
				break
			}
			if again := w.append(); again == nil {
				t.Fatal("goes on without a disk")
			}
			e.dead = false
			w.open(1)
			w.held(fmt.Sprint("after death at commit ", k))
			for _, step := range w.steps[1:] {
				if err := step(); err != nil {
					t.Fatalf("commit %d, after the restart: %v", k, err)
				}
			}
			w.held("at the end")
		}
	}
}

package dag

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// Totals count what a merge did.
type Totals struct {
	New, Known, Parked, Refused int
	Forks                       int
}

// Export writes every accepted vertex, parents first, in the interchange form: items back to back. It
// returns how many it wrote. A body that is not held stands as null.
func (l *Log) Export(w io.Writer) (int, error) {
	bw := bufio.NewWriterSize(w, 256<<10)
	n := 0
	ats := make([]uint32, 0, l.Arrivals())
	for _, m := range l.Since(0) {
		ats = append(ats, m.Arrival)
	}
	l.Causal(ats)
	var buf []byte
	for _, at := range ats {
		it, err := l.Item(at)
		if errors.Is(err, store.ErrCorrupt) && !errors.Is(err, ErrNoBody) {
			continue // lost: wanted from peers
		}
		if err != nil && !errors.Is(err, ErrNoBody) {
			return n, err
		}
		buf = it.Append(buf[:0])
		if _, err := bw.Write(buf); err != nil {
			return n, fmt.Errorf("write export: %w", err)
		}
		n++
	}
	if err := bw.Flush(); err != nil {
		return n, fmt.Errorf("write export: %w", err)
	}
	return n, nil
}

// Import merges a stream of items, in any order and any number of times. each is called with the answer
// for every item once it is durable; it may be nil. Reading, deciding and writing run side by side, and
// other writers come in between. An error of the stream comes after all that was read before it is durable.
func (l *Log) Import(r io.Reader, sender string, now time.Time, each func(Result)) (sum Totals, err error) {
	chunks, done := make(chan chunkRead, 1), make(chan struct{})
	defer close(done)
	go readChunks(r, l.chunk(), chunks, done)
	m := importing{l: l, sender: sender, now: now, chunks: chunks, durable: func(t *taken) {
		l.announce(t)
		sum.add(t, each)
	}}
	for c := range chunks {
		if err = m.turn(c); err != nil {
			break
		}
	}
	return sum, err
}

// importing is one Import.
type importing struct {
	l       *Log
	sender  string
	now     time.Time
	chunks  <-chan chunkRead
	durable func(*taken)
}

// turn merges c and what follows until the stream ends or another writer asks. All is durable when it returns.
func (m *importing) turn(c chunkRead) error {
	m.l.write.Lock()
	defer m.l.write.Unlock()
	w := newWriter(m.l, m.durable)
	var failed error
	for more := true; more && failed == nil; {
		t, err := m.l.take(m.sender, c.items, m.now)
		if err == nil {
			t.Results = append(c.refused, t.Results...)
			err = w.put(t)
		}
		if failed = errors.Join(err, c.err); failed != nil {
			break
		}
		select {
		case c, more = <-m.chunks:
		case <-m.l.write.asked:
			more = false
		}
	}
	err := w.wait()
	if err != nil {
		m.l.reload(err)
	}
	return errors.Join(failed, err)
}

func (s *Totals) add(t *taken, each func(Result)) {
	s.Forks += len(t.Forks)
	for _, r := range t.Results {
		switch r.Outcome {
		case New:
			s.New++
		case Known:
			s.Known++
		case Parked:
			s.Parked++
		case Refused:
			s.Refused++
		}
		if each != nil {
			each(r)
		}
	}
}

// chunkRead is what readChunks hands over: items for one transaction, what was refused on the way, and
// the error that ended the stream.
type chunkRead struct {
	items   []vertex.Item
	refused []Result
	err     error
}

func readChunks(r io.Reader, size int, out chan<- chunkRead, done <-chan struct{}) {
	defer close(out)
	br := bufio.NewReaderSize(r, 4*vertex.MaxItem)
	for room := 0; ; {
		c, end := readChunk(br, size, room)
		room = len(c.items) + 16 // the next one will not be much longer
		select {
		case out <- c:
		case <-done:
			return
		}
		if end {
			return
		}
	}
}

func readChunk(br *bufio.Reader, full, room int) (c chunkRead, end bool) {
	c.items = make([]vertex.Item, 0, room)
	for size := 0; size < full && len(c.refused) < 1024; {
		it, err := vertex.ReadItem(br)
		var re *vertex.RefusedError
		switch {
		case err == io.EOF:
			return c, true
		case errors.As(err, &re) && !errors.Is(err, vertex.ErrLost):
			c.refused = append(c.refused, Result{Outcome: Refused, Reason: string(re.Reason)})
			continue
		case err != nil:
			c.err = fmt.Errorf("read import: %w", err)
			return c, true
		}
		size += 500 + len(it.Body)
		c.items = append(c.items, it)
	}
	return c, false
}

// writer commits chunks one after the other while the next is decided.
type writer struct {
	in   chan *taken
	err  chan error
	fail chan struct{}
}

func newWriter(l *Log, done func(*taken)) *writer {
	w := &writer{in: make(chan *taken, 1), err: make(chan error, 1), fail: make(chan struct{})}
	go func() {
		var failed error
		for t := range w.in {
			if failed != nil {
				continue
			}
			if failed = l.store(t); failed != nil {
				close(w.fail)
				continue
			}
			l.tell(t)
			done(t)
		}
		w.err <- failed
	}()
	return w
}

func (w *writer) put(t *taken) error {
	select {
	case w.in <- t:
		return nil
	case <-w.fail:
		return errors.New("import stopped")
	}
}

func (w *writer) wait() error {
	close(w.in)
	return <-w.err
}

package gossip

import "sync"

// inbox holds what was heard until the reader takes it, at most so many bytes.
type inbox struct {
	mu    sync.Mutex // guards all below
	ready sync.Cond
	list  []Heard
	bytes int
	shut  bool
}

func newInbox() *inbox {
	q := &inbox{}
	q.ready.L = &q.mu
	return q
}

// put reports false when the reader is too slow.
func (q *inbox) put(h Heard) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut || q.bytes+len(h.Envelope) > maxWaiting {
		return false
	}
	q.list = append(q.list, h)
	q.bytes += len(h.Envelope)
	q.ready.Signal()
	return true
}

// take waits for the next; false when the inbox is closed and empty.
func (q *inbox) take() (Heard, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == 0 && !q.shut {
		q.ready.Wait()
	}
	if len(q.list) == 0 {
		return Heard{}, false
	}
	h := q.list[0]
	q.list[0] = Heard{}
	q.list = q.list[1:]
	q.bytes -= len(h.Envelope)
	return h, true
}

func (q *inbox) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.shut = true
	q.ready.Broadcast()
}

package store

import (
	"sync"
	"time"
)

const (
	groupRecords = 1024
	groupWait    = 2 * time.Millisecond
)

// request is one caller of Commit.
type request struct {
	batch *Batch
	done  chan error // one answer, buffered
}

// committer is the one goroutine that writes. It merges what is queued into one durable transaction, so that many
// callers share one fsync.
type committer struct {
	mu     sync.RWMutex // guards closed; held for reading while a request is queued
	closed bool
	queue  chan *request
	limit  int // bytes of one group
	ended  chan struct{}
}

func (c *committer) start(limit int, write func([]*request)) {
	c.limit = limit
	c.queue, c.ended = make(chan *request, 64), make(chan struct{})
	go c.loop(write)
}

// stop refuses new requests, and returns after the queued ones are answered.
func (c *committer) stop() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	c.mu.Unlock()
	<-c.ended
}

func (c *committer) submit(r *request) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return ErrClosed
	}
	c.queue <- r
	return nil
}

func (c *committer) loop(write func([]*request)) {
	defer close(c.ended)
	var next *request // taken from the queue, but too much for the last group
	last := 1         // callers in the last group: as many are likely to come back
	for {
		first := next
		if first == nil {
			first = <-c.queue
		}
		if first == nil {
			return
		}
		var group []*request
		group, next = c.gather(first, last)
		last = len(group)
		write(group)
	}
}

// gather takes what is queued while it fits. It waits only when several callers came together last time: they were all
// answered at the same moment and are on their way back.
func (c *committer) gather(first *request, want int) (group []*request, next *request) {
	group = []*request{first}
	records, bytes := first.batch.Len(), first.batch.Bytes()
	late := make(<-chan time.Time)
	if want > 1 {
		t := time.NewTimer(groupWait)
		defer t.Stop()
		late = t.C
	}
	for {
		var r *request
		if r, want = c.more(len(group), want, late); r == nil {
			return group, nil
		}
		records, bytes = records+r.batch.Len(), bytes+r.batch.Bytes()
		if records > groupRecords || bytes > c.limit {
			return group, r
		}
		group = append(group, r)
	}
}

// more returns the next request: while have < want it waits for one until late, then takes only what is there. It
// returns what is still wanted: 0 once late has come, for it comes once.
func (c *committer) more(have, want int, late <-chan time.Time) (*request, int) {
	if have < want {
		select {
		case r := <-c.queue:
			return r, want
		case <-late:
			want = 0
		}
	}
	select {
	case r := <-c.queue:
		return r, want
	default:
		return nil, want
	}
}

// Commit makes b durable, all of it or nothing, and returns then.
func (s *Store) Commit(b *Batch) error {
	if b.err != nil {
		return b.err
	}
	if err := checkBatch(b.writes, s.limit); err != nil {
		return err
	}
	r := &request{batch: b, done: make(chan error, 1)}
	if err := s.submit(r); err != nil {
		return err
	}
	return <-r.done
}

// write runs on the committer. Batches that a full store refuses are left out of the group; deletes always pass.
func (s *Store) write(group []*request) {
	full := s.quota.full()
	var writes []Write
	taken := group[:0:0]
	for _, r := range group {
		if full != nil && !r.batch.onlyDeletes() {
			r.done <- full
			continue
		}
		taken, writes = append(taken, r), append(writes, r.batch.writes...)
	}
	if len(taken) == 0 {
		return
	}
	err := s.engine.Commit(writes)
	s.quota.wrote(writes)
	for _, r := range taken {
		r.done <- err
	}
}

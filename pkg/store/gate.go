package store

import "sync"

// gate counts running calls, so that Close waits for them and none starts later.
type gate struct {
	mu     sync.Mutex // guards closed and the first Add of running
	closed bool
	run    sync.WaitGroup
}

func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.run.Add(1)
	return nil
}

func (g *gate) leave() { g.run.Done() }

// shut reports whether this call is the one that closes, after the last running call has left.
func (g *gate) shut() bool {
	g.mu.Lock()
	first := !g.closed
	g.closed = true
	g.mu.Unlock()
	g.run.Wait()
	return first
}

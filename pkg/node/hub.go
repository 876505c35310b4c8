package node

import (
	"sync"

	"github.com/pars-network/pars/pkg/session"
)

// hub tells every stream and reader that some session's log changed. One goroutine a session watches
// the log; Close waits for all.
type hub struct {
	mu   sync.Mutex // guards next
	next chan struct{}
	stop chan struct{}
	wg   sync.WaitGroup
	seen map[*session.Session]bool
}

func newHub() *hub {
	return &hub{next: make(chan struct{}), stop: make(chan struct{}), seen: map[*session.Session]bool{}}
}

func (h *hub) watch(s *session.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen[s] {
		return
	}
	h.seen[s] = true
	h.wg.Go(func() {
		for ch := s.Log().Changed(); ; {
			select {
			case <-ch:
				ch = s.Log().Changed() // before fire: what changes from here on closes it
				h.fire()
			case <-h.stop:
				return
			}
		}
	})
}

func (h *hub) fire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.next)
	h.next = make(chan struct{})
}

// wait returns a channel that is closed at the next change. Take the next one before looking at the
// logs, or a change between is missed.
func (h *hub) wait() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next
}

func (h *hub) close() {
	close(h.stop)
	h.wg.Wait()
}

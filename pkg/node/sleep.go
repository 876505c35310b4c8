package node

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/resource"
)

// While a mode asks for few wake-ups a node keeps no link: it closes its door, opens it from time to time
// for as long as it takes to be level with somebody, and when a person sends or looks.
const (
	personFor = time.Minute     // a person who did something waits for an answer
	sleepTick = time.Second     // how often an open door is looked at
	levelFor  = 3 * time.Second // nothing more comes after that
)

// slept is the sleep of a node. The zero value is awake.
type slept struct {
	mu      sync.Mutex // guards below
	sleeps  bool       // the mode asks for wake-ups
	until   time.Time  // awake until
	next    time.Time  // when it wakes by itself
	never   bool       // it wakes for what a person sends alone
	persons int        // who wait for what comes
	wake    chan struct{}
	once    sync.Once
}

func (s *slept) signal() chan struct{} {
	s.once.Do(func() { s.wake = make(chan struct{}, 1) })
	return s.wake
}

func (s *slept) kick() {
	select {
	case s.signal() <- struct{}{}:
	default:
	}
}

// awake reports whether links may be up.
func (s *slept) awake(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.sleeps || s.waited() || now.Before(s.until)
}

// waited reports whether a person waits who may: for what comes nothing is spent that is not there.
func (s *slept) waited() bool { return s.persons > 0 && !s.never }

// awake reports whether the door is open: whether a peer may be called, or let in.
func (n *Node) awake() bool { return n.slept.awake(n.clock()) }

// mode takes the limits of a new mode.
func (s *slept) mode(l resource.Limits, now time.Time, jitter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case l.WakeEvery == 0:
		s.sleeps, s.next = false, time.Time{}
		return
	case !s.sleeps:
		s.until = now.Add(l.Awake) // what is under way may end
	}
	s.sleeps, s.never = true, l.WakeEvery == resource.Never
	if s.never {
		s.next = time.Time{}
	} else if s.next.IsZero() || s.next.After(now.Add(l.WakeEvery+jitter)) {
		s.next = now.Add(l.WakeEvery + jitter)
	}
}

// step opens the door when it is time, unless the hour is used up, and says what is to be done: awake and
// rose, or fell asleep. level says that somebody has everything and nothing more comes.
func (s *slept) step(l resource.Limits, now time.Time, level, used bool, jitter time.Duration) (rose, fell bool, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sleeps {
		return false, false, time.Hour
	}
	if !s.next.IsZero() && !now.Before(s.next) {
		s.next = now.Add(l.WakeEvery + jitter)
		if !used && !now.Before(s.until) {
			s.until, rose = now.Add(l.Awake), true
		}
	}
	if s.waited() {
		return rose, false, sleepTick
	}
	if level && !rose && now.Before(s.until) {
		s.until = now
	}
	if now.Before(s.until) {
		return rose, false, sleepTick
	}
	wait = time.Hour
	if !s.next.IsZero() {
		wait = s.next.Sub(now)
	}
	return false, true, wait
}

// person notes that somebody at this machine waits, or sends; the answer must be called when they do no
// longer.
func (n *Node) person(sends bool) (gone func()) {
	s := &n.slept
	n.stay(sends)
	s.mu.Lock()
	s.persons++
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.persons--
		s.mu.Unlock()
		n.stay(sends)
	}
}

// stay keeps the door open for a person.
func (n *Node) stay(sends bool) {
	s, now := &n.slept, n.clock()
	s.mu.Lock()
	if !s.sleeps || s.never && !sends {
		s.mu.Unlock()
		return
	}
	rose := !now.Before(s.until) && !s.waited()
	s.until = now.Add(personFor)
	s.mu.Unlock()
	if rose {
		n.rise()
	}
	s.kick()
}

// rise calls those it knows.
func (n *Node) rise() {
	if n.dialer != nil {
		n.dialer.again()
	}
	n.look()
	n.presence.kick()
	n.chain.kick()
	n.slept.kick()
}

// sleep closes all links.
func (n *Node) sleep() {
	for _, c := range n.host.Network().Conns() {
		c.Close()
	}
}

// watchSleep opens and closes the door until ctx ends.
func (n *Node) watchSleep(ctx context.Context) {
	wake := n.slept.signal()
	for {
		now := n.clock()
		l := n.mode().Limits()
		bytes, _ := n.usage.hour(now)
		rose, fell, wait := n.slept.step(l, now, n.levelNow(now), l.BytesPerHour > 0 && bytes >= l.BytesPerHour, n.jitter(l.WakeEvery/4))
		if rose {
			n.rise()
		}
		if fell {
			n.sleep()
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(max(wait, sleepTick)):
		}
	}
}

// levelNow reports whether somebody who shares a session is level and nothing more comes.
func (n *Node) levelNow(now time.Time) bool {
	if n.usage.quiet(now) < levelFor {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, st := range n.streams {
		if st.shared > 0 && st.level {
			return true
		}
	}
	return false
}

// attended marks calls by which a person waits for others.
func (n *Node) attended(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/send", "/v1/join", "/v1/announce", "/v1/announce-role", "/v1/import", "/v1/evm/send", "/v1/evm/edit", "/v1/evm/run":
			defer n.person(true)()
		case "/v1/read", "/v1/find-peers", "/v1/evm/ask":
			defer n.person(false)()
		}
		h.ServeHTTP(w, r)
	})
}

package road

import (
	"strconv"
	"time"
)

// State is what of the world can be reached.
type State int

// States.
const (
	S0 State = iota // no link, or nobody on it
	S1              // an island: the local network, or Bluetooth
	S2              // the national network alone
	S3              // and recursive DNS to the world
	S4              // a filtered Internet
	S5              // the free Internet
)

// String is S0 to S5.
func (s State) String() string { return "S" + strconv.Itoa(int(s)) }

// Kind is what a piece of evidence is about.
type Kind int

// Kinds of evidence.
const (
	Local   Kind = iota // a handshake with a peer on the local network
	Home                // a handshake with a peer or beacon inside the country
	Foreign             // a handshake with a peer or beacon abroad
	Name                // a signed answer for a fresh random name abroad
)

// Evidence is one attempt and its end.
type Evidence struct {
	Kind  Kind
	OK    bool
	Host  string // of the peer; one host over two transports is two pieces of evidence
	Group string // its place: /16, /32
	AS    string // its network, or empty; then Group counts
	Over  string // transport: tcp, quic, wss …
	// Trusted is a contact, an anchor, a beacon or a peer of a signed list. Only those lead to S5: a censor who lets two peers
	// of its own through must not lure a node onto plain roads.
	Trusted bool
	Dirty   bool // of Name: an answer was forged on the way
}

const (
	fresh    = 10 * time.Minute // how long evidence stands
	changing = 2 * time.Minute  // how long that of before a change stands
	apart    = 5 * time.Second  // between two refutations that count
)

// Machine is the state with its evidence. The zero value is S0 without a link.
type Machine struct {
	linked bool
	held   map[key]*support
	dirty  time.Time // when a forged answer was last seen
}

type key struct {
	kind       Kind
	host, over string
}

// support is evidence that stands until it expires or is refuted twice.
type support struct {
	Evidence
	until   time.Time
	refuted time.Time // first of two
	failed  time.Time // last failure of this transport to this host
}

// Link is told when the interfaces or routes changed, and whether any can be used. What was known before must be seen
// again soon; without a link nothing of it holds.
func (m *Machine) Link(now time.Time, usable bool) {
	m.linked = usable
	for k, s := range m.held {
		if !usable {
			delete(m.held, k)
		} else if end := now.Add(changing); s.until.After(end) {
			s.until = end
		}
	}
}

// Observe takes a piece of evidence, good or bad.
func (m *Machine) Observe(now time.Time, e Evidence) {
	if m.held == nil {
		m.held = map[key]*support{}
	}
	if e.Kind == Name && e.Dirty {
		m.dirty = now
	}
	k := key{e.Kind, e.Host, e.Over}
	s := m.held[k]
	switch {
	case e.OK:
		m.held[k] = &support{Evidence: e, until: now.Add(fresh)}
	case s == nil:
		m.held[k] = &support{Evidence: e, until: now, failed: now}
	case s.refuted.IsZero():
		s.refuted, s.failed = now, now
	case now.Sub(s.refuted) >= apart:
		s.until, s.failed = now, now
	default:
		s.failed = now
	}
	if len(m.held) > 1024 { // an attacker may make hosts; old ones go
		m.prune(now)
	}
}

func (m *Machine) prune(now time.Time) {
	for k, s := range m.held {
		if !s.stands(now) && now.Sub(s.failed) > fresh {
			delete(m.held, k)
		}
	}
	for k := range m.held {
		if len(m.held) <= 1024 {
			return
		}
		if m.held[k].Kind != Local && !m.held[k].Trusted {
			delete(m.held, k)
		}
	}
}

func (s *support) stands(now time.Time) bool { return s.OK && now.Before(s.until) }

// places counts different places among what stands.
func (m *Machine) places(now time.Time, want func(*support) bool, of func(*support) string) int {
	seen := map[string]bool{}
	for _, s := range m.held {
		if s.stands(now) && want(s) {
			seen[of(s)] = true
		}
	}
	return len(seen)
}

func group(s *support) string { return s.Group }

func as(s *support) string {
	if s.AS != "" {
		return s.AS
	}
	return s.Group
}

// State is the highest state that the evidence bears at a time.
func (m *Machine) State(now time.Time) State {
	is := func(k Kind) func(*support) bool { return func(s *support) bool { return s.Kind == k } }
	over := func(t string) func(*support) bool {
		return func(s *support) bool { return s.Kind == Foreign && s.Over == t && s.Trusted }
	}
	switch {
	case !m.linked:
		return S0
	case m.places(now, over("quic"), as) >= 2 && m.places(now, over("tcp"), as) >= 2 && !m.failing(now) && now.Sub(m.dirty) > fresh:
		return S5
	case m.places(now, is(Foreign), group) >= 1:
		return S4
	case m.places(now, is(Home), group) >= 2:
		if m.places(now, is(Name), group) >= 1 {
			return S3
		}
		return S2
	case m.places(now, is(Name), group) >= 1: // the world's names are there, and nobody has answered yet
		return S3
	case m.places(now, is(Local), group) >= 1 || m.places(now, is(Home), group) >= 1:
		return S1
	}
	return S0
}

// failing tells whether a road fails to a host abroad to which another one passes.
func (m *Machine) failing(now time.Time) bool {
	for k, s := range m.held {
		if k.kind != Foreign || s.stands(now) || now.Sub(s.failed) > fresh {
			continue
		}
		for other, t := range m.held {
			if other.kind == Foreign && other.host == k.host && other.over != k.over && t.stands(now) {
				return true
			}
		}
	}
	return false
}

// Standing returns the evidence that stands, in no order.
func (m *Machine) Standing(now time.Time) []Evidence {
	var out []Evidence
	for _, s := range m.held {
		if s.stands(now) {
			out = append(out, s.Evidence)
		}
	}
	return out
}

package road

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var t0 = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func abroad(host, as, over string, trusted, ok bool) Evidence {
	return Evidence{Kind: Foreign, OK: ok, Host: host, Group: host, AS: as, Over: over, Trusted: trusted}
}

func free() []Evidence {
	return []Evidence{abroad("a", "1", "tcp", true, true), abroad("a", "1", "quic", true, true), abroad("b", "2", "tcp", true, true), abroad("b", "2", "quic", true, true)}
}

func TestStates(t *testing.T) {
	home := func(g string) Evidence { return Evidence{Kind: Home, OK: true, Host: g, Group: g} }
	name := Evidence{Kind: Name, OK: true, Host: "org"}
	for _, c := range []struct {
		what string
		e    []Evidence
		want State
	}{
		{"nothing", nil, S0},
		{"a neighbour", []Evidence{{Kind: Local, OK: true, Host: "x"}}, S1},
		{"a neighbour that did not answer", []Evidence{{Kind: Local, Host: "x"}}, S0},
		{"one at home", []Evidence{home("1")}, S1},
		{"two at home in one place", []Evidence{home("1"), {Kind: Home, OK: true, Host: "z", Group: "1"}}, S1},
		{"two at home", []Evidence{home("1"), home("2")}, S2},
		{"names", []Evidence{home("1"), home("2"), name}, S3},
		{"one abroad", []Evidence{abroad("a", "1", "tcp", true, true)}, S4},
		{"free", free(), S5},
		{"two learned ones do not free", []Evidence{abroad("a", "1", "tcp", false, true), abroad("a", "1", "quic", false, true), abroad("b", "2", "tcp", false, true), abroad("b", "2", "quic", false, true)}, S4},
		{"one network is one", []Evidence{abroad("a", "1", "tcp", true, true), abroad("a", "1", "quic", true, true), abroad("b", "1", "tcp", true, true), abroad("b", "1", "quic", true, true)}, S4},
		{"tcp alone", []Evidence{abroad("a", "1", "tcp", true, true), abroad("b", "2", "tcp", true, true)}, S4},
		{"one road fails where another passes", append(free(), abroad("a", "1", "wss", true, false)), S4},
		{"forged names", append(free(), Evidence{Kind: Name, Dirty: true}), S4},
	} {
		var m Machine
		m.Link(t0, true)
		for _, e := range c.e {
			m.Observe(t0, e)
		}
		if got := m.State(t0.Add(time.Second)); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
		m.Link(t0, false)
		if got := m.State(t0); got != S0 || len(m.Standing(t0)) != 0 {
			t.Errorf("%s: %v without a link", c.what, got)
		}
	}
}

// One failure is chance; two, five seconds apart, are an answer. What nobody sees again expires.
func TestDown(t *testing.T) {
	mk := func() *Machine {
		var m Machine
		m.Link(t0, true)
		for _, e := range free() {
			m.Observe(t0, e)
		}
		return &m
	}
	refute := func(m *Machine, at time.Duration) {
		for _, e := range free() {
			e.OK = false
			m.Observe(t0.Add(at), e)
		}
	}
	m := mk()
	refute(m, time.Second)
	refute(m, 5*time.Second)
	if got := m.State(t0.Add(5 * time.Second)); got != S5 {
		t.Errorf("after two failures in four seconds: %v", got)
	}
	refute(m, 6*time.Second)
	if got := m.State(t0.Add(6 * time.Second)); got != S0 {
		t.Errorf("after two failures five seconds apart: %v", got)
	}
	m = mk()
	if a, b := m.State(t0.Add(fresh-1)), m.State(t0.Add(fresh)); a != S5 || b != S0 {
		t.Errorf("expiry: %v, %v", a, b)
	}
	m = mk()
	m.Link(t0, true)
	if a, b := m.State(t0.Add(changing-1)), m.State(t0.Add(changing)); a != S5 || b != S0 {
		t.Errorf("after a change: %v, %v", a, b)
	}
}

// Whatever is told, the state is one that the evidence bears, and memory is bounded.
func TestRandom(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var m Machine
		m.Link(t0, true)
		now := t0
		for range 2000 {
			now = now.Add(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			m.Observe(now, Evidence{Kind: Kind(rnd.IntN(4)), OK: rnd.IntN(2) == 0, Host: fmt.Sprint(rnd.IntN(3000)), Group: fmt.Sprint(rnd.IntN(9)), Over: []string{"tcp", "quic"}[rnd.IntN(2)]})
		}
		if s := m.State(now); s == S5 {
			t.Fatalf("seed %d: S5 without a trusted peer", seed)
		}
		if len(m.held) > 1100 {
			t.Fatalf("seed %d: %d pieces of evidence", seed, len(m.held))
		}
	}
}

// drive runs a race on a simulated clock: ends says after how long a road ends, and whether it brings enough.
func drive(entries []Entry, ends map[string]struct {
	after  time.Duration
	enough bool
}) (log []string) {
	now := t0
	r := NewRace(now, entries)
	due := map[string]time.Time{}
	for range 100 {
		start, cancel, next := r.Step(now)
		for _, s := range start {
			log = append(log, fmt.Sprintf("%v start %s", now.Sub(t0), s))
			if e, ok := ends[s]; ok {
				due[s] = now.Add(e.after)
			}
		}
		for _, s := range cancel {
			log = append(log, fmt.Sprintf("%v cancel %s", now.Sub(t0), s))
			delete(due, s)
		}
		if next.IsZero() && len(due) == 0 {
			return append(log, fmt.Sprintf("%v over", now.Sub(t0)))
		}
		who := ""
		for s, at := range due {
			if next.IsZero() || !at.After(next) {
				next, who = at, s
			}
		}
		now = next
		if who != "" {
			delete(due, who)
			r.Ended(who)
			log = append(log, fmt.Sprintf("%v end %s", now.Sub(t0), who))
			if ends[who].enough {
				r.Enough(now)
			}
		}
	}
	return append(log, "never over")
}

func TestRace(t *testing.T) {
	type end = struct {
		after  time.Duration
		enough bool
	}
	entries := []Entry{{"builtin", 0, time.Second, false}, {"do53", 0, 5 * time.Second, false}, {"doh", 300 * time.Millisecond, 5 * time.Second, false}, {"ens", 1500 * time.Millisecond, 5 * time.Second, false}}
	for _, c := range []struct {
		what string
		won  string
		ends map[string]end
		want []string
	}{
		{"the first has enough", "", map[string]end{"builtin": {0, true}},
			[]string{"0s start builtin", "0s start do53", "0s end builtin", "2s cancel do53", "2s over"}},
		{"a dead one costs nothing", "", map[string]end{"builtin": {0, false}, "doh": {100 * time.Millisecond, true}},
			[]string{"0s start builtin", "0s start do53", "0s end builtin", "300ms start doh", "400ms end doh", "2.4s cancel do53", "2.4s over"}},
		{"all fail: nobody waits for the clock", "", map[string]end{"builtin": {0, false}, "do53": {10 * time.Millisecond, false}, "doh": {0, false}, "ens": {0, false}},
			[]string{"0s start builtin", "0s start do53", "0s end builtin", "10ms end do53", "10ms start doh", "10ms end doh", "10ms start ens", "10ms end ens", "10ms over"}},
		{"all are silent", "", map[string]end{"builtin": {0, false}},
			[]string{"0s start builtin", "0s start do53", "0s end builtin", "300ms start doh", "1.5s start ens", "5s cancel do53", "5.3s cancel doh", "6.5s cancel ens", "6.5s over"}},
		{"a winner of before starts first", "ens", map[string]end{"builtin": {0, false}, "ens": {0, true}},
			[]string{"0s start builtin", "0s start do53", "0s end builtin", "300ms start doh", "1s start ens", "1s end ens", "3s cancel do53", "3s cancel doh", "3s over"}},
	} {
		e := slices.Clone(entries)
		for i := range e {
			e[i].Won = e[i].Name == c.won
		}
		if got := drive(e, c.ends); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.what, got, c.want)
		}
	}
}

// Every subset of dead roads: the race ends, and not later than its last timeout.
func TestRaceSubsets(t *testing.T) {
	for set := range 1 << 6 {
		var entries []Entry
		ends := map[string]struct {
			after  time.Duration
			enough bool
		}{}
		for i := range 6 {
			name := fmt.Sprint(i)
			entries = append(entries, Entry{name, time.Duration(i) * 400 * time.Millisecond, 5 * time.Second, false})
			if set>>i&1 == 1 {
				ends[name] = struct {
					after  time.Duration
					enough bool
				}{50 * time.Millisecond, true}
			}
		}
		log := drive(entries, ends)
		if last := log[len(log)-1]; last == "never over" {
			t.Errorf("%06b: %v", set, log)
		}
		if won := slices.ContainsFunc(log, func(s string) bool { return len(s) > 4 && s[len(s)-5:len(s)-2] == "end" }); won != (set != 0) {
			t.Errorf("%06b: %v", set, log)
		}
	}
}

func Example() {
	var m Machine
	m.Link(t0, true)
	m.Observe(t0, Evidence{Kind: Local, OK: true, Host: "neighbour"})
	fmt.Println(m.State(t0))
	// Output: S1
}

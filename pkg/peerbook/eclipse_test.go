package peerbook

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var replay = flag.Uint64("seed", 0, "run the eclipse story with this seed only")

// story is one life of a node under attack up to a restart, in virtual time.
type story struct {
	rnd    *rand.Rand
	b      *Book
	now    time.Time
	honest int     // peers of the network
	up     float64 // share of them that answers
	groups int     // networks of the attacker
	dark   bool    // nobody honest answers after the restart
	awake  time.Time
}

func evil(id ID) bool { return strings.HasPrefix(string(id), "evil") }

// answers reports whether a peer answers: the attacker's do always, a contact once it is awake.
func (s *story) answers(id ID) bool {
	if id == "friend" {
		return !s.now.Before(s.awake)
	}
	return evil(id) || !s.dark && s.rnd.Float64() < s.up
}

func (s *story) addrOf(id ID, n int) [][]byte {
	if evil(id) {
		g := n % s.groups
		return [][]byte{ip4(200+byte(g>>8), byte(g), byte(n>>8), byte(n), 4001)}
	}
	return [][]byte{ip4(byte(1+n%50), byte(n), 1, 1, 4001)}
}

func (s *story) hear(id string, n int, src Source) {
	s.b.Hear(src, ID(fmt.Sprint(id, n)), s.addrOf(ID(id), n), s.now)
}

// live lets the node hear, feel and use peers for hours. flood is how many peers of the attacker are named
// an hour, by sources of its own networks.
func (s *story) live(hours, flood int) {
	for range hours {
		for range 20 {
			n := s.rnd.IntN(s.honest)
			s.hear("honest", n, dht(fmt.Sprint("net", n%50)))
		}
		for range flood {
			n := s.rnd.IntN(5000)
			s.hear("evil", n, dht(fmt.Sprint("evilnet", n%s.groups)))
		}
		for range 30 { // feelers
			s.now = s.now.Add(feelerEvery)
			if e, ok := s.b.Feeler(free, s.now); ok {
				s.call(e.ID)
			}
		}
		for _, u := range s.run(2) {
			s.b.Useful(u.ID, time.Hour, s.now)
		}
	}
}

func (s *story) call(id ID) bool {
	s.b.Called(id, s.now)
	if s.answers(id) {
		s.b.Good(id, nil, s.now)
		return true
	}
	s.b.Failed(id, false, s.now)
	return false
}

// run fills sixteen slots for so many seconds, three calls a second.
func (s *story) run(seconds int) (use []Use) { return s.more(nil, seconds) }

func (s *story) more(use []Use, seconds int) []Use {
	called := map[ID]bool{}
	for _, u := range use {
		called[u.ID] = true
	}
	for range seconds {
		for range 3 {
			e, ok := s.b.Next(16, use, func(id ID) bool { return called[id] }, s.now)
			if !ok {
				break
			}
			called[e.ID] = true
			if u, known := s.b.UseOf(e.ID); s.call(e.ID) && known {
				use = append(use, u)
			}
		}
		if called["friend"] = contactsIn(use) > 0; !called["friend"] && s.now.Unix()%5 > 0 {
			called["friend"] = true // a contact who does not answer is called again after five seconds
		}
		s.now = s.now.Add(time.Second)
	}
	return use
}

func (s *story) restart(t *testing.T) {
	t.Helper()
	b, err := Decode(s.b.Encode(), nil, s.rnd.IntN)
	if err != nil {
		t.Fatal(err)
	}
	s.b, s.now = b, s.now.Add(10*time.Minute)
	s.b.Start(s.now)
}

// alarm looks at a view for 58 seconds.
func (s *story) alarm(use []Use) bool {
	trusted := false
	for _, u := range use {
		trusted = trusted || u.Trusted(s.now)
	}
	var a Alarm
	for i := range 58 {
		a.Look(View{Peers: use, Trusted: trusted}, s.now.Add(time.Duration(i)*time.Second))
	}
	return a.On
}

func newStory(seed uint64) *story {
	rnd := rand.New(rand.NewPCG(seed, 7))
	s := &story{rnd: rnd, now: noon, honest: 60 + rnd.IntN(200), up: 0.3 + rnd.Float64()*0.6, groups: 1 + rnd.IntN(300)}
	s.b = New([32]byte{byte(seed), byte(seed >> 8)}, seed%4 > 0, nil, rnd.IntN)
	return s
}

// poison is what a poisoned list says: 28 addresses of the attacker.
func (s *story) poison() {
	for n := range 28 {
		s.hear("evil", 9000+n, Source{Class: Listed, Name: "list", Group: "list"})
	}
}

func contactsIn(use []Use) (n int) {
	for _, u := range use {
		if u.Class == Contact {
			n++
		}
	}
	return n
}

func eclipsed(use []Use) bool {
	for _, u := range use {
		if !evil(u.ID) {
			return false
		}
	}
	return true
}

// TestEclipse: a node that was flooded by an attacker of up to 300 networks and is then restarted. With one
// honest contact who answers it is never eclipsed. With none who is honest in reach at all, it tells within a
// minute.
func TestEclipse(t *testing.T) {
	seeds := uint64(eclipseSeeds)
	if testing.Short() {
		seeds = 60
	}
	var table struct{ contact, history, historyEclipsed, dark, told int }
	for seed := uint64(1); seed <= seeds; seed++ {
		if *replay != 0 {
			seed = *replay
		}
		s := newStory(seed)
		if seed%3 == 0 { // a life before the attack
			s.live(6, 0)
		}
		s.live(2, 200)
		s.poison()
		contact := ID("friend")
		switch seed % 4 {
		case 0, 1: // one contact, who answers
			s.b.Know(Contact, contact, [][]byte{ip4(150, 1, 1, 1, 1)}, s.now)
			s.restart(t)
			s.awake = s.now.Add(time.Duration(s.rnd.IntN(50)) * time.Second)
			use := s.run(9)
			for _, u := range use {
				if u.Class > Anchor {
					t.Fatalf("seed %d: %q used in the first ten seconds", seed, u.ID)
				}
			}
			table.contact++
			if use = s.more(use, 51); eclipsed(use) || contactsIn(use) != 1 {
				t.Fatalf("eclipsed with an honest contact; replay: go test ./pkg/peerbook -run TestEclipse -seed=%d", seed)
			}
		case 2: // none, but a network that lives
			s.restart(t)
			table.history++
			if use := s.run(60); eclipsed(use) {
				if table.historyEclipsed++; !s.alarm(use) {
					t.Fatalf("eclipsed and not told; replay: go test ./pkg/peerbook -run TestEclipse -seed=%d", seed)
				}
			}
		case 3: // nobody honest answers
			s.restart(t)
			s.dark = true
			use := s.run(60)
			if len(use) == 0 {
				continue
			}
			table.dark++
			if s.alarm(use) {
				table.told++
			} else {
				t.Fatalf("no alarm; replay: go test ./pkg/peerbook -run TestEclipse -seed=%d", seed)
			}
		}
		if *replay != 0 {
			return
		}
	}
	t.Logf("%+v", table)
}

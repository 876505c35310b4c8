package peerbook

import (
	"fmt"
	"testing"
	"time"
)

func free(ID) bool { return false }

// fill makes a book with contacts, tried, DHT and listed peers, each of a network of its own.
func fill(t *testing.T, b *Book, contacts, cached, heard, listed int) {
	t.Helper()
	n := 0
	add := func(src Source, name string) ID {
		n++
		id := ID(fmt.Sprint(name, n))
		for i := 0; !b.Hear(src, id, [][]byte{ip4(byte(n), byte(n>>8), 1, 1, 1)}, noon); i++ {
			if i > 50 {
				t.Fatal("no place")
			}
			id = ID(fmt.Sprint(name, n, "-", i))
		}
		return id
	}
	for range contacts {
		n++
		b.Know(Contact, ID(fmt.Sprint("contact", n)), [][]byte{ip4(byte(n), byte(n>>8), 1, 1, 1)}, noon)
	}
	for i := range cached {
		b.Good(add(dht(fmt.Sprint("net", i)), "cached"), nil, noon)
	}
	for i := range heard {
		add(dht(fmt.Sprint("net", i)), "heard")
	}
	for i := range listed {
		add(Source{Class: Listed, Name: fmt.Sprint("list", i%3), Group: Group(fmt.Sprint("list", i%3))}, "listed")
	}
}

// connect takes what Next gives until it gives nothing more.
func connect(b *Book, n int, now time.Time) (use []Use) {
	for range 100 {
		used := map[ID]bool{}
		for _, u := range use {
			used[u.ID] = true
		}
		e, ok := b.Next(n, use, func(id ID) bool { return used[id] }, now)
		if !ok {
			continue
		}
		u, _ := b.UseOf(e.ID)
		use = append(use, u)
	}
	return use
}

func TestSlots(t *testing.T) {
	for _, n := range []int{2, 3, 8, 16} {
		q := quotaOf(n)
		for seed := range uint64(20) {
			b, _ := book(seed, false)
			fill(t, b, 6, 40, 60, 60)
			b.Start(noon)
			for _, u := range connect(b, n, at(time.Second)) {
				if u.Class > Anchor {
					t.Fatalf("n=%d: class %d in the first ten seconds", n, u.Class)
				}
			}
			c := count(connect(b, n, at(time.Minute)))
			if c.all > n || c.class[Contact] < min(6, q.contacts) || c.class[DHT] > q.heard || c.class[Listed] > q.heard {
				t.Fatalf("n=%d seed %d: %+v", n, seed, c)
			}
			for list, k := range c.source {
				if k > q.list {
					t.Fatalf("n=%d: %d of %s", n, k, list)
				}
			}
			if c.all < n {
				t.Fatalf("n=%d seed %d: %d slots are empty", n, seed, n-c.all)
			}
		}
	}
}

// TestReserves: strangers do not take the slots of contacts who are away, nor those heard of all that cached
// peers need; where there are none, nothing is kept empty for them.
func TestReserves(t *testing.T) {
	b, _ := book(1, false)
	fill(t, b, 0, 0, 100, 100)
	b.Start(noon)
	if b.Warm(noon) {
		t.Error("it waits for contacts it does not have")
	}
	if c := count(connect(b, 16, noon)); c.class[DHT] != 4 || c.class[Listed] != 4 {
		t.Errorf("with nobody else: %+v", c)
	}
	b, _ = book(2, false)
	fill(t, b, 5, 40, 100, 0)
	away := func(id ID) bool { return b.entries[id].Class == Contact }
	var use []Use
	for range 500 {
		if e, ok := b.Next(16, use, func(id ID) bool {
			for _, u := range use {
				if u.ID == id {
					return true
				}
			}
			return false
		}, noon); ok && !away(e.ID) {
			u, _ := b.UseOf(e.ID)
			use = append(use, u)
		}
	}
	if len(use) > 12 {
		t.Errorf("strangers took %d slots of 16 while contacts are away", len(use))
	}
}

func TestGroupsShareSlots(t *testing.T) {
	b, _ := book(3, false)
	for i := range 200 {
		id := ID(fmt.Sprint("p", i))
		if b.Hear(dht(fmt.Sprint("n", i)), id, [][]byte{ip4(6, 6, byte(i), 1, 1)}, noon) && i%2 == 0 {
			b.Good(id, nil, noon)
		}
	}
	if c := count(connect(b, 16, noon)); c.all > 2 {
		t.Errorf("one network holds %d slots", c.all)
	}
	for i := range 20 {
		b.Know(Contact, ID(fmt.Sprint("c", i)), [][]byte{ip4(6, 6, byte(i), 1, 1)}, noon)
	}
	if c := count(connect(b, 16, noon)); c.class[Contact] < 14 {
		t.Errorf("contacts behind one address: %d of 16", c.class[Contact])
	}
}

func TestFeeler(t *testing.T) {
	b, _ := book(4, false)
	fill(t, b, 2, 20, 30, 0)
	b.Start(noon)
	seen := map[ID]bool{}
	for i := range 4 * 3600 {
		if e, ok := b.Feeler(free, at(time.Duration(i)*time.Second)); ok {
			if e.Class != DHT {
				t.Fatalf("a feeler to class %d", e.Class)
			}
			seen[e.ID] = true
			b.Called(e.ID, at(time.Duration(i)*time.Second))
		}
	}
	if n := 4 * 3600 / int(feelerEvery.Seconds()); len(seen) < 20 || len(seen) > n {
		t.Errorf("%d of 30 tried", len(seen))
	}
}

func TestEvict(t *testing.T) {
	var in []Inbound
	for i := range 16 { // honest, all of one network: four are near, four useful, eight old
		h := Inbound{ID: ID(fmt.Sprint("honest", i)), Group: "large", Since: at(30 * time.Minute)}
		switch {
		case i < 4:
			h.RTT = 10 * time.Millisecond
		case i < 8:
			h.Useful = 1000
		default:
			h.Since = noon
		}
		in = append(in, h)
	}
	for i := range 3 {
		in = append(in, Inbound{ID: ID(fmt.Sprint("contact", i)), Contact: true, Group: "evil", Since: at(10 * time.Hour)})
	}
	if _, ok := Evict(in, 32); ok {
		t.Error("somebody goes while there is room")
	}
	for i := range 1000 {
		evil := Inbound{ID: ID(fmt.Sprint("evil", i)), Group: Group(fmt.Sprint("evil", i%3)), Since: at(time.Duration(60+i) * time.Minute), RTT: time.Second}
		if id, ok := Evict(in, 32); ok {
			for j, c := range in {
				if c.ID == id {
					if c.Contact || c.Group == "large" {
						t.Fatalf("%s went for one of a thousand", id)
					}
					in = append(in[:j], in[j+1:]...)
					break
				}
			}
		}
		in = append(in, evil)
	}
	if strangers := len(in) - 3; strangers > 24 {
		t.Errorf("%d strangers hold places", strangers)
	}
	if _, ok := Evict(in[:1], 1); ok {
		t.Error("the only one goes")
	}
}

func TestAlarm(t *testing.T) {
	use := func(n int, group func(int) Group, source string, age time.Duration) (out []Use) {
		for i := range n {
			out = append(out, Use{ID: ID(fmt.Sprint(i)), Class: DHT, Group: group(i), Source: fmt.Sprint(source, i), First: at(-age)})
		}
		return out
	}
	wide := func(i int) Group { return Group(fmt.Sprint(i)) }
	one := func(int) Group { return "one" }
	same := use(5, wide, "", 48*time.Hour)
	for i := range same[:4] {
		same[i].Source = "list"
	}
	for _, c := range []struct {
		name string
		v    View
		on   bool
	}{
		{"nobody", View{}, false},
		{"old and wide", View{Peers: use(5, wide, "s", 48*time.Hour)}, false},
		{"all new", View{Peers: use(5, wide, "s", time.Hour)}, true},
		{"one network", View{Peers: use(5, one, "s", 48*time.Hour)}, true},
		{"one source", View{Peers: same}, true},
		{"the table has others", View{Peers: use(5, wide, "s", 48*time.Hour), Disjoint: true}, true},
		{"all new, but a contact", View{Peers: use(5, wide, "s", time.Hour), Trusted: true}, false},
		{"local", View{Peers: []Use{{Class: LAN, First: noon}}}, false},
	} {
		var a Alarm
		when := time.Duration(-1)
		for s := range 120 {
			if a.Look(c.v, at(time.Duration(s)*time.Second)) {
				when = time.Duration(s) * time.Second
			}
		}
		if a.On != c.on || c.on && (a.Why == "" || when >= time.Minute || when < 30*time.Second) {
			t.Errorf("%s: %+v after %v", c.name, a, when)
		}
		if a.Look(View{}, at(time.Hour)); a.On != c.on {
			t.Errorf("%s: it ends by itself", c.name)
		}
		if a.Clear() != c.on || a.On || a.Clear() {
			t.Errorf("%s: not cleared", c.name)
		}
	}
	var a Alarm
	doubt := View{Peers: use(3, one, "s", 48*time.Hour)}
	for s := range 600 { // a contact looks in every 40 s
		v := doubt
		v.Trusted = s%40 == 0
		if a.Look(v, at(time.Duration(s)*time.Second)) {
			t.Fatal("an alarm while contacts come and go")
		}
	}
}

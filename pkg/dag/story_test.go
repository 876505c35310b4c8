package dag

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/convo"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// TestStories plays testdata/*.txt. The commands:
//
//	writers a b c          a makes the session; b and c hold an invite, no vertex
//	outside x a2           x, perhaps a stranger who may not write, makes its first vertex on a2 outside any log
//	write a [n]            a writes n messages; they are called a1, a2 …: author and seq
//	twin a2                its author's key writes another vertex of the same seq, called a2'
//	after a2               its author's key writes a3 on it, outside any log
//	give b a1 a2 [sig=no]  b receives copies from a carrier, all in one batch; told is what became of each
//	sync a b               each gives the other all it has
//	clock a 24h            sets a's clock forward
//	restart a
//	show a                 accepted in order, heads, what waits and why, who forked
//	wants a
func TestStories(t *testing.T) {
	convo.Run(t, "testdata/*.txt", func(t *testing.T) func(convo.Command) string {
		s := &story{t: t, items: map[string]vertex.Item{}, name: map[vertex.ID]string{}, who: map[string]int{}, skew: map[int]time.Duration{}}
		return s.do
	})
}

type story struct {
	*room
	t     *testing.T
	items map[string]vertex.Item
	name  map[vertex.ID]string
	who   map[string]int
	skew  map[int]time.Duration
}

func (s *story) do(c convo.Command) string {
	verbs := map[string]func(c convo.Command) string{"writers": s.writers, "outside": s.outside, "write": s.say, "twin": s.twin,
		"after": s.after, "give": s.giveTo, "sync": s.sync, "clock": s.clock, "restart": s.restart, "show": s.show, "wants": s.wants}
	f := verbs[c.Verb]
	if f == nil {
		s.t.Fatalf("%s: no command %s", c.Where, c.Verb)
	}
	return f(c)
}

func (s *story) writers(c convo.Command) string {
	s.room = newRoom(s.t, len(c.Args))
	for i, n := range c.Args {
		s.who[n] = i
	}
	return s.learn(s.root)
}

func (s *story) outside(c convo.Command) string {
	i, ok := s.who[c.Args[0]]
	if !ok {
		i = len(s.keys)
		s.who[c.Args[0]] = i
		s.keys = append(s.keys, seedKey(200+i))
	}
	on := s.items[c.Args[1]]
	v := vertex.Vertex{Session: on.Session, Author: s.keys[i].Public(), Parents: []vertex.ID{on.ID}, Lamport: on.Lamport + 1, HLC: on.HLC, Kind: vertex.App}
	return s.learn(vertex.Seal(v, []byte("outside"), s.keys[i])) + " names " + c.Args[1]
}

// learn names a vertex by its author and seq.
func (s *story) learn(it vertex.Item) string {
	for n, i := range s.who {
		if s.keys[i].Public() == it.Author {
			name := fmt.Sprint(n, it.Seq)
			for s.items[name].ID != (vertex.ID{}) && s.items[name].ID != it.ID {
				name += "'"
			}
			s.items[name], s.name[it.ID] = it, name
			return name
		}
	}
	return "?"
}

func (s *story) log(name string) (*Log, int) {
	i, ok := s.who[name]
	if !ok || i >= len(s.logs) {
		s.t.Fatalf("no log of %s", name)
	}
	return s.logs[i], i
}

func (s *story) say(c convo.Command) string {
	l, i := s.log(c.Args[0])
	n := 1
	if len(c.Args) > 1 {
		fmt.Sscan(c.Args[1], &n)
	}
	var out strings.Builder
	for range n {
		it, err := l.Append(s.keys[i], Draft{Kind: vertex.App, Now: noon.Add(s.skew[i]), Body: func(v *vertex.Vertex) ([]byte, error) {
			return fmt.Appendf(nil, "%s%d", c.Args[0], v.Seq), nil
		}})
		if errors.Is(err, ErrAhead) {
			return fmt.Sprintf("%s must take a new key", c.Args[0])
		} else if err != nil {
			s.t.Fatalf("%s: %v", c.Where, err)
		}
		fmt.Fprintf(&out, "%s names %s\n", s.learn(it), s.names(names(&it)))
	}
	return out.String()
}

func (s *story) names(ids []vertex.ID) string {
	var out []string
	for _, id := range ids {
		n := s.name[id]
		if n == "" {
			n = "?"
		}
		out = append(out, n)
	}
	return strings.Join(out, " ")
}

func (s *story) twin(c convo.Command) string {
	it := s.items[c.Args[0]]
	v := it.Vertex
	v.HLC++
	return s.learn(vertex.Seal(v, append([]byte("twin of "), it.Body...), keyOf(s.room, it.Author))) + " has the seq of " + c.Args[0]
}

func (s *story) after(c convo.Command) string {
	it := s.items[c.Args[0]]
	v := vertex.Vertex{Session: it.Session, Author: it.Author, Seq: it.Seq + 1, Prev: it.ID, Lamport: it.Lamport + 1, HLC: it.HLC, Kind: vertex.App}
	return s.learn(vertex.Seal(v, []byte("after "+c.Args[0]), keyOf(s.room, it.Author))) + " stands on " + c.Args[0]
}

func (s *story) giveTo(c convo.Command) string {
	l, i := s.log(c.Args[0])
	var items []vertex.Item
	for _, n := range c.Args[1:] {
		it, ok := s.items[n]
		if !ok {
			s.t.Fatalf("%s: no vertex %s", c.Where, n)
		}
		it.Signed = c.Option("sig", "") != "no"
		items = append(items, it)
	}
	return s.told(l, c.Args[0], c.Option("from", "carrier"), noon.Add(s.skew[i]), items)
}

// told lets a log receive items and says what became of them and of what waited.
func (s *story) told(l *Log, name, from string, now time.Time, items []vertex.Item) string {
	got, err := l.Receive(from, items, now)
	if err != nil {
		s.t.Fatal(err)
	}
	by := map[string][]string{}
	var order []string
	direct := 0
	for _, r := range got.Results {
		what := strings.TrimSpace(string(r.Outcome) + " " + r.Reason)
		if by[what] == nil {
			order = append(order, what)
		}
		by[what] = append(by[what], s.name[r.ID])
		if r.Outcome == New {
			direct++
		}
	}
	var out strings.Builder
	for _, what := range order {
		fmt.Fprintf(&out, "%s: %s: %s\n", name, what, strings.Join(by[what], " "))
	}
	if woken := got.New - direct; woken > 0 {
		fmt.Fprintf(&out, "%s: %d more that waited\n", name, woken)
	}
	for _, k := range got.Forks {
		fmt.Fprintf(&out, "%s: %s forked\n", name, s.author(k))
	}
	return out.String()
}

func (s *story) author(key sig.Public) string {
	for n, i := range s.who {
		if s.keys[i].Public() == key {
			return n
		}
	}
	return "?"
}

func (s *story) sync(c convo.Command) string {
	a, i := s.log(c.Args[0])
	b, k := s.log(c.Args[1])
	mine, theirs := s.all(i), s.all(k)
	out := quiet(s.told(b, c.Args[1], c.Args[0], noon.Add(s.skew[k]), mine)) + quiet(s.told(a, c.Args[0], c.Args[1], noon.Add(s.skew[i]), theirs))
	if a.Digest() == b.Digest() {
		return out + "level"
	}
	return out + "not level"
}

// quiet leaves out what was known.
func quiet(s string) string {
	var out []string
	for _, l := range strings.SplitAfter(s, "\n") {
		if !strings.Contains(l, ": known: ") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

func (s *story) clock(c convo.Command) string {
	_, i := s.log(c.Args[0])
	d, err := time.ParseDuration(c.Args[1])
	if err != nil {
		s.t.Fatalf("%s: %v", c.Where, err)
	}
	s.skew[i] = d
	return ""
}

func (s *story) restart(c convo.Command) string {
	_, i := s.log(c.Args[0])
	s.open(i)
	return ""
}

func (s *story) show(c convo.Command) string {
	l, _ := s.log(c.Args[0])
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\nheads: %s\n", c.Args[0], s.names(ids(l.Order())), s.sorted(l.Heads()))
	var parked []string
	for _, p := range l.park.byAge() {
		parked = append(parked, s.name[p.item.ID]+" "+p.why)
	}
	slices.Sort(parked)
	if len(parked) > 0 {
		fmt.Fprintf(&out, "wait: %s\n", strings.Join(parked, ", "))
	}
	for _, k := range l.Forks() {
		fmt.Fprintf(&out, "forked: %s\n", s.author(k))
	}
	return out.String()
}

func (s *story) sorted(ids []vertex.ID) string {
	w := strings.Fields(s.names(ids))
	slices.Sort(w)
	return strings.Join(w, " ")
}

func (s *story) wants(c convo.Command) string {
	l, _ := s.log(c.Args[0])
	vs, bodies := l.Wants(100)
	return fmt.Sprintf("vertices: %s\nbodies: %s", s.sorted(vs), s.sorted(bodies))
}

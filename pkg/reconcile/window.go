package reconcile

// A line that is short, dear or may end at any moment carries first what a person misses most: of every session the
// vertices without the bodies of messages, which are small and let the rest be shown in any order, then the bodies,
// the newest first, sessions with one other member before rooms. What does not fit the budget is left over and told.

const (
	bareCost     = 45   // bytes of a vertex without its body in a run, about
	bareShare    = 15   // percent of the budget that such vertices may cost
	windowSecond = 8000 // bytes that a window without a budget is taken to carry in a second: 64 kbit/s
)

// Urgent is a Set that can be sent in the order of what a person misses most.
type Urgent interface {
	Set
	// Rank says which sessions come first: 0 where the peer is the only other member.
	Rank() int
	// Bodies returns those of the vertices whose bodies Bare leaves out, the most urgent first.
	Bodies(arrivals []uint32) []uint32
	// Bare packs like Pack, but leaves out the bodies of messages. Those of control vertices stay: rights hang on them.
	Bare(arrivals []uint32, max int) (run []byte, n int, err error)
}

// agree takes the smaller of both sides' budgets.
func (m *Machine) agree() {
	m.left = int64(min(budgetOr(m.cfg.Budget), budgetOr(m.theirs.Budget)))
	m.narrow = m.cfg.Window > 0 || m.theirs.Window > 0
	m.bare = m.left
	if seconds := max(m.cfg.Window, m.theirs.Window); m.narrow {
		m.bare = min(m.left, int64(min(seconds, 1<<20))*windowSecond)
	}
	m.bare = m.bare / 100 * bareShare
	for i, l := range m.links {
		if u, ok := l.set.(Urgent); ok && m.narrow && u.Rank() == 0 {
			m.first = append(m.first, m.links[i])
		}
	}
}

const noBudget = 1 << 62

func budgetOr(b uint64) uint64 {
	if b == 0 {
		return noBudget
	}
	return min(b, noBudget)
}

// piece is how long a run should be: on a short line one of a second, since what was not wholly sent is lost.
func (m *Machine) piece() int64 {
	if m.narrow {
		return windowSecond
	}
	return maxRun
}

func (m *Machine) spent() bool { return m.left <= 0 }

// use counts bytes of frames, both ways.
func (m *Machine) use(n int) { m.left -= int64(n) }

// enqueueBare queues places bare, and their bodies behind, where that is worth it; it reports whether it did.
func (l *link) enqueueBare(places []uint32) bool {
	u, ok := l.set.(Urgent)
	cost := int64(len(places)) * bareCost
	if !ok || !l.m.narrow || cost > l.m.bare {
		return false
	}
	l.m.bare -= cost
	l.bare = append(l.bare, places...)
	l.set.Sort(l.bare)
	l.queue = u.Bodies(append(l.queue, places...))
	return true
}

// pack packs what goes next, and says of which list it took how many.
func (l *link) pack(most int) (run []byte, err error) {
	list, pack := &l.queue, l.set.Pack
	if len(l.bare) > 0 {
		list, pack = &l.bare, l.set.(Urgent).Bare
	}
	run, n, err := pack(*list, most)
	*list = (*list)[n:]
	if n == 0 && err == nil {
		err = errNoneFits
	}
	return run, err
}

// giveUp leaves over what the budget does not carry.
func (l *link) giveUp() {
	l.over += len(l.queue) + len(l.bare)
	l.queue, l.bare = nil, nil
}

// unheard reports whether the peer has still to say what it lacks.
func (l *link) unheard() bool { return l.proved && !l.live && !l.heardAll }

// turn returns the link that sends next: those with one other member before all others, which wait until it is known
// that these have nothing, and then take turns.
func (m *Machine) turn() *link {
	for _, l := range m.first {
		if len(l.queue)+len(l.bare) > 0 || l.unheard() {
			return l
		}
	}
	m.next++
	return m.links[(m.next-1)%len(m.links)]
}

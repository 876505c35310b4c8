package road

import "time"

const (
	headStart = 500 * time.Millisecond // of a road that won on this network before
	grace     = 2 * time.Second        // for the others once there is enough: a newer list wins
)

// Entry is a road in a race.
type Entry struct {
	Name    string        // each its own
	After   time.Duration // when it starts
	Timeout time.Duration // how long it may take, from its start
	Won     bool          // it won on this network before
}

// Race decides when roads start and when they are given up. Make one with NewRace; then Step whenever its next time has come
// or something was told to it. It is not safe for concurrent use.
type Race struct {
	roads  []runner
	enough time.Time // when the others end
}

type runner struct {
	name       string
	start, end time.Time
	length     time.Duration
	phase      phase
}

type phase int

const (
	waiting phase = iota
	running
	over
)

// NewRace lines the roads up.
func NewRace(now time.Time, entries []Entry) *Race {
	r := &Race{}
	for _, e := range entries {
		after := e.After
		if e.Won {
			after = max(0, after-headStart)
		}
		r.roads = append(r.roads, runner{name: e.Name, start: now.Add(after), length: e.Timeout})
	}
	return r
}

// Step returns the roads to start and those to cancel now, and when to step again; next is zero when the race is over.
func (r *Race) Step(now time.Time) (start, cancel []string, next time.Time) {
	if !r.enough.IsZero() && !now.Before(r.enough) {
		for i := range r.roads {
			cancel = append(cancel, r.stop(i)...)
		}
		return nil, cancel, time.Time{}
	}
	for i := range r.roads {
		if r.roads[i].phase == running && !now.Before(r.roads[i].end) {
			cancel = append(cancel, r.stop(i)...)
		}
	}
	for i := range r.roads {
		x := &r.roads[i]
		if x.phase == waiting && !now.Before(x.start) && r.enough.IsZero() {
			x.phase, x.end = running, now.Add(x.length)
			start = append(start, x.name)
		}
	}
	if len(start) == 0 && !r.any(running) && r.enough.IsZero() { // nobody runs: do not wait for the clock
		if i := r.first(); i >= 0 {
			x := &r.roads[i]
			x.phase, x.end = running, now.Add(x.length)
			start = append(start, x.name)
		}
	}
	return start, cancel, r.next()
}

func (r *Race) stop(i int) []string {
	was := r.roads[i].phase
	r.roads[i].phase = over
	if was == running {
		return []string{r.roads[i].name}
	}
	return nil
}

func (r *Race) any(p phase) bool {
	for _, x := range r.roads {
		if x.phase == p {
			return true
		}
	}
	return false
}

// first is the waiting road that would start next.
func (r *Race) first() int {
	best := -1
	for i, x := range r.roads {
		if x.phase == waiting && (best < 0 || x.start.Before(r.roads[best].start)) {
			best = i
		}
	}
	return best
}

func (r *Race) next() time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, x := range r.roads {
		switch {
		case x.phase == running:
			sooner(x.end)
		case x.phase == waiting && r.enough.IsZero():
			sooner(x.start)
		}
	}
	if !at.IsZero() && !r.enough.IsZero() {
		sooner(r.enough)
	}
	return at
}

// Ended is told that a road came to its end, well or not.
func (r *Race) Ended(name string) {
	for i := range r.roads {
		if r.roads[i].name == name {
			r.roads[i].phase = over
		}
	}
}

// Enough is told that what is needed is there: nobody starts any more, and who runs has two seconds.
func (r *Race) Enough(now time.Time) {
	if r.enough.IsZero() {
		r.enough = now.Add(grace)
	}
}

package dht

import (
	"container/heap"
	"errors"
)

// ErrFull says that a record is farther from this node than all it has room for.
var ErrFull = errors.New("no room for a record so far away")

// Shelf keeps the records of strangers within a limit. Full, it lets go of what is out of its time, then of what is
// farthest from the node; what is farther than all is refused. It is not safe for concurrent use.
type Shelf struct {
	Self ID
	Max  int // records; 0: 65,536, which is 64 MiB

	items map[string]*kept
	far   farthest
}

type kept struct {
	name   string
	value  []byte
	place  ID // distance
	until  int64
	posted int // in far
}

// farthest is a heap, the greatest distance on top.
type farthest []*kept

func (f farthest) Len() int           { return len(f) }
func (f farthest) Less(i, j int) bool { return f[j].place.Less(f[i].place) }
func (f farthest) Swap(i, j int) {
	f[i], f[j] = f[j], f[i]
	f[i].posted, f[j].posted = i, j
}

// Push is for container/heap.
func (f *farthest) Push(x any) {
	k := x.(*kept)
	k.posted = len(*f)
	*f = append(*f, k)
}

// Pop is for container/heap.
func (f *farthest) Pop() any {
	old := *f
	k := old[len(old)-1]
	*f = old[:len(old)-1]
	return k
}

// Put keeps value under name, at a place, until a unix time.
func (s *Shelf) Put(name string, place ID, value []byte, until, now int64) error {
	if s.items == nil {
		s.items = map[string]*kept{}
	}
	if s.Max == 0 {
		s.Max = 1 << 16
	}
	if k := s.items[name]; k != nil {
		k.value, k.until = value, until
		return nil
	}
	k := &kept{name: name, value: value, place: place.Distance(s.Self), until: until}
	if len(s.items) >= s.Max {
		s.expire(now)
	}
	if len(s.items) >= s.Max {
		if !k.place.Less(s.far[0].place) {
			return ErrFull
		}
		s.Delete(s.far[0].name)
	}
	s.items[name] = k
	heap.Push(&s.far, k)
	return nil
}

func (s *Shelf) expire(now int64) {
	for name, k := range s.items {
		if k.until <= now {
			s.Delete(name)
		}
	}
}

// Get returns what is kept under name.
func (s *Shelf) Get(name string) ([]byte, bool) {
	k := s.items[name]
	if k == nil {
		return nil, false
	}
	return k.value, true
}

// Delete lets go of name.
func (s *Shelf) Delete(name string) {
	if k := s.items[name]; k != nil {
		heap.Remove(&s.far, k.posted)
		delete(s.items, name)
	}
}

// Names returns the names of all that is kept.
func (s *Shelf) Names() []string {
	out := make([]string, 0, len(s.items))
	for name := range s.items {
		out = append(out, name)
	}
	return out
}

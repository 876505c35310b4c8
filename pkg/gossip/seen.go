package gossip

// Seen remembers keys longer than the router does, so that a courier who comes late starts no second flood. It
// holds at least the last Max/2 and at most Max. The zero value holds 65,536.
type Seen[K comparable] struct {
	Max      int
	new, old map[K]bool
}

// Add notes a key and reports whether it is new.
func (s *Seen[K]) Add(k K) bool {
	if s.new[k] {
		return false
	}
	known := s.old[k]
	most := s.Max
	if most == 0 {
		most = 1 << 16
	}
	if s.new == nil || len(s.new) >= most/2 {
		s.old, s.new = s.new, make(map[K]bool)
	}
	s.new[k] = true
	return !known
}

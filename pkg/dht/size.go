package dht

// Size estimates the number of servers from look-ups of random places. It is never fed those of a key that matters:
// an attacker near that key would choose the answer.
type Size struct {
	Last float64 // what was found in an earlier run, 0 if none
	Seen int     // servers that have answered
	n    int
	sum  float64
}

// Add takes the distances of the nearest K that a look-up of a random place found.
func (s *Size) Add(target ID, nearest []Peer) {
	if len(nearest) < K {
		return
	}
	s.n++
	s.sum += NodeID(nearest[K-1].ID).Distance(target).fraction()
}

// Estimate returns the number of servers: at least those seen, at most eight times what was found last.
func (s *Size) Estimate() float64 {
	n := s.Last
	if s.n > 0 { // the K-th of N is at K/N of the space on average; of the pooled ones this is without bias
		n = float64(s.n*K-1) / max(s.sum, 1e-70)
	}
	if s.Last > 0 {
		n = min(n, 8*s.Last)
	}
	return max(n, float64(s.Seen), 1)
}

// Count returns how many look-ups have been counted.
func (s *Size) Count() int { return s.n }

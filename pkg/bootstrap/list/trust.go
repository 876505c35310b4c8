package list

import (
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	day       = 86400
	staleLife = 180 * day // how long an expired list may still give peers when nothing else does
	oldSet    = 30 * day  // how long lists of a set are taken after its successor was made
	maxChain  = 32        // rotations a client that slept may walk
)

// Trust is whom a node believes: the lines of trust sets, each begun by a set of the profile and continued by rotations.
// It is not safe for concurrent use.
type Trust struct {
	network Tag
	lines   [][]trusted
}

type trusted struct {
	*Set
	retired uint64 // when its successor was made, Unix seconds; 0: it is the newest
}

// NewTrust begins one line with each set. Errors wrap wire.ErrInvalid.
func NewTrust(network Tag, sets ...*Set) (*Trust, error) {
	t := &Trust{network: network}
	for _, s := range sets {
		if s.Network != network {
			return nil, wire.Invalid("trust set %s is of network %s, not %s", s.Tag(), s.Network, network)
		}
		if set, _ := t.find(s.Tag()); set != nil {
			return nil, wire.Invalid("trust set %s stands twice", s.Tag())
		}
		t.lines = append(t.lines, []trusted{{Set: s}})
	}
	return t, nil
}

// find returns a set and the number of its line.
func (t *Trust) find(tag Tag) (*trusted, int) {
	for i := range t.lines {
		for j := range t.lines[i] {
			if t.lines[i][j].Tag() == tag {
				return &t.lines[i][j], i
			}
		}
	}
	return nil, -1
}

// Set returns a set that is trusted, or nil.
func (t *Trust) Set(tag Tag) *Set {
	if s, _ := t.find(tag); s != nil {
		return s.Set
	}
	return nil
}

// Sets returns the newest set of each line.
func (t *Trust) Sets() []*Set {
	var out []*Set
	for _, line := range t.lines {
		out = append(out, line[len(line)-1].Set)
	}
	return out
}

// Line names what the state of a list is kept under: the first set of its line and whether it is a domestic one. It is
// empty where the set is not known.
func (t *Trust) Line(r *Root) string {
	_, i := t.find(r.Set)
	if i < 0 {
		return ""
	}
	name := t.network.String() + "/" + t.lines[i][0].Tag().String()
	if r.Domestic {
		name += "/domestic"
	}
	return name
}

// Rotate takes the next set of a line. A record that is known already changes nothing. When the old set has another
// successor already, both are kept and the alarm is true: of their lists the one issued later wins.
func (t *Trust) Rotate(r *Rotation) (alarm bool, err error) {
	old, i := t.find(r.Old)
	if old == nil {
		return false, refuse(UnknownSet, "rotation of trust set %s, which is not known", r.Old)
	}
	if err := r.Verify(old.Set); err != nil {
		return false, err
	}
	if s, _ := t.find(r.New.Tag()); s != nil {
		return false, nil
	}
	if len(t.lines[i]) > maxChain {
		return false, refuse(UnknownSet, "more than %d rotations", maxChain)
	}
	alarm = old.retired != 0
	if !alarm {
		old.retired = r.Issued
	}
	t.lines[i] = append(t.lines[i], trusted{Set: r.New})
	slices.SortStableFunc(t.lines[i], func(a, b trusted) int { return int(int64(a.Epoch) - int64(b.Epoch)) })
	return alarm, nil
}

// Held is what is remembered of the newest list of a line.
type Held struct {
	Epoch  uint32   `json:"epoch"`
	Set    Tag      `json:"set"`
	Seq    uint64   `json:"seq"`
	Hash   [32]byte `json:"hash"`
	Issued uint64   `json:"issued"`
}

// Arrival is how and when a list came.
type Arrival struct {
	Now     uint64 // the clock, Unix seconds
	Build   uint64 // when the program was made
	Seen    uint64 // the highest Issued that was ever accepted
	Lenient bool   // an older list here is no evidence: it came compiled in, by hand, from a cache, or DNS may not know yet
}

// Class is what a list's peers are worth.
type Class int

// Classes of a checked list.
const (
	Useless Class = iota
	Hint          // at most two of its peers, as any stranger's
	Stale         // only when no road brought a fresh list
	Fresh
)

// Decision is what Check found.
type Decision struct {
	Class Class
	Epoch uint32
	Known bool   // the list that is held, once more
	Clock bool   // the clock is wrong; tell the user
	Fork  bool   // two successors of one set are at work; tell the user
	Now   uint64 // the time that was used
}

// Held is what to remember of a list that was accepted.
func (d Decision) Held(r *Root) *Held {
	return &Held{Epoch: d.Epoch, Set: r.Set, Seq: r.Seq, Hash: r.Hash(), Issued: r.Issued}
}

// Check runs the rules in their order: network, set, signatures, time, and that it is no step back behind held, which is
// nil when nothing was accepted before. Only a list of class Fresh may be remembered. A list that expired comes with a
// class below and a Refusal: what was in it may still help where nothing else does.
func (t *Trust) Check(r *Root, held *Held, at Arrival) (Decision, error) {
	if r.Network != t.network {
		return Decision{}, refuse(OtherNetwork, "the list is of network %s, not %s", r.Network, t.network)
	}
	s, _ := t.find(r.Set)
	if s == nil && len(t.lines) == 0 {
		return Decision{}, refuse(UnknownSet, "signed by trust set %s, and the profile names none", r.Set)
	}
	if s == nil {
		return Decision{}, refuse(UnknownSet, "signed by trust set %s, which is not known", r.Set)
	}
	if err := s.verify(wire.LabelList, r.Body(), r.Sigs); err != nil {
		return Decision{}, err
	}
	d := Decision{Class: Fresh, Epoch: s.Epoch, Now: max(at.Now, at.Build, at.Seen)}
	if s.retired != 0 && d.Now > s.retired+oldSet {
		return Decision{}, refuse(UnknownSet, "trust set %s was replaced more than 30 days ago", r.Set)
	}
	if r.Issued > d.Now+day {
		d.Clock = true
		if at.Now >= at.Build {
			d.Class = Useless
			return d, refuse(BadClock, "issued %d seconds ahead of the clock", r.Issued-d.Now)
		}
		d.Now = r.Issued // a clock before the program was made is wrong for certain; k holders know better
	}
	if err := d.rank(r, held, at); err != nil {
		d.Class = Useless
		return d, err
	}
	if late := int64(d.Now) - int64(r.Expires); late > 0 {
		d.Class = Stale
		if late > staleLife {
			d.Class, d.Clock = Hint, true
		}
		return d, refuse(Expired, "expired %d hours ago", late/3600)
	}
	return d, nil
}

// rank refuses a step back. A newer set's list stands above any of an older set; of two sets of one epoch the list
// issued later wins.
func (d *Decision) rank(r *Root, held *Held, at Arrival) error {
	if held == nil {
		return nil
	}
	back := func(format string, args ...any) error {
		if at.Lenient {
			return refuse(Older, format, args...)
		}
		return refuse(Rollback, format, args...)
	}
	switch {
	case d.Epoch < held.Epoch:
		return back("of trust set epoch %d, and a list of epoch %d is held", d.Epoch, held.Epoch)
	case d.Epoch > held.Epoch:
		return nil
	case r.Set != held.Set:
		if d.Fork = true; r.Issued <= held.Issued {
			return back("of another successor set, and not newer than the list that is held")
		}
		return nil
	case r.Seq < held.Seq:
		return back("sequence number %d, and %d is held", r.Seq, held.Seq)
	case r.Seq > held.Seq:
		return nil
	case r.Hash() != held.Hash:
		return refuse(Equivocation, "two lists of sequence number %d; the holders of the keys must explain that", r.Seq)
	}
	d.Known = true
	return nil
}

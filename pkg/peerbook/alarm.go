package peerbook

import "time"

// View is what one sees at a moment.
type View struct {
	Peers    []Use // connections, both ways; those of the local network do not count
	Trusted  bool  // a contact, somebody a person named or an anchor is connected
	Disjoint bool  // the hash table names none of those who are cached
}

const (
	alarmAfter = 50 * time.Second // below the minute in which it must be told
	alarmNew   = 24 * time.Hour
	alarmShare = 0.6
)

// Trusted reports whether a connection is to somebody who is no stranger: whom one has a reason to keep, or
// an anchor that was known for a day. An attacker is an anchor within an hour.
func (u Use) Trusted(now time.Time) bool {
	return u.Class.kept() || u.Class == Anchor && now.Sub(u.First) >= alarmNew
}

// Alarm tells when all that one sees may come from one hand. It stays until a contact was met or a
// checkpoint that came by hand was verified. The zero value is quiet.
type Alarm struct {
	On    bool
	Why   string
	doubt time.Time // since when there is a reason
}

// Look takes what is seen now and reports whether the alarm changed.
func (a *Alarm) Look(v View, now time.Time) bool {
	why := v.doubt(now)
	switch {
	case why == "" || now.Before(a.doubt):
		a.doubt = time.Time{}
	case a.doubt.IsZero():
		a.doubt = now
	case !a.On && now.Sub(a.doubt) >= alarmAfter:
		a.On, a.Why = true, why
		return true
	}
	return false
}

// Resume is the alarm of the last run, which said why: to start anew is no reason to believe what is seen.
func Resume(why string) Alarm { return Alarm{On: why != "", Why: why} }

// Clear ends the alarm and reports whether there was one: a contact's handshake, or a checkpoint by QR or
// bundle that verifies, shows more than one road.
func (a *Alarm) Clear() bool {
	on := a.On
	*a = Alarm{}
	return on
}

// doubt returns a reason to doubt the view, "" for none.
func (v View) doubt(now time.Time) string {
	if v.Trusted {
		return ""
	}
	groups, sources, n, old := map[Group]int{}, map[string]int{}, 0, false
	for _, u := range v.Peers {
		if u.Class == LAN {
			continue
		}
		n++
		groups[u.Group]++
		sources[u.Source]++
		old = old || now.Sub(u.First) >= alarmNew
	}
	switch {
	case n == 0:
		return "" // nobody is no view
	case !old:
		return "every peer became known within a day"
	case above(groups, n):
		return "most peers are of one network"
	case above(sources, n):
		return "most peers were named by one source"
	case v.Disjoint:
		return "the hash table names nobody who was known"
	}
	return ""
}

func above[K comparable](count map[K]int, n int) bool {
	for _, c := range count {
		if float64(c) > alarmShare*float64(n) {
			return true
		}
	}
	return false
}

package peerbook

import (
	"slices"
	"time"
)

// Inbound is a connection that a peer opened.
type Inbound struct {
	ID      ID
	Contact bool
	Group   Group
	RTT     time.Duration // zero: unknown
	Since   time.Time
	Useful  int64 // bytes or messages that were of use
}

// How inbound places are kept.
const (
	inboundContacts = 8
	keepRTT         = 4
	keepLongest     = 8
	keepUseful      = 4
	keepGroups      = 4
)

// Evict says who must go for a newcomer when limit connections are open and eight places are kept for
// contacts. Protected are the four nearest, the eight longest, the four most useful and one each of the
// four rarest groups: an attacker cannot be best at all of these. Of the rest the youngest of the largest
// group goes. False means that there is room, or that nobody goes, and the newcomer must.
func Evict(in []Inbound, limit int) (ID, bool) {
	var rest []Inbound
	for _, c := range in {
		if !c.Contact {
			rest = append(rest, c)
		}
	}
	if len(rest) < limit-min(inboundContacts, limit/4) {
		return "", false
	}
	rest = spare(rest, keepRTT, func(a, b Inbound) bool { return b.RTT == 0 && a.RTT > 0 || a.RTT > 0 && a.RTT < b.RTT })
	rest = spare(rest, keepUseful, func(a, b Inbound) bool { return a.Useful > b.Useful })
	rest = spareGroups(rest)
	rest = spare(rest, keepLongest, func(a, b Inbound) bool { return a.Since.Before(b.Since) })
	if len(rest) == 0 {
		return "", false
	}
	size := groupSizes(rest)
	worst := rest[0]
	for _, c := range rest[1:] {
		if n, m := size[c.Group], size[worst.Group]; n > m || n == m && c.Since.After(worst.Since) {
			worst = c
		}
	}
	return worst.ID, true
}

// spare takes the n best out of the list.
func spare(list []Inbound, n int, better func(a, b Inbound) bool) []Inbound {
	slices.SortStableFunc(list, func(a, b Inbound) int {
		switch {
		case better(a, b):
			return -1
		case better(b, a):
			return 1
		}
		return 0
	})
	return list[min(n, len(list)):]
}

// spareGroups takes the oldest of each of the rarest groups out of the list.
func spareGroups(list []Inbound) []Inbound {
	size := groupSizes(list)
	seen := map[Group]bool{}
	slices.SortStableFunc(list, func(a, b Inbound) int {
		if d := size[a.Group] - size[b.Group]; d != 0 {
			return d
		}
		return a.Since.Compare(b.Since)
	})
	return slices.DeleteFunc(list, func(c Inbound) bool {
		if seen[c.Group] || len(seen) >= keepGroups {
			return false
		}
		seen[c.Group] = true
		return true
	})
}

func groupSizes(list []Inbound) map[Group]int {
	size := map[Group]int{}
	for _, c := range list {
		size[c.Group]++
	}
	return size
}

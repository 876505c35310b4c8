package dht

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Finding is one line of an audit.
type Finding struct {
	What   string  `json:"what"` // density, share, stale, apart, joined, left, address, identity
	Detail string  `json:"detail"`
	Score  float64 `json:"score"` // 0 to 100, 100 is good
	P      float64 `json:"p,omitempty"`
	Alarm  bool    `json:"alarm"`
}

// Text is what, score and detail.
func (f Finding) Text() string { return fmt.Sprintf("%s\t%.0f\t%s", f.What, f.Score, f.Detail) }

const (
	alarmP    = 1e-6
	auditKeys = 1024
)

// Audit looks at a node set for what an attacker leaves in it. With no key it looks around 1,024 places.
func Audit(set []NodeLine, key *ID) []Finding {
	var ids []ID
	for _, l := range set {
		if p, err := ParsePeerID(l.PeerID); err == nil && l.Error != "wrong-net" {
			ids = append(ids, NodeID(p))
		}
	}
	out := []Finding{density(ids, key)}
	out = append(out, shares(set)...)
	out = append(out, stale(set))
	if f, ok := apart(set); ok {
		out = append(out, f)
	}
	return out
}

// density asks how likely chance puts the K nearest so near. In a network of N their number within a distance is
// Poisson's.
func density(ids []ID, key *ID) Finding {
	f := Finding{What: "density", Score: 100, P: 1}
	if len(ids) < 3*K {
		f.Detail = fmt.Sprintf("%d nodes are too few to tell", len(ids))
		return f
	}
	keys := []ID{}
	if key != nil {
		keys = append(keys, *key)
	} else {
		for i := range uint64(auditKeys) {
			keys = append(keys, sha256.Sum256(binary.BigEndian.AppendUint64([]byte("audit"), i)))
		}
		keys = append(keys, ids...) // nobody crowds where no node is
	}
	worst := ID{}
	for _, k := range keys {
		d := make([]float64, 0, len(ids))
		for _, id := range ids {
			if id != k {
				d = append(d, id.Distance(k).fraction())
			}
		}
		slices.Sort(d)
		if p := tail(K, float64(len(d))*d[K-1]); p < f.P {
			f.P, worst = p, k
		}
	}
	f.Alarm = f.P < alarmP
	f.Score = 100 * min(1, -6/math.Log10(max(f.P, 1e-300)*0.999999))
	f.Detail = fmt.Sprintf("%d nodes, the %d nearest to %s stand so near by chance with p = %.2g", len(ids), K, worst, f.P)
	return f
}

// tail is the chance that a Poisson number of the mean is at least k.
func tail(k int, mean float64) float64 {
	term, below, above := math.Exp(-mean), 0.0, 0.0
	for i := range k {
		below += term
		term *= mean / float64(i+1)
	}
	if below < 0.5 {
		return 1 - below
	}
	for i := k; i < k+200; i++ { // summed from its own side, so that a small one keeps its digits
		above += term
		term *= mean / float64(i+1)
	}
	return above
}

// shares tells the largest network of each width, and how unequal all are.
func shares(set []NodeLine) []Finding {
	count := map[string]map[string]int{"narrow": {}, "wide": {}}
	total := 0
	for _, l := range set {
		p, err := l.Peer()
		if err != nil || len(p.Addrs) == 0 {
			continue
		}
		total++
		narrow, wide := AddrGroups(p.Addrs[0])
		for w, g := range map[string]string{"narrow": narrow, "wide": wide} {
			if g != "" {
				count[w][g]++
			}
		}
	}
	var out []Finding
	for _, w := range []string{"narrow", "wide"} {
		top, n := "", 0
		for g, c := range count[w] {
			if c > n || c == n && g < top {
				top, n = g, c
			}
		}
		if top == "" {
			continue
		}
		share := float64(n) / float64(total)
		out = append(out, Finding{What: "share", Score: 100 * (1 - share), Alarm: share > 0.6 && total >= K,
			Detail: fmt.Sprintf("%s holds %d of %d nodes, Gini %.2f over %d networks", top, n, total, gini(count[w]), len(count[w]))})
	}
	return out
}

func gini(count map[string]int) float64 {
	var list []int
	sum, weighted := 0, 0
	for _, c := range count {
		list = append(list, c)
	}
	slices.Sort(list)
	for i, c := range list {
		sum += c
		weighted += (i + 1) * c
	}
	n := len(list)
	return (2*float64(weighted)/float64(sum) - float64(n+1)) / float64(n)
}

func stale(set []NodeLine) Finding {
	gone := 0
	for _, l := range set {
		if !l.Reachable {
			gone++
		}
	}
	share := float64(gone) / float64(max(len(set), 1))
	return Finding{What: "stale", Score: 100 * (1 - share), Detail: fmt.Sprintf("%d of %d nodes do not answer", gone, len(set))}
}

// apart finds nodes whose neighbours nobody else names.
func apart(set []NodeLine) (Finding, bool) {
	named := map[string]int{}
	any := false
	for _, l := range set {
		for _, n := range l.Neighbours {
			named[n]++
			any = true
		}
	}
	var odd []string
	for _, l := range set {
		own := 0
		for _, n := range l.Neighbours {
			if named[n] == 1 {
				own++
			}
		}
		if len(l.Neighbours) >= 8 && float64(own) > 0.6*float64(len(l.Neighbours)) {
			odd = append(odd, l.PeerID)
		}
	}
	f := Finding{What: "apart", Score: 100 * (1 - float64(len(odd))/float64(max(len(set), 1))), Alarm: len(odd) > 0,
		Detail: fmt.Sprintf("%d nodes name neighbours whom nobody else names %s", len(odd), strings.Join(odd[:min(len(odd), 10)], " "))}
	return f, any
}

// Compare tells who joined and left between two node sets, who moved, and behind which address another identity stands.
func Compare(old, fresh []NodeLine) []Finding {
	was, at := map[string]NodeLine{}, map[string]string{}
	for _, l := range old {
		was[l.PeerID] = l
		for _, a := range l.Addrs {
			at[bare(a)] = l.PeerID
		}
	}
	var out []Finding
	tell := func(what, detail string, alarm bool) {
		out = append(out, Finding{What: what, Detail: detail, Score: 100, Alarm: alarm})
	}
	seen := map[string]bool{}
	for _, l := range fresh {
		seen[l.PeerID] = true
		before, known := was[l.PeerID]
		switch {
		case !known:
			tell("joined", l.PeerID, false)
		case !slices.Equal(slices.Sorted(slices.Values(before.Addrs)), slices.Sorted(slices.Values(l.Addrs))):
			tell("address", l.PeerID+" "+strings.Join(l.Addrs, " "), false)
		}
		for _, a := range l.Addrs {
			if other := at[bare(a)]; other != "" && other != l.PeerID {
				tell("identity", fmt.Sprintf("%s was %s and is %s", bare(a), other, l.PeerID), true)
				break
			}
		}
	}
	for _, l := range old {
		if !seen[l.PeerID] {
			tell("left", l.PeerID, false)
		}
	}
	return out
}

func bare(addr string) string {
	a, _, _ := strings.Cut(addr, "/p2p/")
	return a
}

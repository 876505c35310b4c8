package list

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Limits of who comes into a list.
const (
	seenWithin = 7 * 24 * time.Hour
	perGroup   = 3 // peers of one /16 or /32
	maxLine    = 64 << 10
)

// node is a line of a node set, of resolve, or a multiaddr.
type node struct {
	PeerID    string     `json:"peer_id"`
	Addr      string     `json:"addr"`
	Addrs     []string   `json:"addrs"`
	Protocols []string   `json:"protocols"`
	Reachable *bool      `json:"reachable"`
	Last      *time.Time `json:"last"`
	Relay     bool       `json:"relay"`
	Domestic  bool       `json:"domestic"`
}

// ReadNodes makes entries of lines: those of pars-dht crawl, of pars-bootstrap resolve, or multiaddrs with a peer id. Of who was
// not reached in the last seven days, whose key is not Ed25519, who has no address that can stand in a list, and of a
// fourth peer in one /16, dropped is told with the reason.
func ReadNodes(r io.Reader, now time.Time, private bool, dropped func(peer, why string)) ([]Entry, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	addrs := map[sig.Public][]string{}
	kept := map[sig.Public]*node{}
	var order []sig.Public
	for line := 1; in.Scan(); line++ {
		b := bytes.TrimSpace(in.Bytes())
		if len(b) == 0 {
			continue
		}
		n, err := readNode(b)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		key, why := n.fit(now)
		if why != "" {
			dropped(n.PeerID, why)
			continue
		}
		if kept[key] == nil {
			kept[key], order = n, append(order, key)
		}
		for _, a := range n.Addrs {
			if !slices.Contains(addrs[key], a) {
				addrs[key] = append(addrs[key], a)
			}
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	groups := map[string]int{}
	var out []Entry
	for _, key := range order {
		e, why := kept[key].entry(key, addrs[key], private)
		if why == "" {
			why = crowded(e, groups)
		}
		if why != "" {
			dropped(PeerID(key), why)
			continue
		}
		out = append(out, e)
	}
	return out, nil
}

func readNode(line []byte) (*node, error) {
	n := &node{}
	if line[0] == '{' {
		if err := json.Unmarshal(line, n); err != nil {
			return nil, wire.Invalid("%v", err)
		}
	} else {
		cols := strings.Split(string(line), "\t")
		if strings.HasPrefix(cols[0], "/") {
			n.Addr = cols[0]
		} else {
			n.PeerID, n.Addrs = cols[0], cols[1:]
		}
	}
	if n.Addr != "" {
		n.Addrs = append(n.Addrs, n.Addr)
	}
	for i, a := range n.Addrs {
		base, id, ok := strings.Cut(a, "/p2p/")
		if !ok {
			continue
		}
		if n.PeerID == "" {
			n.PeerID = id
		}
		if id != n.PeerID {
			return nil, wire.Invalid("an address of %s in a line of %s", id, n.PeerID)
		}
		n.Addrs[i] = base
	}
	if n.PeerID == "" {
		return nil, errors.New("no peer id")
	}
	return n, nil
}

// fit says why a node cannot be listed, or nothing.
func (n *node) fit(now time.Time) (sig.Public, string) {
	key, err := PeerKey(n.PeerID)
	switch {
	case err != nil:
		return key, "its key is not Ed25519"
	case n.Reachable != nil && !*n.Reachable:
		return key, "it was not reached"
	case n.Last != nil && now.Sub(*n.Last) > seenWithin:
		return key, "it was not reached in the last seven days"
	}
	return key, ""
}

func (n *node) entry(key sig.Public, texts []string, private bool) (Entry, string) {
	e := Entry{Key: key, Relay: n.Relay, Domestic: n.Domestic,
		DHT: slices.ContainsFunc(n.Protocols, func(p string) bool { return strings.HasSuffix(p, "/kad/1.0.0") })}
	var good []string
	for _, s := range texts {
		if a, err := ReadAddrs([]string{s}); err == nil && (private || a[0].Public()) {
			good = append(good, s)
		}
	}
	a, err := ReadAddrs(good)
	if err != nil {
		return e, "it has no address that can stand in a list"
	}
	e.Addrs = a
	return e, ""
}

func crowded(e Entry, groups map[string]int) string {
	mine := e.Groups()
	for _, g := range mine {
		if groups[g] >= perGroup {
			return fmt.Sprintf("%d peers of %s are listed already", perGroup, g)
		}
	}
	for _, g := range slices.Compact(slices.Sorted(slices.Values(mine))) {
		groups[g]++
	}
	return ""
}

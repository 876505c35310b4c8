package dht

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// NodeLine is one node of a node set: what a crawl saw. A set is one object a line, and fields that are not known here
// are kept and written back.
type NodeLine struct {
	PeerID     string    `json:"peer_id"`
	NodeID     string    `json:"node_id"`
	Addrs      []string  `json:"addrs"`
	Agent      string    `json:"agent"`
	Protocols  []string  `json:"protocols"`
	Reachable  bool      `json:"reachable"`
	RTT        float64   `json:"rtt_ms"`
	Error      string    `json:"error,omitempty"` // dial, refused, wrong-net, timeout
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	OKCount    int       `json:"ok_count"`
	Net        string    `json:"net"`
	Neighbours []string  `json:"neighbours,omitempty"`

	extra map[string]json.RawMessage
}

type nodeFields NodeLine

// MarshalJSON writes the fields in their order, then those that were read and are not known.
func (l NodeLine) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(nodeFields(l))
	if err != nil || len(l.extra) == 0 {
		return b, err
	}
	more, err := json.Marshal(l.extra)
	if err != nil {
		return nil, err
	}
	return append(append(b[:len(b)-1], ','), more[1:]...), nil
}

// Text is the peer id and its addresses.
func (l NodeLine) Text() string { return strings.Join(append([]string{l.PeerID}, l.Addrs...), "\t") }

// Peer returns the node as a look-up or a crawl begins with it.
func (l NodeLine) Peer() (Peer, error) {
	id, err := ParsePeerID(l.PeerID)
	if err != nil {
		return Peer{}, err
	}
	p := Peer{ID: id, Class: Listed}
	for _, s := range l.Addrs {
		if !strings.Contains(s, "/p2p/") {
			s += "/p2p/" + l.PeerID
		}
		q, err := ParsePeer(s)
		if err != nil || q.ID != id {
			return Peer{}, wire.Invalid("address %q of %s", s, l.PeerID)
		}
		p.Addrs = append(p.Addrs, q.Addrs...)
	}
	return p, nil
}

const maxNodeLine = 64 << 10

// ParseNode reads one line of a node set: an object, or as text a peer id with addresses after it, or a multiaddr
// that ends in a peer id.
func ParseNode(line []byte) (l NodeLine, err error) {
	if len(line) > maxNodeLine {
		return l, wire.Invalid("line of %d bytes", len(line))
	}
	if !bytes.HasPrefix(line, []byte("{")) {
		return parseNodeText(string(line))
	}
	if err := json.Unmarshal(line, (*nodeFields)(&l)); err != nil {
		return l, wire.Invalid("%v", err)
	}
	if err := json.Unmarshal(line, &l.extra); err != nil {
		return l, wire.Invalid("%v", err)
	}
	var addr string // what pars-bootstrap resolve prints
	if l.PeerID == "" || len(l.Addrs) == 0 {
		json.Unmarshal(l.extra["addr"], &addr) // left empty where it is no text
	}
	if addr != "" && len(l.Addrs) == 0 {
		return parseNodeText(addr)
	}
	known := map[string]json.RawMessage{}
	b, err := json.Marshal(nodeFields{Error: "x", Neighbours: []string{"x"}})
	if err == nil {
		err = json.Unmarshal(b, &known)
	}
	if err != nil {
		return l, err
	}
	for k := range l.extra { // encoding/json takes a field in any letters
		for name := range maps.Keys(known) {
			if strings.EqualFold(k, name) {
				delete(l.extra, k)
			}
		}
	}
	return l, l.check()
}

func parseNodeText(s string) (l NodeLine, err error) {
	cols := strings.Split(strings.TrimSpace(s), "\t")
	if strings.HasPrefix(cols[0], "/") {
		p, err := ParsePeer(cols[0])
		if err != nil {
			return l, err
		}
		l.PeerID, l.Addrs = PeerName(p.ID), []string{cols[0]}
	} else {
		l.PeerID, l.Addrs = cols[0], cols[1:]
	}
	return l, l.check()
}

// check sees to it that the line names one node by its id, and sets the place that follows from that.
func (l *NodeLine) check() error {
	p, err := l.Peer()
	if err != nil {
		return err
	}
	l.NodeID = NodeID(p.ID).String()
	return nil
}

// ReadNodes hands each line of a node set to yield and returns how many were skipped for being malformed or longer
// than 64 KiB. It ends early when yield returns an error.
func ReadNodes(r io.Reader, yield func(NodeLine) error) (skipped int, err error) {
	in := bufio.NewReaderSize(r, maxNodeLine+1)
	for {
		line, err := in.ReadSlice('\n')
		long := false
		for errors.Is(err, bufio.ErrBufferFull) {
			long = true
			_, err = in.ReadSlice('\n')
		}
		if line = bytes.TrimSpace(line); long || len(line) > 0 {
			if l, perr := ParseNode(line); long || perr != nil {
				skipped++
			} else if yerr := yield(l); yerr != nil {
				return skipped, yerr
			}
		}
		if err == io.EOF {
			return skipped, nil
		}
		if err != nil {
			return skipped, err
		}
	}
}

package dht

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// ErrCut says that a trace ends before its look-up does.
var ErrCut = errors.New("trace is cut short")

// Hop is one line of a trace: what was asked, answered, found, and how it ended.
type Hop struct {
	Event    string   `json:"ev"` // start, ask, answer, fail, value, end
	Micros   int64    `json:"t_us"`
	N        int      `json:"n"`
	Hop      int      `json:"hop"`
	Path     int      `json:"path"`
	PeerID   string   `json:"peer_id,omitempty"`
	Distance int      `json:"distance"` // leading zero bits
	RTT      float64  `json:"rtt_ms,omitempty"`
	Closer   []string `json:"closer,omitempty"`
	Value    string   `json:"value,omitempty"` // hex
	Error    string   `json:"error,omitempty"`

	*TraceStart
}

// TraceStart are the fields of the first line.
type TraceStart struct {
	Key      string  `json:"key"` // hex of what is hashed
	Seeds    int     `json:"seeds"`
	Estimate float64 `json:"n_estimate"`
	Radius   string  `json:"radius"`
	Version  int     `json:"version"`
	Purpose  Purpose `json:"purpose"`
	Paths    int     `json:"paths"`
	Self     string  `json:"self"`
	Seed     string  `json:"seed"`
	NetID    string  `json:"netid"`
	Unix     int64   `json:"unix"`
	RPCs     int     `json:"rpcs"`
	LimitUS  int64   `json:"limit_us"`
}

// Traced is a look-up that tells what happens in it. Without Emit it only plays.
type Traced struct {
	*Lookup
	Name  func(PeerID) string // how peers are written
	Emit  func(Hop)
	Start TraceStart // NetID and Unix are the caller's

	sent  map[int]Ask
	began map[int]time.Duration
	best  string
	over  bool
}

// Begin starts the look-up. The seeds stand in the trace as peers that answer number -1 names.
func (t *Traced) Begin(seeds []Peer, at time.Duration) []Ask {
	t.sent, t.began = map[int]Ask{}, map[int]time.Duration{}
	asks := t.Lookup.Start(seeds, at)
	_, radius := t.Target()
	t.Start.Key, t.Start.Seeds, t.Start.Estimate = hex.EncodeToString(t.Key), len(seeds), t.Size
	t.Start.Radius, t.Start.Version, t.Start.Purpose = radius.String(), 1, t.Purpose
	t.Start.Paths, t.Start.Self, t.Start.Seed = max(t.Lookup.Paths, 1), t.name(t.Self), hex.EncodeToString(t.Lookup.Seed[:])
	t.Start.RPCs, t.Start.LimitUS = t.Lookup.RPCs, t.Time.Microseconds()
	t.emit(Hop{Event: "start", N: -1, Micros: at.Microseconds(), Closer: t.names(seeds), TraceStart: &t.Start})
	return t.after(asks, at)
}

// Answer and Fail are those of Lookup.
func (t *Traced) Answer(n int, closer []Peer, value []byte, at time.Duration) []Ask {
	h := t.hop("answer", n, at)
	h.Closer, h.Value = t.names(closer[:min(len(closer), K)]), hex.EncodeToString(value)
	t.emit(h)
	return t.after(t.Lookup.Answer(n, closer, value, at), at)
}

// Fail is that of Lookup, with the reason for the reader.
func (t *Traced) Fail(n int, why string, at time.Duration) []Ask {
	h := t.hop("fail", n, at)
	h.Error = why
	t.emit(h)
	return t.after(t.Lookup.Fail(n, at), at)
}

// Tick is that of Lookup.
func (t *Traced) Tick(at time.Duration) []Ask { return t.after(t.Lookup.Tick(at), at) }

func (t *Traced) hop(event string, n int, at time.Duration) Hop {
	a := t.sent[n]
	target, _ := t.Target()
	return Hop{Event: event, Micros: at.Microseconds(), N: n, Hop: a.Hop, Path: a.Path, PeerID: t.name(a.Peer.ID),
		Distance: NodeID(a.Peer.ID).Distance(target).LeadingZeros(), RTT: float64((at - t.began[n]).Microseconds()) / 1000}
}

// after tells the requests that follow, a new value, and the end.
func (t *Traced) after(asks []Ask, at time.Duration) []Ask {
	for _, a := range asks {
		t.sent[a.N], t.began[a.N] = a, at
		h := t.hop("ask", a.N, at)
		h.RTT = 0
		t.emit(h)
	}
	r := t.Result()
	if v := string(r.Value); v != t.best {
		t.best = v
		t.emit(Hop{Event: "value", Micros: at.Microseconds(), N: -1, Value: hex.EncodeToString(r.Value)})
	}
	if r.Done && !t.over {
		t.over = true
		t.emit(Hop{Event: "end", Micros: at.Microseconds(), N: -1, Error: r.Reason})
	}
	return asks
}

func (t *Traced) emit(h Hop) {
	if t.Emit != nil {
		t.Emit(h)
	}
}

func (t *Traced) name(p PeerID) string {
	if t.Name == nil {
		return string(p)
	}
	return t.Name(p)
}

// names writes peers with the groups of their addresses, which decide whom a look-up takes: ID, or ID and base64.
func (t *Traced) names(list []Peer) []string {
	var out []string
	for _, p := range list {
		s := t.name(p.ID) + "|" + string('0'+rune(p.Class))
		for _, a := range p.Addrs {
			s += "|" + base64.RawURLEncoding.EncodeToString(a)
		}
		out = append(out, s)
	}
	return out
}

// Replay plays the trace that r holds once more on the same core, without a network. It hands emit the lines that
// come out, which are those that went in. parse reads a peer's name.
func Replay(r io.Reader, name func(PeerID) string, parse func(string) (PeerID, error), emit func(Hop)) error {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	var t *Traced
	for line := 1; scan.Scan(); line++ {
		var h Hop
		if err := json.Unmarshal(scan.Bytes(), &h); err != nil {
			return fmt.Errorf("line %d: %w", line, ErrCut)
		}
		at := time.Duration(h.Micros) * time.Microsecond
		peers, err := parsePeers(h.Closer, parse)
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		value, err := hex.DecodeString(h.Value)
		switch {
		case err != nil:
			return fmt.Errorf("line %d: %w", line, wire.Invalid("value: %v", err))
		case t == nil:
			if t, err = replayed(h, name, parse, emit); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			t.Begin(peers, at)
		case h.Event == "answer" && h.Value == "":
			t.Answer(h.N, peers, nil, at)
		case h.Event == "answer":
			t.Answer(h.N, peers, value, at)
		case h.Event == "fail":
			t.Fail(h.N, h.Error, at)
		case h.Event == "end" && h.Error == "time":
			t.Tick(at)
		}
	}
	if err := scan.Err(); err != nil {
		return err
	}
	if t == nil || !t.over {
		return ErrCut
	}
	return nil
}

// replayed makes the look-up that a first line describes.
func replayed(h Hop, name func(PeerID) string, parse func(string) (PeerID, error), emit func(Hop)) (*Traced, error) {
	s := h.TraceStart
	if h.Event != "start" || s == nil || s.Version != 1 || s.Purpose > Get || s.Paths < 1 || s.Paths > 64 || s.RPCs < 1 || s.RPCs > 1e6 {
		return nil, wire.Invalid("no first line of a trace")
	}
	self, err := parse(s.Self)
	if err != nil {
		return nil, err
	}
	l := &Lookup{Purpose: s.Purpose, Self: self, Paths: s.Paths, Size: s.Estimate, RPCs: s.RPCs, Time: time.Duration(s.LimitUS) * time.Microsecond}
	key, err := hex.DecodeString(s.Key)
	seed, err2 := hex.DecodeString(s.Seed)
	netid, err3 := hex.DecodeString(s.NetID)
	if err := errors.Join(err, err2, err3); err != nil || len(key) == 0 || len(seed) != 32 || len(netid) != 32 {
		return nil, wire.Invalid("key, seed or netid of a trace")
	}
	l.Key, l.Seed = key, [32]byte(seed)
	v := Validator{[32]byte(netid)}
	l.Check = func(b []byte) bool { return v.Validate(key, b, s.Unix) == nil }
	l.Newer = newer
	return &Traced{Lookup: l, Name: name, Emit: emit, Start: *s}, nil
}

func parsePeers(names []string, parse func(string) (PeerID, error)) ([]Peer, error) {
	var out []Peer
	for _, s := range names {
		var p Peer
		for i, part := range strings.Split(s, "|") {
			switch i {
			case 0:
				id, err := parse(part)
				if err != nil {
					return nil, err
				}
				p.ID = id
			case 1:
				if len(part) != 1 || part[0] < '0' || part[0] > '0'+byte(Learned) {
					return nil, wire.Invalid("class of a peer in a trace")
				}
				p.Class = Class(part[0] - '0')
			default:
				a, err := base64.RawURLEncoding.DecodeString(part)
				if err != nil {
					return nil, wire.Invalid("address in a trace: %v", err)
				}
				p.Addrs = append(p.Addrs, a)
			}
		}
		out = append(out, p)
	}
	return out, nil
}

package node

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// When a device tells where it is.
const (
	tellEvery  = 6 * time.Hour
	tellMoved  = 5 * time.Minute  // at most so often after its addresses changed
	tellAgain  = 10 * time.Minute // while fewer than enough keep the record
	tellEnough = 10
	tellFor    = 12 * time.Hour // a record counts for so long
	tellAhead  = 2 * time.Hour  // within so long before a session's day ends, the next one's record is written
)

// told is the last record written for a beacon.
type told struct {
	at    time.Time
	epoch uint32
	ahead uint32 // newest epoch written
	addrs string
	acks  int
	draw  time.Duration // before the end of the day the next one's record is written: one moment for all would show when days turn
}

func (p *presence) group(s *session.Session) (g dht.Group, seed [32]byte) {
	g.NetID = p.n.Profile.NetID()
	g.Secret, seed = s.Rendezvous()
	return g, seed
}

// beacon is what this device tells its place under: a session, or a code that was given out.
type beacon struct {
	key   any // tells beacons apart
	group dht.Group
	seed  [32]byte
	place dht.Place
}

func (p *presence) ofSession(s *session.Session) beacon {
	b := beacon{key: s.ID(), place: p.place()}
	b.group, b.seed = p.group(s)
	d := s.Log().Digest()
	copy(b.place.Heads[:], d[:])
	b.place.State = 1
	return b
}

// tell writes what is due, for each on its own.
func (p *presence) tell(ctx context.Context) {
	var list []beacon
	for _, s := range p.n.home.Sessions.List() {
		list = append(list, p.ofSession(s))
	}
	for _, b := range append(list, p.ofCodes()...) {
		if ctx.Err() != nil {
			return
		}
		if epoch, due := p.due(b); due {
			if _, err := p.announce(ctx, b, epoch); err != nil && ctx.Err() == nil {
				p.n.log.Debug("presence not told", "why", err)
			}
		}
	}
}

// due says which day's record is to be written now, if any.
func (p *presence) due(b beacon) (epoch uint32, due bool) {
	now := p.n.clock()
	epoch = b.group.Epoch(now.Unix())
	p.mu.Lock()
	t, ok := p.told[b.key]
	p.mu.Unlock()
	since := now.Sub(t.at)
	switch {
	case !ok || epoch != t.epoch && epoch != t.ahead:
		return epoch, true
	case addrKey(b.place) != t.addrs && since > tellMoved, since > tellEvery, t.acks < tellEnough && since > tellAgain:
		return epoch, true
	}
	if next := b.group.Epoch(now.Add(t.draw).Unix()); next != epoch && t.ahead == epoch {
		return next, true
	}
	return 0, false
}

// place is where this device can be met.
func (p *presence) place() dht.Place {
	place := dht.Place{Peer: dht.PeerID(p.n.host.ID())}
	for _, a := range reachable(p.n.host.Addrs()) {
		place.Addrs = append(place.Addrs, a.Bytes())
	}
	return place
}

// addrKey tells two lists of addresses apart.
func addrKey(p dht.Place) string { return string(bytes.Join(p.Addrs, []byte{0})) }

// reachable are at most eight addresses that others may try: loopback only where there is nothing else.
func reachable(addrs []ma.Multiaddr) (out []ma.Multiaddr) {
	var loop []ma.Multiaddr
	for _, a := range addrs {
		if len(a.Bytes()) > 128 {
			continue
		}
		if manet.IsIPLoopback(a) {
			loop = append(loop, a)
		} else {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		out = loop
	}
	return out[:min(len(out), 8)]
}

// announce writes this device's record for one day.
func (p *presence) announce(ctx context.Context, b beacon, epoch uint32) (dht.Stored, error) {
	now := p.n.clock()
	seq, err := p.nextSeq(now)
	if err != nil {
		return dht.Stored{}, err
	}
	until := now.Add(tellFor + p.n.jitter(time.Hour)) // not one end for all records of a device
	d := dht.Draft{Kind: dht.Presence, Epoch: epoch, Seq: seq, NotAfter: uint64(until.Unix()), Place: b.place}
	got, err := p.put(ctx, b, d)
	if err != nil {
		return got, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.told[b.key]
	p.told[b.key] = told{at: now, epoch: b.group.Epoch(now.Unix()), ahead: max(epoch, t.ahead), addrs: addrKey(b.place), acks: len(got.Stored), draw: p.n.jitter(tellAhead)}
	p.counts.told++
	return got, nil
}

// put stores one sealed record in both instances: two of one number would say that the writer equivocates.
func (p *presence) put(ctx context.Context, b beacon, d dht.Draft) (dht.Stored, error) {
	key, value, err := b.group.Seal(b.seed, d, p.n.home.cfg.Rand)
	if err != nil {
		return dht.Stored{}, err
	}
	got, err := p.dht.Load().PutRecord(ctx, key, value, nil)
	if lan := p.lan.dht.Load(); lan != nil {
		near, lerr := lan.PutRecord(ctx, key, value, nil)
		for _, q := range near.Stored {
			if !slices.ContainsFunc(got.Stored, func(o dht.Peer) bool { return o.ID == q.ID }) {
				got.Stored = append(got.Stored, q)
			}
		}
		if lerr == nil {
			err = nil // one of them is enough
		}
	}
	return got, err
}

// findMember asks the local network first: it answers in milliseconds, or holds nothing.
func (p *presence) findMember(ctx context.Context, g dht.Group, a sig.Public) (dht.Place, dht.Record, error) {
	if lan := p.lan.dht.Load(); lan != nil {
		if place, rec, err := lan.FindMember(ctx, g, a, dht.Presence); err == nil {
			return place, rec, nil
		}
	}
	return p.dht.Load().FindMember(ctx, g, a, dht.Presence)
}

// findPeer asks the local network first for where a peer is.
func (p *presence) findPeer(ctx context.Context, id peer.ID) (dht.Peer, error) {
	if lan := p.lan.dht.Load(); lan != nil {
		if found, err := lan.FindPeer(ctx, dht.PeerID(id)); err == nil {
			return found, nil
		}
	}
	return p.dht.Load().FindPeer(ctx, dht.PeerID(id))
}

// settings of presence: the newest sequence number, and the peers of the table.
var (
	seqName   = []byte("presence-seq")
	tableName = []byte("dht-table")
)

// nextSeq returns a number above all used before, kept on disk before it is.
func (p *presence) nextSeq(now time.Time) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seq := dht.NextSeq(p.seq, now.Unix())
	if err := p.n.home.saveSetting(seqName, wire.AppendUint(nil, seq)); err != nil {
		return 0, fmt.Errorf("keep sequence number: %w", err)
	}
	p.seq = seq
	return seq, nil
}

// load reads what the last run kept; what is damaged counts as nothing.
func (p *presence) load() {
	if b, err := p.n.home.setting(seqName); err == nil {
		d := wire.NewDecoder(b)
		if seq := d.Uint(1 << 63); d.End() == nil {
			p.seq = seq
		}
	}
	b, err := p.n.home.setting(tableName)
	if err != nil {
		return
	}
	list, err := decodePeers(b, maxTable)
	if err != nil {
		p.n.log.Warn("known peers are damaged on disk", "road", roadDHT, "why", err)
	}
	for _, a := range list {
		p.seeds = append(p.seeds, dht.Peer{ID: dht.PeerID(a.ID), Addrs: rawAddrs(a.Addrs), Class: dht.Table})
	}
}

// keep writes the peers of the table for the next start.
func (p *presence) keep() {
	if p == nil {
		return
	}
	var list []peer.AddrInfo
	for _, t := range p.dht.Load().Table() {
		a := peer.AddrInfo{ID: peer.ID(t.ID)}
		for _, b := range t.Addrs {
			if m, err := ma.NewMultiaddrBytes(b); err == nil {
				a.Addrs = append(a.Addrs, m)
			}
		}
		if len(list) < maxTable && len(a.Addrs) > 0 {
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		return
	}
	if err := p.n.home.saveSetting(tableName, encodePeers(list)); err != nil {
		p.n.log.Warn("table not saved", "why", err)
	}
}

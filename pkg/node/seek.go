package node

import (
	"cmp"
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/sig"
)

// How members are looked for.
const (
	seekAtOnce  = 8
	seekMin     = 15 * time.Second
	seekMax     = 30 * time.Minute
	seekMetered = 15 * time.Minute
	seekFor     = 30 * time.Second
	coverEach   = 4 // one look-up of nothing for so many
)

// search is what is known of one who is looked for.
type search struct {
	next time.Time
	wait time.Duration
	id   peer.ID // where the last record said it is
}

// absent is somebody to look for: a member, or an inviter of whom only the peer id is known.
type absent struct {
	s      *session.Session
	member session.Member
	peer   peer.ID
	state  *search
}

// seek looks for those who are absent and due, a few at a time.
func (p *presence) seek(ctx context.Context) {
	list := p.absent()
	var wg sync.WaitGroup
	for _, a := range list {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, seekFor)
			defer cancel()
			p.look(ctx, a)
		})
		if p.covers++; p.covers%coverEach == 0 {
			wg.Go(func() { p.cover(ctx) })
		}
	}
	wg.Wait()
}

// absent lists whom to look for now, the most lately joined first.
func (p *presence) absent() (out []absent) {
	now := p.n.clock()
	for _, id := range p.n.dialer.placeless() {
		out = append(out, absent{peer: id, state: p.search("peer" + string(id))})
	}
	var members []absent
	for _, s := range p.n.home.Sessions.List() {
		me := s.Pseudonym()
		for _, m := range s.Members() {
			if m.Pseudonym != me && m.Rdv != (sig.Public{}) {
				members = append(members, absent{s: s, member: m, state: p.search(string(m.Rdv[:]))})
			}
		}
	}
	slices.SortStableFunc(members, func(a, b absent) int { return cmp.Compare(b.member.Since.Unix(), a.member.Since.Unix()) })
	list := append(out, members...)
	out = nil
	for _, a := range list { // an attempt is planned only of those that there is room for
		if len(out) < seekAtOnce && p.dueNow(a, now) {
			out = append(out, a)
		}
	}
	return out
}

func (p *presence) search(key string) *search {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sought[key]
	if s == nil {
		s = &search{}
		p.sought[key] = s
	}
	return s
}

// dueNow plans the next attempt of one who is to be looked for now. Who speaks with us is not.
func (p *presence) dueNow(a absent, now time.Time) bool {
	p.mu.Lock()
	id := a.state.id
	p.mu.Unlock()
	present := id != "" && p.n.speaking(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(a.state.next) {
		return false
	}
	if present {
		a.state.wait, a.state.next = 0, now.Add(seekMin)
		return false
	}
	a.state.wait = min(max(2*a.state.wait, seekMin), seekMax)
	if p.n.mode().Metered {
		a.state.wait = max(a.state.wait, seekMetered)
	}
	a.state.next = now.Add(a.state.wait/2 + p.n.jitter(a.state.wait))
	return true
}

// look asks for one and makes a target of what it finds: a hint, which the handshake proves.
func (p *presence) look(ctx context.Context, a absent) {
	var info peer.AddrInfo
	var err error
	if a.s == nil {
		var found dht.Peer
		found, err = p.findPeer(ctx, a.peer)
		info = addrInfo(found.ID, found.Addrs)
	} else {
		var place dht.Place
		g, _ := p.group(a.s)
		place, _, err = p.findMember(ctx, g, a.member.Rdv)
		info = addrInfo(place.Peer, place.Addrs)
	}
	p.mu.Lock()
	p.counts.looked++
	if err == nil {
		a.state.id = info.ID
		p.counts.found++
	}
	p.mu.Unlock()
	if err == nil && info.ID != p.n.host.ID() {
		p.n.dialer.add(info, roadDHT)
	}
}

// cover looks for nobody, so that whoever answers cannot count members.
func (p *presence) cover(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, seekFor)
	defer cancel()
	var public sig.Public
	if _, err := io.ReadFull(p.n.home.cfg.Rand, public[:]); err == nil {
		p.dht.Load().GetRecord(ctx, dht.KeyFor(p.n.Profile.NetID(), dht.Presence, public), nil)
	}
}

func addrInfo(id dht.PeerID, addrs [][]byte) (info peer.AddrInfo) {
	info.ID = peer.ID(id)
	for _, b := range addrs {
		if a, err := ma.NewMultiaddrBytes(b); err == nil {
			info.Addrs = append(info.Addrs, a)
		}
	}
	return info
}

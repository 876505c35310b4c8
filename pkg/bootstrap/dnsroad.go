package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// DNS asks one server for the list at a name. Validate may be nil; then the older _dnsaddr records are hints.
type DNS struct {
	Name     string // of the list, without _pars
	Client   *exchange.Client
	Anchors  []dnssec.DS
	TLD      func(ctx context.Context, tld string) (ds []dnssec.DS, ok bool, err error)
	Now      func() time.Time
	RoadName string // dns unless told
}

// Road returns the road of the name through the server.
func (d DNS) Road() Road {
	s := d.Client.Server()
	r := Road{Name: d.RoadName, Transport: s.Kind, Server: d.Name + " by " + s.String(), Timeout: roadTimeout, Lenient: false, Plain: !s.Encrypted(), Find: d.find}
	if r.Name == "" {
		r.Name = "dns"
	}
	if s.Encrypted() {
		r.After = 300 * time.Millisecond
	}
	if s.Kind == exchange.DoH && s.SNI != "" && !strings.HasPrefix(s.Host, s.SNI) { // fronting
		r.Transport, r.After, r.Timeout = "front", 3*time.Second, frontTimeout
	}
	return r
}

func (d DNS) find(ctx context.Context, s *Sink) error {
	err := d.list(ctx, s)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if !errors.Is(err, wire.ErrNotFound) && !errors.Is(err, sig.ErrVerify) && !errors.Is(err, wire.ErrInvalid) {
		return err // the server does not answer
	}
	s.mu.Lock()
	stage := s.report.Stage
	s.mu.Unlock()
	found := d.dnsaddr(ctx, s)
	switch {
	case errors.Is(found, sig.ErrVerify):
		return errors.Join(err, found)
	case found == nil && errors.Is(err, wire.ErrNotFound):
		return nil
	}
	s.At(stage, "") // what is wrong is wrong with the list
	return err
}

// texts asks for the TXT records of a name, without DNSSEC: what is in them is signed.
func (d DNS) texts(ctx context.Context, s *Sink, name string) ([]string, error) {
	q, err := dnssec.Question(name, dnssec.TypeTXT)
	if err != nil {
		return nil, err
	}
	b, err := d.Client.Exchange(ctx, q)
	s.Count(1, len(q)+len(b))
	if err != nil {
		return nil, err
	}
	a, err := dnssec.ReadAnswer(b, name, dnssec.TypeTXT)
	if err != nil {
		return nil, err
	}
	return a.Texts(), nil
}

// records returns our records at a name.
func (d DNS) records(ctx context.Context, s *Sink, name string) ([][]byte, error) {
	texts, err := d.texts(ctx, s, name)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	var bad error
	for _, text := range texts {
		b, ours, err := list.ParseTXT(text)
		if ours && err == nil {
			out = append(out, b)
		} else if ours {
			bad = err
		}
	}
	if len(out) == 0 && bad != nil {
		return nil, bad
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no list at %s: %w", name, wire.ErrNotFound)
	}
	return out, nil
}

// list takes the best root at the name and its leaves.
func (d DNS) list(ctx context.Context, s *Sink) error {
	s.At("", "")
	records, err := d.records(ctx, s, list.RootName(d.Name))
	if err != nil {
		return err
	}
	s.At("answer", "")
	var last error
	for _, b := range records {
		root, err := list.DecodeRoot(b)
		if err == nil {
			err = d.root(ctx, s, root)
		}
		if err != nil && (root == nil || !s.run.spare(root)) {
			last = err
			continue
		}
		before := len(s.run.entries(root))
		lerr := s.leaves(ctx, root, func(ctx context.Context, i int) ([][]byte, error) {
			return d.records(ctx, s, root.LeafName(i, d.Name))
		})
		s.mu.Lock()
		s.report.Peers += len(s.run.entries(root)) - before
		s.mu.Unlock()
		return errors.Join(err, lerr)
	}
	return last
}

// root checks the root, and walks the rotations when its set is not known.
func (d DNS) root(ctx context.Context, s *Sink, root *list.Root) error {
	err := s.Root(root)
	var refused *list.Refusal
	if !errors.As(err, &refused) || refused.Reason != list.UnknownSet {
		return err
	}
	for _, set := range s.run.Trust.Sets() {
		for epoch := set.Epoch + 1; epoch <= set.Epoch+32; epoch++ {
			records, rerr := d.records(ctx, s, list.RotationName(epoch, d.Name))
			if rerr != nil {
				break
			}
			r, rerr := list.DecodeRotation(records[0])
			if rerr != nil || s.Rotation(r) != nil {
				break
			}
			if r.New.Tag() == root.Set {
				return s.Root(root)
			}
		}
	}
	return err
}

func (x *run) entries(root *list.Root) []list.Entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	if f := x.lists[root.Hash()]; f != nil {
		return f.list.Entries()
	}
	return nil
}

// Limits of a walk through _dnsaddr records.
const (
	addrDepth   = 4
	addrQueries = 16
	addrMost    = 100
)

// walk is a walk through the records that every libp2p program knows.
type addrWalk struct {
	DNS
	s        *Sink
	resolver *dnssec.Resolver
	verdict  dnssec.Verdict
	until    time.Duration
	left     int
	addrs    map[string][]string // peer id to multiaddrs
}

// dnsaddr takes the peers of _dnsaddr.NAME: signed where every step was secure, hints else.
func (d DNS) dnsaddr(ctx context.Context, s *Sink) error {
	w := &addrWalk{DNS: d, s: s, verdict: dnssec.Secure, left: addrQueries, addrs: map[string][]string{},
		resolver: &dnssec.Resolver{Server: d.Client, Anchors: d.Anchors, TLD: d.TLD, Now: d.Now}}
	if err := w.step(ctx, d.Name, "", 0); err != nil {
		return err
	}
	var peers []Peer
	for id, addrs := range w.addrs {
		peers = append(peers, Peer{ID: id, Addrs: addrs, Source: "dnsaddr " + d.Name, Groups: groupsOf(addrs), Until: d.Now().Add(w.until)})
	}
	if len(peers) == 0 {
		return fmt.Errorf("no peer at _dnsaddr.%s: %w", d.Name, wire.ErrNotFound)
	}
	s.At("dnssec", w.verdict.String())
	if w.verdict == dnssec.Secure {
		s.peers(Signed, "dnssec", peers)
	} else {
		s.Hints(peers)
	}
	return nil
}

func (w *addrWalk) step(ctx context.Context, name, id string, depth int) error {
	if w.left--; w.left < 0 || depth > addrDepth {
		return nil
	}
	a := &dnssec.Answer{Verdict: dnssec.Indeterminate}
	var err error
	if w.verdict > dnssec.Indeterminate { // what cannot be judged once is not asked to be judged again
		if a, err = w.resolver.Lookup(ctx, "_dnsaddr."+name, dnssec.TypeTXT); err != nil {
			return err
		}
	}
	w.s.Count(a.Queries, 0)
	if a.Verdict == dnssec.Bogus {
		w.s.At("dnssec", a.Verdict.String())
		return fmt.Errorf("_dnsaddr.%s is bogus: %s: %w", name, a.Why, sig.ErrVerify)
	}
	texts := a.Texts()
	if a.Verdict == dnssec.Indeterminate { // no anchor, or the server strips signatures: a hint is still one
		if texts, err = w.texts(ctx, w.s, "_dnsaddr."+name); err != nil {
			return err
		}
	}
	if depth == 0 || a.TTL < w.until {
		w.until = a.TTL
	}
	w.verdict = min(w.verdict, a.Verdict)
	for _, text := range texts {
		if err := w.take(ctx, text, id, depth); err != nil {
			return err
		}
	}
	return nil
}

// take reads one entry. Only those that end in the id that was asked for count.
func (w *addrWalk) take(ctx context.Context, text, id string, depth int) error {
	s, ok := strings.CutPrefix(text, "dnsaddr=")
	if !ok || len(s) > 512 || len(w.addrs) >= addrMost {
		return nil
	}
	m, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil // a protocol that is not known
	}
	peer, err := m.ValueForProtocol(ma.P_P2P)
	if err != nil || id != "" && peer != id {
		return nil
	}
	if next, err := m.ValueForProtocol(ma.P_DNSADDR); err == nil {
		return w.step(ctx, next, peer, depth+1)
	}
	if !w.s.run.Private && !publicAddr(m) {
		return nil
	}
	if len(w.addrs[peer]) < maxAddrs {
		w.addrs[peer] = append(w.addrs[peer], s)
	}
	return nil
}

// publicPeer tells whether all addresses of a peer are public.
func publicPeer(p Peer) bool {
	return !slices.ContainsFunc(p.Addrs, func(s string) bool {
		m, err := ma.NewMultiaddr(s)
		return err != nil || !publicAddr(m)
	})
}

func publicAddr(m ma.Multiaddr) bool {
	base, _ := ma.SplitFunc(m, func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
	a, err := list.ReadAddrs([]string{base.String()})
	return err == nil && a[0].Public()
}

// groupsOf are the places of multiaddrs.
func groupsOf(addrs []string) []string {
	var out []string
	for _, s := range addrs {
		parts := strings.Split(s, "/")
		if len(parts) < 3 {
			continue
		}
		g := parts[2]
		if ip, err := netip.ParseAddr(g); err == nil {
			g = list.GroupOf(ip)
		}
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// peerOfBytes reads a binary multiaddr that names a peer.
func peerOfBytes(b []byte) (Peer, bool) {
	m, err := ma.NewMultiaddrBytes(b)
	if err != nil {
		return Peer{}, false
	}
	id, err := m.ValueForProtocol(ma.P_P2P)
	if err != nil {
		return Peer{}, false
	}
	return Peer{ID: id, Addrs: []string{m.String()}, Groups: groupsOf([]string{m.String()})}, true
}

// PeerOf reads a multiaddr that ends in a peer id, as a hint.
func PeerOf(text string) (Peer, bool) {
	m, err := ma.NewMultiaddr(text)
	if err != nil || len(text) > 512 {
		return Peer{}, false
	}
	return peerOfBytes(m.Bytes())
}

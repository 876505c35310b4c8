package publish

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxUpdate = 60 << 10 // bytes a message
	fudge     = 300      // seconds a clock may differ
	timeout   = 10 * time.Second
	visible   = 30 * time.Second // until an update is given out
	poll      = 100 * time.Millisecond
)

// Server is a primary that takes updates.
type Server struct {
	Addr   string // host:port, over TCP
	Key    Key
	Dialer interface { // nil is the system's
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	}
	Now func() time.Time
}

// Plan is an update that is about to be made.
type Plan struct {
	Zone    string // of the SOA
	Old     *list.Root
	OldText []string // every TXT text at the root's name, ours and others'
	New     *list.Root
	draft   Draft
	put     rrs
}

// Plan reads what stands there now.
func (s *Server) Plan(ctx context.Context, d Draft) (*Plan, error) {
	put, err := d.records()
	if err != nil {
		return nil, err
	}
	p := &Plan{New: d.List.Root, draft: d, put: put}
	if p.Zone, err = s.zone(ctx, put.root.Hdr.Name); err != nil {
		return nil, err
	}
	m, err := s.ask(ctx, put.root.Hdr.Name, dns.TypeTXT)
	if err != nil {
		return nil, err
	}
	for _, rr := range m.Answer {
		t, ok := rr.(*dns.TXT)
		if !ok || dns.CanonicalName(t.Hdr.Name) != dns.CanonicalName(put.root.Hdr.Name) {
			continue
		}
		text := ""
		for _, x := range t.Txt {
			text += x
		}
		p.OldText = append(p.OldText, text)
		if b, ours, err := list.ParseTXT(text); ours && err == nil {
			if r, err := list.DecodeRoot(b); err == nil {
				p.Old = r
			}
		}
	}
	return p, nil
}

// zone finds the zone that a name stands in, by the SOA that the server is authoritative for.
func (s *Server) zone(ctx context.Context, name string) (string, error) {
	m, err := s.ask(ctx, name, dns.TypeSOA)
	if err != nil {
		return "", err
	}
	for _, rr := range append(m.Answer, m.Ns...) {
		if soa, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(soa.Hdr.Name, name) {
			return dns.CanonicalName(soa.Hdr.Name), nil
		}
	}
	return "", fmt.Errorf("%s is not the primary of a zone above %s: it says %s", s.Addr, name, dns.RcodeToString[m.Rcode])
}

// Run makes the update and returns when the server gives the new root out: one that signs on the side takes a moment, and who
// asks too early makes a resolver remember for minutes that there is nothing. Each message waits for the one before to be given
// out, for named with inline signing was seen to lose the second of two that follow at once.
func (s *Server) Run(ctx context.Context, p *Plan) error {
	for _, m := range p.leafMessages() {
		if err := s.send(ctx, m, "add the leaves"); err != nil {
			return err
		}
		if err := s.await(ctx, m.Ns[len(m.Ns)-1]); err != nil {
			return fmt.Errorf("add the leaves: %w", err)
		}
	}
	if err := s.send(ctx, p.rootMessage(), "change the root"); err != nil {
		return err
	}
	if err := s.await(ctx, p.put.root); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	return nil
}

// await asks until a record is given out.
func (s *Server) await(ctx context.Context, rr dns.RR) error {
	h := rr.Header()
	for range visible / poll {
		m, err := s.ask(ctx, h.Name, h.Rrtype)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(m.Answer, func(have dns.RR) bool { return dns.IsDuplicate(have, rr) }) {
			return nil
		}
		timer := time.NewTimer(poll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return fmt.Errorf("the server took a record of %s and does not give it out after %v", h.Name, time.Duration(visible))
}

func (p *Plan) message() *dns.Msg { return new(dns.Msg).SetUpdate(p.Zone) }

// leafMessages replace what stands at each leaf's name, which is new unless this list was put there before.
func (p *Plan) leafMessages() []*dns.Msg {
	var out []*dns.Msg
	m := p.message()
	flush := func() {
		if len(m.Ns) > 0 {
			out = append(out, m)
		}
		m = p.message()
	}
	for _, rr := range p.put.leaves {
		if m.Len()+2*dns.Len(rr) > maxUpdate {
			flush()
		}
		m.RemoveRRset([]dns.RR{rr})
		m.Insert([]dns.RR{rr})
	}
	flush()
	names := map[string]bool{}
	for _, rr := range p.put.addrs {
		if m.Len()+2*dns.Len(rr) > maxUpdate {
			flush()
		}
		if !names[rr.Header().Name] {
			m.RemoveRRset([]dns.RR{rr})
			names[rr.Header().Name] = true
		}
		m.Insert([]dns.RR{rr})
	}
	flush()
	return out
}

// rootMessage changes the root only if what is there is what was read.
func (p *Plan) rootMessage() *dns.Msg {
	m := p.message()
	if len(p.OldText) == 0 {
		m.RRsetNotUsed([]dns.RR{p.put.root})
	}
	var there, gone []dns.RR
	for _, text := range p.OldText {
		rr := txt(p.put.root.Hdr.Name, 0, text)
		there = append(there, rr)
		if _, ours, _ := list.ParseTXT(text); ours {
			gone = append(gone, dns.Copy(rr))
		}
	}
	m.Used(there)
	m.Remove(gone)
	m.Insert([]dns.RR{p.put.root})
	return m
}

// Remove takes the leaves of an old list away. The caller waits OldLeaves after the root was changed.
func (s *Server) Remove(ctx context.Context, name string, old *list.Root) error {
	p := &Plan{}
	var err error
	if p.Zone, err = s.zone(ctx, dns.Fqdn(list.RootName(name))); err != nil {
		return err
	}
	all := make([]int, old.Leaves)
	for i := range all {
		all[i] = i
	}
	for part := range slices.Chunk(all, 400) {
		m := p.message()
		for _, i := range part {
			m.RemoveRRset([]dns.RR{txt(old.LeafName(i, name), 0, "")})
		}
		if err := s.send(ctx, m, "remove old leaves"); err != nil {
			return err
		}
	}
	return nil
}

// ErrRefused says that the server did not make an update; the text says why.
var ErrRefused = errors.New("the server refused")

func (s *Server) send(ctx context.Context, m *dns.Msg, what string) error {
	m.SetTsig(s.Key.Name, s.Key.Algorithm, fudge, s.Now().Unix())
	r, err := s.exchange(ctx, m)
	if r != nil && r.Rcode != dns.RcodeSuccess {
		return fmt.Errorf("%s: %w: %s", what, ErrRefused, meaning(r))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// meaning says what to do about a response code of an update.
func meaning(r *dns.Msg) string {
	if t := r.IsTsig(); t != nil && t.Error != dns.RcodeSuccess {
		switch t.Error {
		case dns.RcodeBadSig:
			return "BADSIG: the secret of the TSIG key is another one"
		case dns.RcodeBadKey:
			return "BADKEY: the server does not know a TSIG key of this name"
		case dns.RcodeBadTime:
			return "BADTIME: the clocks differ by more than five minutes"
		}
	}
	switch r.Rcode {
	case dns.RcodeNotAuth:
		return "NOTAUTH: the server is not the primary of the zone, or does not know the TSIG key"
	case dns.RcodeRefused:
		return "REFUSED: the key may not change this zone"
	case dns.RcodeNXRrset:
		return "NXRRSET: the root was changed by somebody else since it was read; look again with --diff"
	case dns.RcodeYXRrset:
		return "YXRRSET: a root stands there that was not there before; look again with --diff"
	case dns.RcodeNotZone:
		return "NOTZONE: the name is not in the zone"
	}
	return dns.RcodeToString[r.Rcode]
}

func (s *Server) ask(ctx context.Context, name string, typ uint16) (*dns.Msg, error) {
	m := new(dns.Msg).SetQuestion(name, typ)
	m.RecursionDesired = false
	r, err := s.exchange(ctx, m)
	if err != nil {
		return nil, err
	}
	if r.Rcode != dns.RcodeSuccess && r.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("%s says %s to %s", s.Addr, dns.RcodeToString[r.Rcode], name)
	}
	return r, nil
}

// exchange uses one connection a message: updates are few.
func (s *Server) exchange(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dialer := s.Dialer
	if dialer == nil {
		dialer = &net.Dialer{}
	}
	raw, err := dialer.DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	conn := &dns.Conn{Conn: raw, TsigSecret: map[string]string{s.Key.Name: s.Key.secret}}
	if err := conn.WriteMsg(m); err != nil {
		return nil, err
	}
	r, err := conn.ReadMsg()
	if r != nil && r.Id != m.Id {
		return nil, wire.Invalid("answer of %s with another id", s.Addr)
	}
	if m.IsTsig() != nil && r != nil && err == nil && r.IsTsig() == nil && r.Rcode == dns.RcodeSuccess {
		return nil, wire.Invalid("answer of %s is not signed with the TSIG key", s.Addr)
	}
	if r == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return r, err
}

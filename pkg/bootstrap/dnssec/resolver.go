package dnssec

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Exchanger sends one DNS message to a server and returns the answer, both without a length in front. It checks that the
// answer has the id and the question of the query.
type Exchanger interface {
	Exchange(ctx context.Context, query []byte) ([]byte, error)
}

// Resolver validates what a server says. Set the fields; the zero cache works. It is safe for concurrent use.
type Resolver struct {
	// Server is asked with CD=1 and DO=1.
	Server Exchanger
	// Anchors are the DS records of the zones that are trusted, of the root as a rule.
	Anchors []DS
	// TLD may name other anchors for a top-level domain, such as those of a Handshake name that was proven by its chain.
	// It is asked with the last label, in lower case with its dot; ok is false where it knows none. It may be nil.
	TLD func(ctx context.Context, tld string) (ds []DS, ok bool, err error)
	// Now tells the time.
	Now func() time.Time

	mu    sync.Mutex // guards cache
	cache map[string]cached
}

// cached is a step of the walk that was proven before.
type cached struct {
	status  status
	keys    []*dns.DNSKEY
	proof   []rrset // DNSKEY and DS sets, for Prove
	expires time.Time
}

// status is what is at a name on the way down.
type status int

const (
	sameZone status = iota // no cut
	signedZone
	unsignedZone
	nothing // neither the name nor any below
)

// lookup is one call: what it spent, and the answers it has seen.
type lookup struct {
	*Resolver
	ctx    context.Context
	now    time.Time
	budget budget
	seen   map[dns.Question]*reply
}

// reply is a message as far as it matters.
type reply struct {
	rcode     int
	answer    []*rrset
	authority []*rrset
}

// Lookup resolves a name and type of class IN and judges the answer. The error is only for what was asked wrongly; whatever
// a server does ends in a verdict.
func (r *Resolver) Lookup(ctx context.Context, name string, typ uint16) (*Answer, error) {
	name, ok := canonical(name)
	if !ok {
		return nil, fmt.Errorf("look up %q: not a domain name", name)
	}
	switch typ {
	case dns.TypeANY, dns.TypeAXFR, dns.TypeIXFR, dns.TypeRRSIG, dns.TypeOPT, dns.TypeNone, dns.TypeNSEC3:
		return nil, fmt.Errorf("look up %s: type %s has no verdict", name, dns.Type(typ))
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	l := &lookup{Resolver: r, ctx: ctx, now: r.Now(), seen: map[dns.Question]*reply{}}
	a := l.resolve(name, typ)
	a.Queries, a.Checks = l.budget.queries, l.budget.checks
	return a, nil
}

// ask sends a query, or takes the answer from before.
func (l *lookup) ask(name string, typ uint16) (*reply, error) {
	q := dns.Question{Name: name, Qtype: typ, Qclass: dns.ClassINET}
	if r := l.seen[q]; r != nil {
		return r, nil
	}
	if err := l.budget.query(); err != nil {
		return nil, err
	}
	m := dns.Msg{MsgHdr: dns.MsgHdr{RecursionDesired: true, CheckingDisabled: true}, Question: []dns.Question{q}}
	m.SetEdns0(1232, true)
	b, err := m.Pack()
	if err != nil {
		return nil, unknown("ask %s %s: %v", name, dns.Type(typ), err)
	}
	out, err := l.Server.Exchange(l.ctx, b)
	if err != nil {
		return nil, &noAnswer{fmt.Errorf("ask %s %s: %w", name, dns.Type(typ), err)}
	}
	if err := l.budget.read(len(out)); err != nil {
		return nil, err
	}
	r, err := read(out, q)
	if err != nil {
		return nil, err
	}
	l.seen[q] = r
	return r, nil
}

// noAnswer keeps the cause, so that a timeout can be told from a refusal.
type noAnswer struct{ error }

func (e *noAnswer) Unwrap() []error { return []error{e.error, unknown("%v", e.error)} }

// read takes a message that is the answer to q.
func read(b []byte, q dns.Question) (*reply, error) {
	if len(b) > maxMessage {
		return nil, unknown("answer of %d bytes", len(b))
	}
	var m dns.Msg
	if err := m.Unpack(b); err != nil {
		return nil, unknown("answer to %s %s: %v", q.Name, dns.Type(q.Qtype), err)
	}
	if !m.Response || m.Opcode != dns.OpcodeQuery || m.Truncated || len(m.Question) != 1 || m.Question[0].Qtype != q.Qtype ||
		m.Question[0].Qclass != q.Qclass || dns.CanonicalName(m.Question[0].Name) != q.Name {
		return nil, unknown("the answer is not to %s %s", q.Name, dns.Type(q.Qtype))
	}
	if m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return nil, unknown("the server says %s to %s %s", dns.RcodeToString[m.Rcode], q.Name, dns.Type(q.Qtype))
	}
	r := &reply{rcode: m.Rcode, answer: sets(m.Answer), authority: sets(m.Ns)}
	if n := len(r.answer) + len(r.authority); n > maxSets {
		return nil, unknown("answer of %d sets of records to %s %s", n, q.Name, dns.Type(q.Qtype))
	}
	return r, nil
}

// resolve follows aliases from name to an answer.
func (l *lookup) resolve(name string, typ uint16) *Answer {
	a := &Answer{Verdict: Secure}
	for hop := 0; ; hop++ {
		if hop > maxHops {
			return a.end(unknown("budget: more than %d aliases", maxHops))
		}
		next, err := l.step(a, name, typ)
		if err != nil {
			return a.end(err)
		}
		if next == "" {
			return a
		}
		name = next
	}
}

// end turns an error into the verdict.
func (a *Answer) end(err error) *Answer {
	j := judge(err)
	a.Verdict, a.Why, a.Clock = j.verdict, j.why, j.clock
	a.Timeout = errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	if a.Verdict < Insecure {
		a.Records, a.Alias, a.TTL, a.used = nil, nil, 0, nil
	}
	return a
}

// lower makes the verdict that of its weakest link.
func (a *Answer) lower(err error) error {
	if err == nil {
		return nil
	}
	j := judge(err)
	if j.verdict < Insecure {
		return err
	}
	if a.Verdict > j.verdict {
		a.Verdict, a.Why = j.verdict, j.why
	}
	return nil
}

// step answers for name, or returns the name that it is an alias of.
func (l *lookup) step(a *Answer, name string, typ uint16) (next string, err error) {
	r, err := l.ask(name, typ)
	if err != nil {
		return "", err
	}
	for up := parent(name); name != "." && up != "."; up = parent(up) {
		if s := find(r.answer, up, dns.TypeDNAME); s != nil {
			return l.renamed(a, r, s, name, typ)
		}
	}
	if s := find(r.answer, name, typ); s != nil {
		if err := a.lower(l.positive(a, r, s, name)); err != nil {
			if up := l.dname(name, s); typ == dns.TypeCNAME && up != nil {
				return l.renamed(a, r, up, name, typ)
			}
			return "", err
		}
		a.Records = s.rrs
		return "", nil
	}
	if s := find(r.answer, name, dns.TypeCNAME); s != nil {
		if err := a.lower(l.positive(a, r, s, name)); err != nil {
			if up := l.dname(name, s); up != nil {
				return l.renamed(a, r, up, name, typ)
			}
			return "", err
		}
		target, ok := canonical(s.rrs[0].(*dns.CNAME).Target)
		if !ok || len(s.rrs) != 1 {
			return "", bogus("%s is an alias of no name, or of two", name)
		}
		a.Alias = append(a.Alias, s.rrs[0])
		return target, l.carry(r, target, typ)
	}
	a.Rcode = r.rcode
	absent, err := l.negative(r, name, typ)
	if err == nil {
		a.Rcode = dns.RcodeSuccess // the proof counts, not what the header says
		if absent == noName {
			a.Rcode = dns.RcodeNameError
		}
	}
	return "", a.lower(err)
}

// dname looks for the DNAME that an unsigned CNAME was made of: some servers leave it out of what they had in their cache.
func (l *lookup) dname(name string, made *rrset) *rrset {
	if len(made.sigs) > 0 {
		return nil
	}
	for up, n := parent(name), 0; up != "." && n < maxHops; up, n = parent(up), n+1 {
		r, err := l.ask(up, dns.TypeDNAME)
		if err != nil {
			return nil
		}
		if s := find(r.answer, up, dns.TypeDNAME); s != nil {
			return s
		}
	}
	return nil
}

// carry keeps the rest of the message as the answer for the target, if it has one; else the target is asked anew.
func (l *lookup) carry(r *reply, target string, typ uint16) error {
	q := dns.Question{Name: target, Qtype: typ, Qclass: dns.ClassINET}
	if l.seen[q] == nil && (find(r.answer, target, typ) != nil || find(r.answer, target, dns.TypeCNAME) != nil) {
		l.seen[q] = r
	}
	return nil
}

// renamed follows a DNAME. The CNAME that a server makes of it is not signed; ours is.
func (l *lookup) renamed(a *Answer, r *reply, s *rrset, name string, typ uint16) (string, error) {
	if err := a.lower(l.positive(a, r, s, s.name)); err != nil {
		return "", err
	}
	d := s.rrs[0].(*dns.DNAME)
	target, ok := canonical(d.Target)
	if !ok || len(s.rrs) != 1 {
		return "", bogus("%s is renamed to no name, or to two", s.name)
	}
	moved := name[:len(name)-len(s.name)]
	if target != "." {
		moved += target
	}
	if moved, ok = canonical(moved); !ok {
		return "", unknown("%s is longer than a name can be after it was renamed by %s", name, s.name)
	}
	a.Alias = append(a.Alias, d)
	if typ == dns.TypeCNAME {
		h := dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: s.ttl(l.now)}
		a.Records = []dns.RR{&dns.CNAME{Hdr: h, Target: moved}}
		return "", nil
	}
	return moved, l.carry(r, moved, typ)
}

// positive judges a set of the answer. nil is secure.
func (l *lookup) positive(a *Answer, r *reply, s *rrset, name string) error {
	z, err := l.zoneOf(s, name)
	if err != nil {
		a.keep(s, l.now, nil)
		return err
	}
	if err := z.verify(s, l.now, &l.budget); err != nil {
		return err
	}
	a.keep(s, l.now, s)
	if !s.expanded {
		return nil
	}
	encloser := s.name
	for dns.CountLabel(encloser) > int(s.by.Labels) {
		encloser = parent(encloser)
	}
	d, err := z.denials(r.authority, l.now, &l.budget)
	if err != nil {
		return err
	}
	gone, err := d.proveExpanded(s.name, encloser)
	switch {
	case err != nil:
		return err
	case gone == unproven:
		return bogus("%s comes from a wildcard, and nothing proves that it is not there itself", s.name)
	case gone == optOut:
		return insecure("%s comes from a wildcard in a span that is opted out", s.name)
	}
	return nil
}

// keep clips the time that the answer may be kept, and remembers what a proof is made of.
func (a *Answer) keep(s *rrset, now time.Time, proof *rrset) {
	ttl := time.Duration(s.ttl(now)) * time.Second
	if len(a.used) == 0 && a.TTL == 0 || ttl < a.TTL {
		a.TTL = ttl
	}
	if proof != nil {
		a.used = append(a.used, *proof)
	}
}

// zoneOf returns the zone that must have signed the set. Where nothing signs it, the way down must prove why.
func (l *lookup) zoneOf(s *rrset, name string) (*zone, error) {
	if signer := s.signer(); signer != "" {
		if s.typ == dns.TypeDS && signer == s.name {
			return nil, bogus("the DS of %s is signed by itself", s.name)
		}
		z, err := l.walk(signer, name)
		if err == nil && z.name != signer {
			return nil, bogus("%s is signed by %s, which is no zone", name, signer)
		}
		return z, err
	}
	target := name
	if s.typ == dns.TypeDS {
		target = parent(name)
	}
	z, err := l.walk(target, name)
	if err != nil {
		return nil, err
	}
	return nil, bogus("%s %s is not signed, and %s is", name, dns.Type(s.typ), z.name)
}

// negative judges an answer without records.
func (l *lookup) negative(r *reply, name string, typ uint16) (absence, error) {
	signer := ""
	for _, s := range r.authority {
		if s.typ != dns.TypeNSEC && s.typ != dns.TypeNSEC3 {
			continue
		}
		if by := s.signer(); by != "" && under(by, name) && (signer == "" || under(signer, by)) {
			signer = by
		}
	}
	target := signer
	if signer == "" {
		if target = name; typ == dns.TypeDS && name != "." {
			target = parent(name)
		}
	}
	z, err := l.walk(target, name)
	if err != nil {
		return unproven, err
	}
	if z.name != signer {
		return unproven, bogus("nothing signed proves that there is no %s %s", name, dns.Type(typ))
	}
	d, err := z.denials(r.authority, l.now, &l.budget)
	if err != nil {
		return unproven, err
	}
	gone, err := d.prove(name, typ)
	switch {
	case err != nil:
		return gone, err
	case gone == unproven:
		return gone, bogus("the records of %s do not prove that there is no %s %s", z.name, name, dns.Type(typ))
	case gone == optOut && typ != dns.TypeDS:
		return gone, insecure("%s lies in a span of %s that is opted out", name, z.name)
	case gone == optOut:
		return gone, insecure("%s may be an unsigned delegation of %s", name, z.name)
	}
	return gone, nil
}

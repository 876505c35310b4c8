package dnssec

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
)

const chainMagic = "PDC1"

// MaxChain is the largest proof chain in bytes.
const MaxChain = 32 << 10

// Chain is the records from an answer up to a trust anchor, each set with one signature: what RFC 9102 sends in TLS. It is
// verified without a network.
type Chain struct {
	Name    string // that was asked for
	Type    uint16
	Records []dns.RR // aliases and answer first, then DS and DNSKEY sets upwards, each set followed by its RRSIG
}

// Prove looks a name up and returns the chain of a secure answer. Answers that are not secure, absent or made from a
// wildcard have none.
func (r *Resolver) Prove(a *Answer, name string, typ uint16) (*Chain, error) {
	name, ok := canonical(name)
	switch {
	case !ok || a.Verdict != Secure:
		return nil, wire.Invalid("%s is %s: %s", name, a.Verdict, a.Why)
	case !provable(typ):
		return nil, wire.Invalid("a chain of type %s has no one form", dns.Type(typ))
	case len(a.Records) == 0:
		return nil, wire.Invalid("%s has no %s; a chain proves records, not their absence", name, dns.Type(typ))
	}
	c := &Chain{Name: name, Type: typ}
	done := map[string]bool{}
	for i := range a.used {
		if a.used[i].expanded {
			return nil, wire.Invalid("%s comes from a wildcard, which a chain cannot prove", a.used[i].name)
		}
		c.add(&a.used[i])
	}
	for i := range a.used {
		if err := r.climb(c, a.used[i].by.SignerName, done); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// climb adds the DNSKEY set of a zone and the DS set above it, up to an anchor.
func (r *Resolver) climb(c *Chain, zone string, done map[string]bool) error {
	for !done[zone] {
		done[zone] = true
		r.mu.Lock()
		step, ok := r.cache[zone]
		r.mu.Unlock()
		if !ok || step.status != signedZone {
			return wire.Invalid("the keys of %s have gone from the cache; look it up again", zone)
		}
		for i := range slices.Backward(step.proof) {
			c.add(&step.proof[i])
		}
		if len(step.proof) == 1 { // entered by an anchor
			return nil
		}
		zone = step.proof[0].by.SignerName
	}
	return nil
}

// add writes a set with the TTL that was signed, so that a chain has one form.
func (c *Chain) add(s *rrset) {
	for _, rr := range s.rrs {
		rr = dns.Copy(rr)
		rr.Header().Ttl = s.by.OrigTtl
		c.Records = append(c.Records, lower(rr))
	}
	sig := lower(dns.Copy(s.by))
	sig.Header().Ttl = s.by.OrigTtl
	c.Records = append(c.Records, sig)
}

// lower writes the names of a record as they were signed (RFC 4034 section 6.2).
func lower(rr dns.RR) dns.RR {
	rr.Header().Name = dns.CanonicalName(rr.Header().Name)
	var in []*string
	switch x := rr.(type) {
	case *dns.RRSIG:
		in = []*string{&x.SignerName}
	case *dns.CNAME:
		in = []*string{&x.Target}
	case *dns.DNAME:
		in = []*string{&x.Target}
	case *dns.NS:
		in = []*string{&x.Ns}
	case *dns.PTR:
		in = []*string{&x.Ptr}
	case *dns.MX:
		in = []*string{&x.Mx}
	case *dns.SRV:
		in = []*string{&x.Target}
	case *dns.SOA:
		in = []*string{&x.Ns, &x.Mbox}
	}
	for _, s := range in {
		*s = dns.CanonicalName(*s)
	}
	return rr
}

// provable are the types whose records have one form once their names are lower.
func provable(typ uint16) bool {
	switch typ {
	case dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeCNAME, dns.TypeDNAME, dns.TypeNS, dns.TypePTR, dns.TypeMX, dns.TypeSRV, dns.TypeSOA,
		dns.TypeDS, dns.TypeDNSKEY, dns.TypeTLSA, dns.TypeSSHFP, dns.TypeCAA, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeOPENPGPKEY:
		return true
	}
	return false
}

// Body returns the records in uncompressed wire form, as RFC 9102 has them.
func (c *Chain) Body() ([]byte, error) {
	var out []byte
	buf := make([]byte, maxMessage)
	for _, rr := range c.Records {
		n, err := dns.PackRR(rr, buf, 0, nil, false)
		if err != nil {
			return nil, err
		}
		out = append(out, buf[:n]...)
	}
	return out, nil
}

// Encode returns "PDC1" ‖ name on the wire ‖ type u16 ‖ Body.
func (c *Chain) Encode() ([]byte, error) {
	buf := make([]byte, 256)
	n, err := dns.PackDomainName(c.Name, buf, 0, nil, false)
	if err != nil {
		return nil, err
	}
	body, err := c.Body()
	b := append([]byte(chainMagic), buf[:n]...)
	return append(binary.BigEndian.AppendUint16(b, c.Type), body...), err
}

// RFC9102 returns the dnssec_chain extension's ExtensionSupport: lifetime u16 in hours, then Body.
func (c *Chain) RFC9102(hours uint16) ([]byte, error) {
	body, err := c.Body()
	return append(binary.BigEndian.AppendUint16(nil, hours), body...), err
}

// DecodeChain is the inverse of Encode. It checks the form alone. Errors wrap wire.ErrInvalid.
func DecodeChain(b []byte) (*Chain, error) {
	if len(b) > MaxChain {
		return nil, wire.Invalid("chain of %d bytes, at most %d", len(b), MaxChain)
	}
	r := wire.NewReader(b)
	if string(r.Take(len(chainMagic))) != chainMagic {
		return nil, wire.Invalid("this is no chain")
	}
	name, off, err := dns.UnpackDomainName(b, len(chainMagic))
	if err != nil || len(b)-off < 2 {
		return nil, wire.Invalid("chain without a name and type")
	}
	c := &Chain{Name: name, Type: binary.BigEndian.Uint16(b[off:])}
	if err := c.DecodeBody(b[off+2:]); err != nil {
		return nil, err
	}
	low := &Chain{Name: dns.CanonicalName(c.Name), Type: c.Type}
	for _, rr := range copyAll(c.Records) {
		low.Records = append(low.Records, lower(rr))
	}
	again, err := low.Encode()
	if err != nil || !slices.Equal(again, b) {
		return nil, wire.Invalid("chain that has another form")
	}
	return c, nil
}

// DecodeBody reads records in uncompressed wire form. Errors wrap wire.ErrInvalid.
func (c *Chain) DecodeBody(b []byte) error {
	for off := 0; off < len(b); {
		rr, next, err := dns.UnpackRR(b, off)
		if err != nil {
			return wire.Invalid("record in a chain: %v", err)
		}
		if c.Records, off = append(c.Records, rr), next; len(c.Records) > 256 {
			return wire.Invalid("chain of more than 256 records")
		}
	}
	return nil
}

// Verify checks the chain against the anchors at a time and returns the answer's records, and until when the chain holds.
// Errors wrap wire.ErrInvalid.
func (c *Chain) Verify(anchors []DS, now time.Time) (records []dns.RR, until time.Time, err error) {
	v := &prover{sets: sets(copyAll(c.Records)), anchors: anchors, now: now, until: now.Add(1 << 62), open: map[string]*zone{}}
	name, ok := canonical(c.Name)
	if !ok || !provable(c.Type) {
		return nil, until, wire.Invalid("chain for no name, or for a type that has none")
	}
	for range maxHops + 1 {
		s := find(v.sets, name, c.Type)
		if s != nil {
			if err := v.check(s); err != nil {
				return nil, until, err
			}
			return s.rrs, v.until, v.unused(c)
		}
		if name, err = v.alias(name); err != nil {
			return nil, until, err
		}
	}
	return nil, until, wire.Invalid("chain of more than %d aliases", maxHops)
}

func copyAll(rrs []dns.RR) []dns.RR {
	var out []dns.RR
	for _, rr := range rrs {
		out = append(out, dns.Copy(rr))
	}
	return out
}

// prover verifies a chain from the answer upwards.
type prover struct {
	sets    []*rrset
	anchors []DS
	now     time.Time
	until   time.Time
	spent   budget
	open    map[string]*zone // nil while it is being opened
}

// alias follows a CNAME or DNAME of the chain.
func (v *prover) alias(name string) (string, error) {
	if s := find(v.sets, name, dns.TypeCNAME); s != nil && len(s.rrs) == 1 {
		target, ok := canonical(s.rrs[0].(*dns.CNAME).Target)
		if err := v.check(s); err != nil || !ok {
			return "", wire.Invalid("alias of %s: %v", name, err)
		}
		return target, nil
	}
	for up := name; up != "."; {
		up = parent(up)
		s := find(v.sets, up, dns.TypeDNAME)
		if s == nil || len(s.rrs) != 1 {
			continue
		}
		target, ok := canonical(s.rrs[0].(*dns.DNAME).Target)
		if err := v.check(s); err != nil || !ok || target == "." {
			return "", wire.Invalid("renaming of %s: %v", up, err)
		}
		moved, ok := canonical(name[:len(name)-len(up)] + target)
		if !ok {
			return "", wire.Invalid("renaming of %s to no name", name)
		}
		return moved, nil
	}
	return "", wire.Invalid("the chain does not lead to a record of %s", name)
}

// one wants one signature for a set, and the times to live that were signed.
func one(s *rrset) error {
	if len(s.sigs) != 1 {
		return wire.Invalid("%s %s has %d signatures; a chain has one", s.name, dns.Type(s.typ), len(s.sigs))
	}
	for _, rr := range s.rrs {
		if rr.Header().Ttl != s.sigs[0].OrigTtl || s.sigs[0].Hdr.Ttl != s.sigs[0].OrigTtl {
			return wire.Invalid("%s %s has not the time to live that was signed", s.name, dns.Type(s.typ))
		}
	}
	return nil
}

// check verifies a set by its zone, which is opened by the sets above it.
func (v *prover) check(s *rrset) error {
	if err := one(s); err != nil {
		return err
	}
	z, err := v.zone(s.sigs[0].SignerName)
	if err != nil {
		return err
	}
	if s.typ == dns.TypeDS && s.name == z.name {
		return wire.Invalid("the DS of %s is signed by itself", s.name)
	}
	return v.verify(z, s)
}

func (v *prover) verify(z *zone, s *rrset) error {
	if err := z.verify(s, v.now, &v.spent); err != nil {
		return wire.Invalid("%v", err)
	}
	if s.expanded {
		return wire.Invalid("%s comes from a wildcard", s.name)
	}
	v.bound(s)
	return nil
}

// bound ends the chain with its shortest signature.
func (v *prover) bound(s *rrset) {
	left := time.Duration(int32(s.by.Expiration-uint32(v.now.Unix()))) * time.Second
	if end := v.now.Add(left); end.Before(v.until) {
		v.until = end
	}
}

func (v *prover) zone(name string) (*zone, error) {
	if z, ok := v.open[name]; ok {
		if z == nil {
			return nil, wire.Invalid("the chain leads in a circle at %s", name)
		}
		return z, nil
	}
	v.open[name] = nil
	ds := ofZone(v.anchors, name)
	if len(ds) == 0 {
		s := find(v.sets, name, dns.TypeDS)
		if s == nil {
			return nil, wire.Invalid("the chain ends at %s, which is no anchor", name)
		}
		if err := v.check(s); err != nil {
			return nil, err
		}
		ds = delegation(s)
	}
	keys := find(v.sets, name, dns.TypeDNSKEY)
	if keys == nil {
		return nil, wire.Invalid("the chain has not the keys of %s", name)
	}
	if err := one(keys); err != nil {
		return nil, err
	}
	z, err := open(name, ds, keys, v.now, &v.spent)
	if err != nil {
		return nil, wire.Invalid("%v", err)
	}
	v.bound(keys)
	v.open[name] = z
	return z, nil
}

// unused refuses records that prove nothing: they could be changed without being seen.
func (v *prover) unused(c *Chain) error {
	n := 0
	for _, s := range v.sets {
		if s.by == nil {
			return wire.Invalid("%s %s is not part of the chain", s.name, dns.Type(s.typ))
		}
		n += len(s.rrs) + len(s.sigs)
	}
	if n != len(c.Records) {
		return wire.Invalid("the chain has records that are no part of it")
	}
	return nil
}

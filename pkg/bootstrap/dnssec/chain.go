package dnssec

import (
	"encoding/binary"
	"slices"

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

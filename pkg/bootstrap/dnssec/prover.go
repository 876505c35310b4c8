package dnssec

import (
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
)

// Verify checks the chain against the anchors at a time and returns the answer's records, and until when the chain holds.
// Errors wrap wire.ErrInvalid.
func (c *Chain) Verify(anchors []DS, now time.Time) (records []dns.RR, until time.Time, err error) {
	v := newProver(c, anchors, now)
	records, err = v.prove(c)
	if err == nil {
		err = v.unused(c)
	}
	if err != nil {
		return nil, until, err
	}
	return records, v.until, nil
}

func newProver(c *Chain, anchors []DS, now time.Time) *prover {
	return &prover{sets: sets(copyAll(c.Records)), anchors: anchors, now: now, until: now.Add(1 << 62), open: map[string]*zone{}}
}

// prove follows the aliases to the answer, and everything that signs them to an anchor.
func (v *prover) prove(c *Chain) ([]dns.RR, error) {
	name, ok := canonical(c.Name)
	if !ok || !provable(c.Type) {
		return nil, wire.Invalid("chain for no name, or for a type that has none")
	}
	for range maxHops + 1 {
		if s := find(v.sets, name, c.Type); s != nil {
			v.answers = append(v.answers, s)
			return s.rrs, v.check(s)
		}
		var err error
		if name, err = v.alias(name); err != nil {
			return nil, err
		}
	}
	return nil, wire.Invalid("chain of more than %d aliases", maxHops)
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
	loose   bool             // sets may have several signatures, and times to live that were counted down
	open    map[string]*zone // nil while it is being opened
	answers []*rrset         // aliases and the answer
}

// alias follows a CNAME or DNAME of the chain.
func (v *prover) alias(name string) (string, error) {
	if s := find(v.sets, name, dns.TypeCNAME); s != nil && len(s.rrs) == 1 {
		v.answers = append(v.answers, s)
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
		v.answers = append(v.answers, s)
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

// signer is the zone that signs the set.
func (v *prover) signer(s *rrset) (string, error) {
	if v.loose {
		return s.signer(), nil
	}
	if err := one(s); err != nil {
		return "", err
	}
	return s.sigs[0].SignerName, nil
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
	signer, err := v.signer(s)
	if err != nil {
		return err
	}
	z, err := v.zone(signer)
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
	if _, err := v.signer(keys); err != nil {
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

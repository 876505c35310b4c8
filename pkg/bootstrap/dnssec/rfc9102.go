package dnssec

import (
	"encoding/binary"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
)

// RFC9102 returns the dnssec_chain extension's ExtensionSupport: lifetime u16 in hours, then Body.
func (c *Chain) RFC9102(hours uint16) ([]byte, error) {
	body, err := c.Body()
	return append(binary.BigEndian.AppendUint16(nil, hours), body...), err
}

// FromRFC9102 reads an ExtensionSupport that somebody else made for a name and type, verifies it as Chain.Verify does, and returns
// the chain in its one form: of each set the signature that holds, with the times to live that were signed, and nothing that is
// not needed. Answers made from a wildcard, and proofs that there is none, are refused. Errors wrap wire.ErrInvalid.
func FromRFC9102(b []byte, name string, typ uint16, anchors []DS, now time.Time) (*Chain, error) {
	if len(b) < 2 || len(b) > MaxChain {
		return nil, wire.Invalid("chain of %d bytes, at least 2 and at most %d", len(b), MaxChain)
	}
	name, ok := canonical(name)
	if !ok {
		return nil, wire.Invalid("chain for no name")
	}
	in := &Chain{Name: name, Type: typ}
	if err := in.DecodeBody(b[2:]); err != nil {
		return nil, err
	}
	v := newProver(in, anchors, now)
	v.loose = true
	if _, err := v.prove(in); err != nil {
		return nil, err
	}
	return v.chain(in), nil
}

// chain writes what was verified: aliases and answer, then keys and DS upwards.
func (v *prover) chain(of *Chain) *Chain {
	c := &Chain{Name: of.Name, Type: of.Type}
	written := map[*rrset]bool{}
	put := func(s *rrset) {
		if !written[s] {
			written[s] = true
			c.add(s)
		}
	}
	for _, s := range v.answers {
		put(s)
	}
	done := map[string]bool{}
	for _, s := range v.answers {
		for zone := s.by.SignerName; !done[zone]; {
			done[zone] = true
			put(find(v.sets, zone, dns.TypeDNSKEY))
			ds := find(v.sets, zone, dns.TypeDS)
			if ds == nil || ds.by == nil { // the zone of an anchor
				break
			}
			put(ds)
			zone = ds.by.SignerName
		}
	}
	return c
}

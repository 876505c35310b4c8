package dnssec

import (
	"slices"
	"time"

	"github.com/miekg/dns"
)

// absence is what a proof of denial says about a name and type.
type absence int

const (
	unproven  absence = iota
	noData            // the name is there, or an empty node, and the type is not
	noName            // the name is not there, nor a wildcard for it
	delegated         // of a DS: the name is an unsigned delegation
	optOut            // nothing signed is there; an unsigned delegation may be
)

// denial holds the verified NSEC or NSEC3 records of one message.
type denial struct {
	zone  string
	nsec  []*dns.NSEC
	nsec3 []*dns.NSEC3
	spent *budget
	known map[string]string // NSEC3 hashes of names
}

// denials verifies the NSEC and NSEC3 sets of an authority section that the zone signs. Those of other zones stand there when an
// alias leads from one wildcard to another, and prove nothing here.
func (z *zone) denials(authority []*rrset, now time.Time, b *budget) (*denial, error) {
	d := &denial{zone: z.name, spent: b, known: map[string]string{}}
	for _, s := range authority {
		if s.typ != dns.TypeNSEC && s.typ != dns.TypeNSEC3 || s.signer() != z.name {
			continue
		}
		if err := z.verify(s, now, b); err != nil {
			return nil, err
		}
		if s.expanded || len(s.rrs) != 1 {
			continue // a wildcard's NSEC tells nothing about the name it was expanded to
		}
		switch rr := s.rrs[0].(type) {
		case *dns.NSEC:
			if next, ok := canonical(rr.NextDomain); ok && under(z.name, next) {
				rr.NextDomain = next
				d.nsec = append(d.nsec, rr)
			}
		case *dns.NSEC3:
			if err := d.take(rr); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

func has(bitmap []uint16, t uint16) bool { return slices.Contains(bitmap, t) }

// below says that an ancestor's record speaks only for the ancestor: it is a delegation, or renames all below.
func below(bitmap []uint16) bool {
	return has(bitmap, dns.TypeNS) && !has(bitmap, dns.TypeSOA) || has(bitmap, dns.TypeDNAME)
}

// absent tells what a bitmap of the very name says about the type.
func absent(bitmap []uint16, name string, typ uint16) absence {
	cut := has(bitmap, dns.TypeNS) && !has(bitmap, dns.TypeSOA)
	switch {
	case has(bitmap, typ) || has(bitmap, dns.TypeCNAME):
		return unproven
	case typ != dns.TypeDS && cut:
		return unproven // the parent's side says nothing about the child's records
	case typ == dns.TypeDS && has(bitmap, dns.TypeSOA) && name != ".":
		return unproven // the child's side says nothing about its own DS
	case typ == dns.TypeDS && cut:
		return delegated
	}
	return noData
}

// covers reports whether name stands between owner and next; the last NSEC of a zone leads back to the apex.
func (d *denial) covers(n *dns.NSEC, name string) bool {
	owner := n.Hdr.Name
	if compare(owner, name) >= 0 {
		return false
	}
	return compare(name, n.NextDomain) < 0 || n.NextDomain == d.zone && under(d.zone, name)
}

// gap finds the NSEC that denies the name, and the closest ancestor that exists. A record of a delegation or DNAME above the
// name denies nothing below itself.
func (d *denial) gap(name string) (n *dns.NSEC, encloser string) {
	for _, n := range d.nsec {
		if !d.covers(n, name) || under(n.Hdr.Name, name) && below(n.TypeBitMap) {
			continue
		}
		a, b := common(name, n.Hdr.Name), common(name, n.NextDomain)
		if dns.CountLabel(b) > dns.CountLabel(a) {
			a = b
		}
		return n, a
	}
	return nil, ""
}

func (d *denial) at(name string) *dns.NSEC {
	for _, n := range d.nsec {
		if n.Hdr.Name == name {
			return n
		}
	}
	return nil
}

// prove tells what the records prove about name and type.
func (d *denial) prove(name string, typ uint16) (absence, error) {
	if len(d.nsec) == 0 {
		return d.prove3(name, typ)
	}
	if n := d.at(name); n != nil {
		return absent(n.TypeBitMap, name, typ), nil
	}
	n, encloser := d.gap(name)
	if n == nil {
		return unproven, nil
	}
	if encloser == name { // the next name is below: an empty node
		return noData, nil
	}
	star := wildcard(encloser)
	if w := d.at(star); w != nil {
		if a := absent(w.TypeBitMap, star, typ); a == noData {
			return noData, nil
		}
		return unproven, nil
	}
	if n, up := d.gap(star); n != nil && up == encloser {
		return noName, nil
	}
	return unproven, nil
}

// proveExpanded tells whether the name itself is absent, so that the wildcard below encloser may stand for it.
func (d *denial) proveExpanded(name, encloser string) (absence, error) {
	if len(d.nsec) == 0 {
		return d.covered3(nextCloser(encloser, name))
	}
	if n, found := d.gap(name); n != nil && found == encloser {
		return noName, nil
	}
	return unproven, nil
}

package dnssec

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// rrset is the records of one name and type with what signs them.
type rrset struct {
	name string
	typ  uint16
	rrs  []dns.RR
	sigs []*dns.RRSIG

	by       *dns.RRSIG // the one that verified
	expanded bool       // from a wildcard
}

// sets sorts a section into its sets. Records of other classes are dropped; of equal ones one stays.
func sets(section []dns.RR) []*rrset {
	type key struct {
		name string
		typ  uint16
	}
	var out []*rrset
	at := map[key]*rrset{}
	get := func(name string, typ uint16) *rrset {
		s := at[key{name, typ}]
		if s == nil {
			s = &rrset{name: name, typ: typ}
			at[key{name, typ}] = s
			out = append(out, s)
		}
		return s
	}
	for _, rr := range section {
		h := rr.Header()
		name, ok := canonical(h.Name)
		if !ok || h.Class != dns.ClassINET || h.Rrtype == dns.TypeOPT {
			continue
		}
		h.Name = name
		if sig, ok := rr.(*dns.RRSIG); ok {
			if sig.SignerName, ok = canonical(sig.SignerName); ok {
				s := get(name, sig.TypeCovered)
				s.sigs = append(s.sigs, sig)
			}
			continue
		}
		s := get(name, h.Rrtype)
		s.rrs = append(s.rrs, rr)
	}
	kept := out[:0]
	for _, s := range out {
		if len(s.rrs) > 0 {
			s.rrs = dns.Dedup(s.rrs, nil)
			kept = append(kept, s)
		}
	}
	return kept
}

func find(list []*rrset, name string, typ uint16) *rrset {
	for _, s := range list {
		if s.name == name && s.typ == typ {
			return s
		}
	}
	return nil
}

// signer is the zone that claims to have signed the set, the one furthest down where several do; "" where none.
func (s *rrset) signer() string {
	out := ""
	for _, sig := range s.sigs {
		if under(sig.SignerName, s.name) && (out == "" || under(out, sig.SignerName)) {
			out = sig.SignerName
		}
	}
	return out
}

// ttl is how long the set may be kept.
func (s *rrset) ttl(now time.Time) uint32 {
	t := uint32(maxTTL)
	for _, rr := range s.rrs {
		t = min(t, rr.Header().Ttl)
	}
	if s.by != nil {
		left := int64(int32(s.by.Expiration - uint32(now.Unix())))
		t = min(t, s.by.OrigTtl, uint32(max(0, left)))
	}
	return t
}

func algorithm(a uint8) bool {
	switch a {
	case dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

// usable tells whether a key may sign records of a zone.
func usable(k *dns.DNSKEY) bool {
	return k.Flags&dns.ZONE != 0 && k.Flags&dns.REVOKE == 0 && k.Protocol == 3 && algorithm(k.Algorithm) && bounded(k)
}

// bounded refuses RSA keys that would cost too much to use.
func bounded(k *dns.DNSKEY) bool {
	if k.Algorithm != dns.RSASHA256 && k.Algorithm != dns.RSASHA512 {
		return true
	}
	b, err := base64.StdEncoding.DecodeString(k.PublicKey)
	return err == nil && len(b) <= maxRSA/8+16
}

// zone is a signed zone and the keys that were proven to be its own.
type zone struct {
	name string
	keys []*dns.DNSKEY
}

// verify finds one good signature of the zone over the set.
func (z *zone) verify(s *rrset, now time.Time, b *budget) error {
	if s.by != nil && s.by.SignerName == z.name {
		return nil // a set of this message that was verified before
	}
	if !under(z.name, s.name) {
		return bogus("%s %s is not below %s", s.name, dns.Type(s.typ), z.name)
	}
	if len(s.sigs) == 0 {
		return bogus("%s %s is not signed", s.name, dns.Type(s.typ))
	}
	var last error
	for _, sig := range s.sigs[:min(len(s.sigs), maxSignatures)] {
		err := z.try(s, sig, now, b)
		if err == nil {
			s.by = sig
			s.expanded = int(sig.Labels) < ownLabels(s.name)
			return nil
		}
		if j := judge(err); j.verdict == Indeterminate {
			return err
		} else if last == nil || j.clock {
			last = err
		}
	}
	return last
}

// ownLabels counts labels as an RRSIG does, without a leading asterisk.
func ownLabels(name string) int {
	n := dns.CountLabel(name)
	if strings.HasPrefix(name, "*.") {
		n--
	}
	return n
}

func (z *zone) try(s *rrset, sig *dns.RRSIG, now time.Time, b *budget) error {
	what := s.name + " " + dns.Type(s.typ).String()
	switch {
	case sig.SignerName != z.name:
		return bogus("%s is signed by %s, not by its zone %s", what, sig.SignerName, z.name)
	case int(sig.Labels) > ownLabels(s.name) || int(sig.Labels) < dns.CountLabel(z.name):
		return bogus("%s has a signature of %d labels", what, sig.Labels)
	case !algorithm(sig.Algorithm):
		return bogus("%s is signed with algorithm %d", what, sig.Algorithm)
	}
	tried := 0
	for _, k := range z.keys {
		if k.KeyTag() != sig.KeyTag || k.Algorithm != sig.Algorithm || !usable(k) {
			continue
		}
		if tried++; tried > maxSameTag {
			break
		}
		if err := b.check(len(s.rrs)); err != nil {
			return err
		}
		if sig.Verify(k, s.rrs) != nil {
			continue
		}
		if !sig.ValidityPeriod(now) {
			return &judgement{Bogus, what + ": its signature is valid from " + when(sig.Inception) + " to " + when(sig.Expiration), true}
		}
		return nil
	}
	if tried == 0 {
		return bogus("%s is signed by key %d, which %s does not have", what, sig.KeyTag, z.name)
	}
	return bogus("%s: its signature is wrong", what)
}

func when(t uint32) string { return dns.TimeToString(t) }

// open proves the keys of a zone: one of them is named by the DS records and signs them all.
func open(name string, ds []*dns.DS, keys *rrset, now time.Time, b *budget) (*zone, error) {
	if keys == nil || keys.name != name || keys.typ != dns.TypeDNSKEY {
		return nil, bogus("%s has no DNSKEY", name)
	}
	z := &zone{name: name}
	for _, rr := range keys.rrs {
		if k, ok := rr.(*dns.DNSKEY); ok && len(z.keys) < maxKeys {
			z.keys = append(z.keys, k)
		}
	}
	var last error = bogus("no key of %s is named by its DS records", name)
	for _, d := range ds[:min(len(ds), maxKeys)] {
		for _, k := range z.keys {
			if !names(d, k) {
				continue
			}
			entry := &zone{name: name, keys: []*dns.DNSKEY{k}}
			err := entry.verify(keys, now, b)
			if err == nil {
				return z, nil
			}
			if last = err; judge(err).verdict == Indeterminate {
				return nil, err
			}
		}
	}
	return nil, last
}

// names tells whether the DS record is that of the key.
func names(d *dns.DS, k *dns.DNSKEY) bool {
	if d.KeyTag != k.KeyTag() || d.Algorithm != k.Algorithm || !usable(k) || !supported(d) {
		return false
	}
	own := k.ToDS(d.DigestType)
	return own != nil && bytes.EqualFold([]byte(own.Digest), []byte(d.Digest))
}

// supported is a DS record that can be followed (RFC 6840 section 5.2, RFC 8624).
func supported(d *dns.DS) bool {
	return algorithm(d.Algorithm) && (d.DigestType == dns.SHA256 || d.DigestType == dns.SHA384)
}

// delegation returns the DS records of a verified set that can be followed.
func delegation(s *rrset) []*dns.DS {
	var out []*dns.DS
	for _, rr := range s.rrs {
		if d, ok := rr.(*dns.DS); ok && supported(d) {
			out = append(out, d)
		}
	}
	return out
}

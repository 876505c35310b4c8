package dnssec

import (
	"strings"

	"github.com/miekg/dns"
)

const flagOptOut = 1

// take keeps an NSEC3 record of the zone whose parameters are known. Too many iterations end the proof before any hash.
func (d *denial) take(n *dns.NSEC3) error {
	if n.Hash != dns.SHA1 || n.Flags > flagOptOut || parent(n.Hdr.Name) != d.zone {
		return nil
	}
	if n.Iterations > maxIterations {
		return insecure("%s: NSEC3 with %d iterations; more than %d prove nothing", d.zone, n.Iterations, maxIterations)
	}
	if len(d.nsec3) > 0 && (n.Iterations != d.nsec3[0].Iterations || n.Salt != d.nsec3[0].Salt) {
		return nil
	}
	n.NextDomain = strings.ToUpper(n.NextDomain)
	d.nsec3 = append(d.nsec3, n)
	return nil
}

// hash is memoised: every NSEC3 of a message has the same parameters.
func (d *denial) hash(name string) (string, error) {
	if h, ok := d.known[name]; ok {
		return h, nil
	}
	if err := d.spent.hash(); err != nil {
		return "", err
	}
	h := dns.HashName(name, dns.SHA1, d.nsec3[0].Iterations, d.nsec3[0].Salt)
	d.known[name] = h
	return h, nil
}

func ownerHash(n *dns.NSEC3) string {
	first, _, _ := strings.Cut(n.Hdr.Name, ".")
	return strings.ToUpper(first)
}

// match finds the record of the very name, cover the one whose span the name's hash falls into. Never both.
func (d *denial) match3(name string) (*dns.NSEC3, error) {
	h, err := d.hash(name)
	if err != nil {
		return nil, err
	}
	for _, n := range d.nsec3 {
		if ownerHash(n) == h {
			return n, nil
		}
	}
	return nil, nil
}

func (d *denial) cover3(name string) (*dns.NSEC3, error) {
	h, err := d.hash(name)
	if err != nil {
		return nil, err
	}
	for _, n := range d.nsec3 {
		if between(ownerHash(n), h, n.NextDomain) {
			return n, nil
		}
	}
	return nil, nil
}

// between is strict on both sides; the last span wraps, and that of a zone with one record is all but itself.
func between(owner, h, next string) bool {
	if owner < next {
		return owner < h && h < next
	}
	return h > owner || h < next
}

// covered3 proves that a name is not there.
func (d *denial) covered3(name string) (absence, error) {
	if len(d.nsec3) == 0 {
		return unproven, nil
	}
	n, err := d.cover3(name)
	switch {
	case err != nil || n == nil:
		return unproven, err
	case n.Flags&flagOptOut != 0:
		return optOut, nil
	}
	return noName, nil
}

// encloser3 finds the closest ancestor that exists.
func (d *denial) encloser3(name string) (encloser string, n *dns.NSEC3, err error) {
	for encloser = name; under(d.zone, encloser); encloser = parent(encloser) {
		n, err = d.match3(encloser)
		if err != nil || n != nil {
			return encloser, n, err
		}
		if encloser == d.zone || encloser == "." {
			break
		}
	}
	return "", nil, nil
}

func (d *denial) prove3(name string, typ uint16) (absence, error) {
	if len(d.nsec3) == 0 || !under(d.zone, name) {
		return unproven, nil
	}
	encloser, n, err := d.encloser3(name)
	if err != nil || n == nil {
		return unproven, err
	}
	if encloser == name {
		return absent(n.TypeBitMap, name, typ), nil
	}
	if below(n.TypeBitMap) {
		return unproven, nil
	}
	gone, err := d.covered3(nextCloser(encloser, name))
	if err != nil || gone == unproven {
		return unproven, err
	}
	if gone == optOut && typ == dns.TypeDS {
		return optOut, nil
	}
	star := wildcard(encloser)
	w, err := d.match3(star)
	if err != nil {
		return unproven, err
	}
	if w != nil {
		if absent(w.TypeBitMap, star, typ) != noData {
			return unproven, nil
		}
		if gone == optOut {
			return optOut, nil
		}
		return noData, nil
	}
	w, err = d.cover3(star)
	if err != nil || w == nil {
		return unproven, err
	}
	return gone, nil
}

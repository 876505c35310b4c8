package dnssec

import (
	"time"

	"github.com/miekg/dns"
)

// walk goes from the anchor of asked down to a name and returns the zone it stands in. Every step is proven: a signed
// delegation, an unsigned one, or none. The error of an unsigned one is of verdict Insecure.
func (l *lookup) walk(name, asked string) (*zone, error) {
	top, ds, err := l.anchor(asked)
	if err != nil {
		return nil, err
	}
	if !under(top, name) {
		return nil, bogus("%s stands above %s, the anchor of %s", name, top, asked)
	}
	z, err := l.enter(top, ds)
	if err != nil {
		return nil, err
	}
	for _, n := range steps(top, name) {
		c, err := l.cut(z, n)
		if err != nil {
			return nil, err
		}
		switch c.status {
		case signedZone:
			z = &zone{n, c.keys}
		case unsignedZone:
			return nil, insecure("%s is not signed", n)
		case nothing:
			return z, nil
		}
	}
	return z, nil
}

// anchor returns the closest zone above name that is trusted.
func (l *lookup) anchor(name string) (top string, ds []*dns.DS, err error) {
	if name != "." && l.TLD != nil {
		all := steps(".", name)
		list, ok, err := l.TLD(l.ctx, all[0])
		if err != nil {
			return "", nil, unknown("anchor of %s: %v", all[0], err)
		}
		if ok {
			return all[0], ofZone(list, all[0]), nil
		}
	}
	for top = name; ; top = parent(top) {
		if ds = ofZone(l.Anchors, top); len(ds) > 0 || top == "." {
			break
		}
	}
	if len(ds) == 0 {
		return "", nil, unknown("no trust anchor above %s", name)
	}
	return top, ds, nil
}

// enter opens a zone by DS records that are trusted.
func (l *lookup) enter(name string, ds []*dns.DS) (*zone, error) {
	if c, ok := l.cached(name); ok && c.status == signedZone {
		return &zone{name, c.keys}, nil
	}
	r, err := l.ask(name, dns.TypeDNSKEY)
	if err != nil {
		return nil, err
	}
	keys := find(r.answer, name, dns.TypeDNSKEY)
	z, err := open(name, ds, keys, l.now, &l.budget)
	if err != nil {
		return nil, err
	}
	l.remember(name, cached{status: signedZone, keys: z.keys, proof: []rrset{*keys}}, keys.ttl(l.now))
	return z, nil
}

// cut tells what is at a name one step below what was walked.
func (l *lookup) cut(z *zone, name string) (cached, error) {
	if c, ok := l.cached(name); ok {
		return c, nil
	}
	r, err := l.ask(name, dns.TypeDS)
	if err != nil {
		return cached{}, err
	}
	if s := find(r.answer, name, dns.TypeDS); s != nil {
		return l.child(z, s)
	}
	for up := parent(name); under(z.name, up) && up != "."; up = parent(up) { // what was renamed away has no cut
		if s := find(r.answer, up, dns.TypeDNAME); s != nil {
			return cached{status: nothing}, z.verify(s, l.now, &l.budget)
		}
	}
	if s := find(r.answer, name, dns.TypeCNAME); s != nil { // nor is an alias
		if err := z.verify(s, l.now, &l.budget); err != nil {
			if up := l.dname(name, s); up != nil && up.name != name {
				return cached{status: nothing}, z.verify(up, l.now, &l.budget)
			}
			return cached{}, err
		}
		return l.remember(name, cached{status: sameZone}, s.ttl(l.now)), nil
	}
	return l.uncut(z, r, name)
}

// child enters a signed delegation.
func (l *lookup) child(z *zone, s *rrset) (cached, error) {
	if err := z.verify(s, l.now, &l.budget); err != nil {
		return cached{}, err
	}
	if s.expanded {
		return cached{}, bogus("the DS of %s comes from a wildcard", s.name)
	}
	ds := delegation(s)
	if len(ds) == 0 {
		return l.remember(s.name, cached{status: unsignedZone}, s.ttl(l.now)), nil
	}
	r, err := l.ask(s.name, dns.TypeDNSKEY)
	if err != nil {
		return cached{}, err
	}
	keys := find(r.answer, s.name, dns.TypeDNSKEY)
	child, err := open(s.name, ds, keys, l.now, &l.budget)
	if err != nil {
		return cached{}, err
	}
	c := cached{status: signedZone, keys: child.keys, proof: []rrset{*s, *keys}}
	return l.remember(s.name, c, min(s.ttl(l.now), keys.ttl(l.now))), nil
}

// uncut reads the proof that there is no DS.
func (l *lookup) uncut(z *zone, r *reply, name string) (cached, error) {
	d, err := z.denials(r.authority, l.now, &l.budget)
	if err == nil {
		var gone absence
		gone, err = d.prove(name, dns.TypeDS)
		switch {
		case err != nil:
		case gone == unproven:
			return cached{}, bogus("nothing proves that %s has no DS", name)
		default:
			status := map[absence]status{noData: sameZone, noName: nothing, delegated: unsignedZone, optOut: unsignedZone}[gone]
			return l.remember(name, cached{status: status}, negativeTTL(r, l.now)), nil
		}
	}
	return cached{}, err
}

// negativeTTL is how long a denial may be kept.
func negativeTTL(r *reply, now time.Time) uint32 {
	t := uint32(maxTTL)
	for _, s := range r.authority {
		if s.typ == dns.TypeNSEC || s.typ == dns.TypeNSEC3 {
			t = min(t, s.ttl(now))
		}
	}
	return min(t, 3600)
}

func (l *lookup) cached(name string) (cached, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.cache[name]
	if ok && !c.expires.After(l.now) {
		delete(l.cache, name)
		return cached{}, false
	}
	return c, ok
}

// remember keeps a step for its time to live. Of too many the one that ends first goes.
func (l *lookup) remember(name string, c cached, ttl uint32) cached {
	c.expires = l.now.Add(time.Duration(ttl) * time.Second)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cache == nil {
		l.cache = map[string]cached{}
	}
	if len(l.cache) >= maxZones {
		first := name
		for n, x := range l.cache {
			if first == name || x.expires.Before(l.cache[first].expires) {
				first = n
			}
		}
		delete(l.cache, first)
	}
	l.cache[name] = c
	return c
}

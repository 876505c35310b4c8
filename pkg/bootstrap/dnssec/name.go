package dnssec

import (
	"bytes"

	"github.com/miekg/dns"
)

// canonical is a name in lower case with its dot; ok is false of what is no name of at most 255 bytes.
func canonical(s string) (name string, ok bool) {
	if _, ok := dns.IsDomainName(s); !ok {
		return "", false
	}
	return dns.CanonicalName(s), true
}

// labels returns the labels of a name as they stand on the wire, in lower case, the first one first.
func labels(name string) [][]byte {
	buf := make([]byte, 256)
	n, err := dns.PackDomainName(dns.CanonicalName(name), buf, 0, nil, false)
	if err != nil {
		return nil
	}
	var out [][]byte
	for i := 0; i < n && buf[i] != 0; i += 1 + int(buf[i]) {
		out = append(out, bytes.ToLower(buf[i+1:i+1+int(buf[i])]))
	}
	return out
}

// compare is the canonical order of names (RFC 4034 section 6.1): from the last label to the first, bytes of lower case.
func compare(a, b string) int {
	x, y := labels(a), labels(b)
	for i, j := len(x)-1, len(y)-1; i >= 0 && j >= 0; i, j = i-1, j-1 {
		if c := bytes.Compare(x[i], y[j]); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}

// under reports whether name is zone or below it, label by label.
func under(zone, name string) bool { return dns.IsSubDomain(zone, name) }

// parent takes off the first label.
func parent(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// steps returns the names from just below zone down to name.
func steps(zone, name string) []string {
	var out []string
	for n := name; n != zone && n != "."; n = parent(n) {
		out = append([]string{n}, out...)
	}
	return out
}

// common returns the longest name that both are at or below.
func common(a, b string) string {
	n := dns.CompareDomainName(a, b)
	all := dns.Split(a)
	if n == 0 || len(all) == 0 {
		return "."
	}
	return a[all[len(all)-n]:]
}

// nextCloser is the name one label longer than encloser on the way to name.
func nextCloser(encloser, name string) string {
	all := steps(encloser, name)
	if len(all) == 0 {
		return name
	}
	return all[0]
}

func wildcard(encloser string) string {
	if encloser == "." {
		return "*."
	}
	return "*." + encloser
}

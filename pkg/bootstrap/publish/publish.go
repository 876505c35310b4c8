// Package publish puts a signed list into DNS: as lines for a zone file, or by dynamic update (RFC 2136) signed with TSIG.
//
// The order of an update keeps readers whole at every moment: the new leaves first, under names of their own, then the root,
// and only if the root that is there is the one that was read; the old leaves go later, by Remove, when no cache leads to them
// any more. Nothing here signs a list or judges one.
package publish

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/wire"
)

// Times to live in seconds. After a change of the root old leaves stay for OldLeaves.
const (
	RootTTL   = 3600
	LeafTTL   = 86400
	AddrTTL   = 3600
	OldLeaves = 2 * LeafTTL * time.Second
)

// Draft is what is to stand in a zone.
type Draft struct {
	Name      string // the list is at _pars.Name
	List      *list.List
	Rotations []*list.Rotation
	Addrs     int // how many peers to name in _dnsaddr too, for programs that know nothing of lists
}

// rrs are the records of a draft, the root apart.
type rrs struct {
	root   *dns.TXT
	leaves []dns.RR // and rotations
	addrs  []dns.RR
}

func (d Draft) records() (out rrs, err error) {
	name := strings.TrimSuffix(d.Name, ".")
	if _, ok := dns.IsDomainName(name); !ok || name == "" {
		return out, wire.Invalid("%q is no domain name", d.Name)
	}
	if missing := d.List.Missing(); len(missing) > 0 {
		return out, wire.Invalid("%d leaves of the list are missing", len(missing))
	}
	out.root = txt(list.RootName(name), RootTTL, list.TXT(d.List.Root.Encode()))
	for i, leaf := range d.List.Leaves {
		out.leaves = append(out.leaves, txt(d.List.Root.LeafName(i, name), LeafTTL, list.TXT(leaf.Encode())))
	}
	for _, r := range d.Rotations {
		out.leaves = append(out.leaves, txt(list.RotationName(r.New.Epoch, name), LeafTTL, list.TXT(r.Encode())))
	}
	for i, e := range d.List.Entries() {
		if i == d.Addrs {
			break
		}
		host := "p" + strconv.Itoa(i) + "." + name
		out.addrs = append(out.addrs, txt("_dnsaddr."+name, AddrTTL, "dnsaddr=/dnsaddr/"+host+"/p2p/"+e.ID()))
		for _, a := range e.Multiaddrs() {
			out.addrs = append(out.addrs, txt("_dnsaddr."+host, AddrTTL, "dnsaddr="+a))
		}
	}
	return out, nil
}

// txt cuts a text into strings of 255 bytes.
func txt(name string, ttl uint32, text string) *dns.TXT {
	t := &dns.TXT{Hdr: dns.RR_Header{Name: dns.Fqdn(name), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: ttl}}
	for ; len(text) > 255; text = text[255:] {
		t.Txt = append(t.Txt, text[:255])
	}
	t.Txt = append(t.Txt, text)
	return t
}

// ZoneFile returns the draft as lines for a zone file.
func (d Draft) ZoneFile() (string, error) {
	r, err := d.records()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	h := d.List.Root.Hash()
	fmt.Fprintf(&b, "; list %s of %d peers, number %d, sha256 %x\n", d.List.Root.Label(), d.List.Root.Peers, d.List.Root.Seq, h)
	fmt.Fprintln(&b, r.root)
	for _, rr := range append(r.leaves, r.addrs...) {
		fmt.Fprintln(&b, rr)
	}
	return b.String(), nil
}

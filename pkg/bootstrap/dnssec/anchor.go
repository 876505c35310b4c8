package dnssec

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
)

// MaxAnchors is the largest anchor file in bytes.
const MaxAnchors = 64 << 10

// DS is a trust anchor: the fields of a DS record of a zone.
type DS struct {
	Zone      string // in lower case with its dot
	Tag       uint16
	Algorithm uint8
	Digest    uint8 // 2 SHA-256, 4 SHA-384
	Sum       []byte
}

// String is the DS record as in a zone file.
func (d DS) String() string { return d.rr().String() }

func (d DS) rr() *dns.DS {
	return &dns.DS{Hdr: dns.RR_Header{Name: d.Zone, Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: 0}, KeyTag: d.Tag, Algorithm: d.Algorithm,
		DigestType: d.Digest, Digest: hex.EncodeToString(d.Sum)}
}

func fromRR(d *dns.DS) (DS, error) {
	zone, ok := canonical(d.Hdr.Name)
	sum, err := hex.DecodeString(d.Digest)
	if want := map[uint8]int{dns.SHA256: 32, dns.SHA384: 48}[d.DigestType]; !ok || err != nil || !supported(d) || len(sum) != want {
		return DS{}, wire.Invalid("anchor %d of %s has an algorithm %d, digest %d that cannot be used", d.KeyTag, d.Hdr.Name, d.Algorithm, d.DigestType)
	}
	return DS{zone, d.KeyTag, d.Algorithm, d.DigestType, sum}, nil
}

func ofZone(list []DS, zone string) []*dns.DS {
	var out []*dns.DS
	for _, d := range list {
		if d.Zone == zone {
			out = append(out, d.rr())
		}
	}
	return out
}

// ParseAnchors reads trust anchors: DS or DNSKEY records as in a zone file, lines of "TAG ALGORITHM DIGEST HEX" for the root, or
// the root-anchors.xml of RFC 9718, of which only the keys valid at now count. Comments begin with a semicolon. Errors
// wrap wire.ErrInvalid.
func ParseAnchors(b []byte, now time.Time) ([]DS, error) {
	if len(b) > MaxAnchors {
		return nil, wire.Invalid("anchors of %d bytes, at most %d", len(b), MaxAnchors)
	}
	var out []DS
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) {
		out, err = xmlAnchors(b, now)
	} else {
		out, err = textAnchors(string(b))
	}
	if err == nil && len(out) == 0 {
		err = wire.Invalid("no trust anchor in it")
	}
	return out, err
}

func textAnchors(s string) ([]DS, error) {
	var out []DS
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(line, ";")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if _, err := strconv.Atoi(fields[0]); err == nil {
			line = ". IN DS " + line
		}
		rr, err := dns.NewRR(line)
		if err != nil || rr == nil {
			return nil, wire.Invalid("anchor %q: %v", strings.TrimSpace(line), err)
		}
		if k, ok := rr.(*dns.DNSKEY); ok {
			if !usable(k) || k.Flags&dns.SEP == 0 {
				continue
			}
			rr = k.ToDS(dns.SHA256)
		}
		ds, ok := rr.(*dns.DS)
		if !ok || ds == nil {
			return nil, wire.Invalid("anchor %q is neither DS nor DNSKEY", strings.TrimSpace(line))
		}
		d, err := fromRR(ds)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// rootAnchors is the file of RFC 9718.
type rootAnchors struct {
	Zone string
	Keys []struct {
		From      string `xml:"validFrom,attr"`
		Until     string `xml:"validUntil,attr"`
		KeyTag    uint16
		Algorithm uint8
		Type      uint8 `xml:"DigestType"`
		Digest    string
	} `xml:"KeyDigest"`
}

func xmlAnchors(b []byte, now time.Time) ([]DS, error) {
	var f rootAnchors
	if err := xml.Unmarshal(b, &f); err != nil {
		return nil, wire.Invalid("root anchors: %v", err)
	}
	var out []DS
	for _, k := range f.Keys {
		from, err := time.Parse(time.RFC3339, k.From)
		until, err2 := time.Parse(time.RFC3339, k.Until)
		if err != nil || k.Until != "" && err2 != nil {
			return nil, wire.Invalid("root anchor %d: no time", k.KeyTag)
		}
		if now.Before(from) || k.Until != "" && !now.Before(until) {
			continue
		}
		d, err := fromRR(&dns.DS{Hdr: dns.RR_Header{Name: dns.Fqdn(f.Zone)}, KeyTag: k.KeyTag, Algorithm: k.Algorithm, DigestType: k.Type,
			Digest: strings.TrimSpace(k.Digest)})
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

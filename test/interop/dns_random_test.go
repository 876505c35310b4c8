//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
)

var _ = role("dns-random", dnsRandom)

// dnsRandom asks n random questions of us, of unbound and of kresd, and explains each difference by name.
func dnsRandom(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	anchors, err := labAnchors("root.ds")
	if err != nil {
		return err
	}
	var ours []*dnssec.Resolver
	for _, addr := range []string{unboundAddr, kresdAddr} {
		for _, kind := range kinds() {
			server, err := labServer(kind, addr)
			if err != nil {
				return err
			}
			defer server.Close()
			ours = append(ours, &dnssec.Resolver{Server: server, Anchors: anchors, Now: time.Now})
		}
	}
	rnd := rand.New(rand.NewPCG(seed, seed))
	explained, counts := map[string]int{}, map[string]int{}
	var failed error
	for range n {
		name, typ := randomQuestion(rnd)
		r := ours[rnd.IntN(len(ours))]
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		a, err := r.Lookup(ctx, name, typ)
		cancel()
		if err != nil {
			return err
		}
		counts[a.Verdict.String()]++
		for _, judge := range []string{unboundAddr, kresdAddr} {
			v, rcode, err := theirs(judge, name, typ)
			if err != nil {
				return err
			}
			if v == a.Verdict && (v == dnssec.Bogus || rcode == a.Rcode) {
				continue
			}
			why, ok := difference(judge, name, typ, a, v, rcode)
			if !ok {
				failed = errors.Join(failed, fmt.Errorf("%s %s: ours %s rcode %d (%s), %s says %s rcode %d", name, dns.Type(typ), a.Verdict, a.Rcode, a.Why, judge, v, rcode))
				continue
			}
			explained[why]++
		}
	}
	fmt.Printf("%d questions: %v; differences that are explained: %v\n", n, counts, explained)
	return failed
}

// difference names why a judge differs, where that is known and cannot hurt.
func difference(judge, name string, typ uint16, a *dnssec.Answer, v dnssec.Verdict, rcode int) (string, bool) {
	in := func(zone string) bool { return dns.IsSubDomain(zone, name) }
	switch {
	case a.Verdict == dnssec.Indeterminate && v == dnssec.Bogus && (name == "round.pars.test." || name == "trip.pars.test."):
		return "a loop of aliases: SERVFAIL, which is no proof of attack", true
	case in("kept.optout.test.") && (a.Verdict == dnssec.Indeterminate || v == dnssec.Bogus):
		return "a lame delegation: whether there is an answer depends on what was cached", true
	case judge == unboundAddr && in("moved.pars.test.") && (typ == dns.TypeCNAME || typ == dns.TypeDNAME) && a.Verdict == dnssec.Secure && v == dnssec.Bogus:
		return "unbound refuses the CNAME that it made of a signed DNAME itself", true
	case judge == unboundAddr && in("moved.pars.test.") && typ == dns.TypeCNAME && a.Verdict == v && a.Rcode == dns.RcodeSuccess && rcode == dns.RcodeNameError:
		return "unbound tells whether the target of the CNAME exists", true
	case judge == unboundAddr && in("wild.wild.pars.test.") && strings.HasPrefix(name, "*.") && a.Verdict == dnssec.Secure && v == dnssec.Bogus:
		return "unbound does not expand a wildcard to a name that begins with an asterisk itself", true
	case in("iter.test.") && a.Verdict == dnssec.Secure && v == dnssec.Insecure && len(a.Records) > 0:
		return "after a denial of too many iterations the judge takes the zone for insecure", true
	}
	return "", false
}

func randomQuestion(rnd *rand.Rand) (string, uint16) {
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	zone := pick(".", "test.", "pars.test.", "pars.test.", "pars.test.", "dual.test.", "plain.test.", "bogus.test.", "expired.test.", "optout.test.", "sub.optout.test.",
		"iter.test.", "rsa.test.", "parent.test.", "kid.parent.test.", "knot.test.", "moved.pars.test.", "wild.pars.test.", "down.pars.test.", "old-style.pars.test.")
	label := pick("", "", "www.", "www.", "nope.", "alias.", "out.", "bad.", "round.", "x.wild.", "x.y.wild.", "own.wild.", "b.own.wild.", "x.wildalias.", "leaf.deep.down.", "deep.down.",
		"*.wild.", "sub.", "kept.", "kid.", "ns1.", "web.", "mail.", "_dnsaddr.old-style.", "_dnsaddr.east.old-style.", "moved.", "www.moved.", "www.there.",
		strconv.FormatUint(rnd.Uint64(), 36)+".", strconv.Itoa(rnd.IntN(100))+".www.", "a.b.c.")
	typ := []uint16{dns.TypeA, dns.TypeTXT, dns.TypeTXT, dns.TypeMX, dns.TypeCNAME, dns.TypeDS, dns.TypeDNSKEY, dns.TypeNS, dns.TypeSOA, dns.TypeHTTPS, dns.TypeDNAME, dns.TypeAAAA}[rnd.IntN(12)]
	if zone == "." {
		if label == "" {
			return ".", typ
		}
		return label, typ
	}
	return label + zone, typ
}

func TestDNSRandom(t *testing.T) {
	lab := NewDNSLab(t)
	out := lab.Run("dns-random", "2500", "1")
	if !strings.Contains(out, "2500 questions") {
		t.Error("the questions were not asked")
	}
	if seed := os.Getenv("PARS_SEED"); seed != "" {
		lab.Run("dns-random", "2500", seed)
	} else {
		seed := strconv.FormatInt(time.Now().Unix(), 10)
		t.Log("seed " + seed)
		lab.Run("dns-random", "1000", seed)
	}
}

//go:build interop

package interop

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
)

const (
	unboundAddr = "127.0.53.10"
	kresdAddr   = "127.0.53.11"
)

// DNSLab is the hierarchy of test/lab/dns, which ends with its test.
type DNSLab struct {
	t   *testing.T
	dir string
}

// NewDNSLab starts the servers.
func NewDNSLab(t *testing.T) *DNSLab {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "network namespaces need root")
	}
	for _, tool := range []string{"ip", "knotd", "nsd", "named", "unbound", "kresd", "ldns-signzone", "kdig"} {
		if _, err := exec.LookPath(tool); err != nil {
			skip(t, "no "+tool+"; run test/lab/install.sh")
		}
	}
	dir, err := os.MkdirTemp("", "parsdns") // readable by the servers, which t.TempDir is not
	if err != nil {
		t.Fatal(err)
	}
	l := &DNSLab{t, dir}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if out, err := exec.Command("../lab/dns/lab.sh", "up", dir).CombinedOutput(); err != nil {
		t.Fatalf("lab.sh up: %v: %s", err, out)
	}
	t.Cleanup(l.down)
	return l
}

func (l *DNSLab) down() {
	ns, err := os.ReadFile(filepath.Join(l.dir, "netns"))
	if err != nil {
		l.t.Error(err)
	}
	if out, err := exec.Command("../lab/dns/lab.sh", "down", l.dir).CombinedOutput(); err != nil {
		l.t.Errorf("lab.sh down: %v: %s", err, out)
	}
	out, err := exec.Command("ip", "netns", "list").CombinedOutput()
	if name := strings.TrimSpace(string(ns)); err != nil || name == "" || strings.Contains(string(out), name) {
		l.t.Errorf("the namespace is left: %s: %v", out, err)
	}
}

// Run runs a role of this test binary inside the lab, and passes on what it says.
func (l *DNSLab) Run(roleName string, args ...string) string {
	l.t.Helper()
	self, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.Command("../lab/dns/lab.sh", append([]string{"exec", l.dir, self}, args...)...)
	cmd.Env = append(os.Environ(), roleVariable+"="+roleName)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, l.t.Output()
	if err := cmd.Run(); err != nil {
		l.t.Errorf("%s %v: %v\n%s", roleName, args, err, out.String())
	}
	l.t.Log(out.String())
	return out.String()
}

// Shell runs a command inside the lab.
func (l *DNSLab) Shell(args ...string) string {
	l.t.Helper()
	out, err := exec.Command("../lab/dns/lab.sh", append([]string{"exec", l.dir}, args...)...).CombinedOutput()
	if err != nil {
		l.t.Errorf("%v: %v: %s", args, err, out)
	}
	return string(out)
}

// inLab returns the path of a file of the lab; roles run with LAB set.
func inLab(name string) string { return filepath.Join(os.Getenv("LAB"), name) }

func labAnchors(file string) ([]dnssec.DS, error) {
	b, err := os.ReadFile(inLab(file))
	if err != nil {
		return nil, err
	}
	return dnssec.ParseAnchors(b, time.Now())
}

// labServer opens a resolver of the lab over a transport: do53, tcp, dot or doh.
func labServer(kind, addr string) (*exchange.Client, error) {
	text := map[string]string{exchange.Do53: addr, exchange.TCP: "tcp://" + addr, exchange.DoT: "tls://" + addr + "#sni=doh.lab",
		exchange.DoH: "https://doh.lab/dns-query#dial=" + addr}[kind]
	s, err := exchange.ParseServer(text)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(inLab("ca.pem"))
	if err != nil {
		return nil, err
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AppendCertsFromPEM(pem)
	return exchange.New(s, nil), nil
}

func kinds() []string { return []string{exchange.Do53, exchange.TCP, exchange.DoT, exchange.DoH} }

// theirs is the verdict of a validating resolver, by its header, and the response code.
func theirs(addr, name string, typ uint16) (dnssec.Verdict, int, error) {
	m := new(dns.Msg)
	m.SetQuestion(name, typ)
	m.SetEdns0(1232, true)
	r, err := dns.Exchange(m, net.JoinHostPort(addr, "53"))
	if err == nil && r.Truncated {
		c := dns.Client{Net: "tcp"}
		r, _, err = c.Exchange(m, net.JoinHostPort(addr, "53"))
	}
	switch {
	case err != nil:
		return 0, 0, err
	case r.Rcode == dns.RcodeServerFailure:
		return dnssec.Bogus, r.Rcode, nil
	case r.AuthenticatedData:
		return dnssec.Secure, r.Rcode, nil
	}
	return dnssec.Insecure, r.Rcode, nil
}

var _ = role("dns-verdicts", dnsVerdicts)

// dnsVerdicts asks for each case over each transport through both resolvers.
func dnsVerdicts([]string) error {
	anchors, err := labAnchors("root.ds")
	if err != nil {
		return err
	}
	var failed error
	for _, addr := range []string{unboundAddr, kresdAddr} {
		for _, kind := range kinds() {
			server, err := labServer(kind, addr)
			if err != nil {
				return err
			}
			r := &dnssec.Resolver{Server: server, Anchors: anchors, Now: time.Now}
			failed = errors.Join(failed, verdictTable(r, kind+" "+addr))
			n, size, injected := server.Stats()
			fmt.Printf("%s %s: %d queries, %d bytes\n", kind, addr, n, size)
			if injected {
				failed = errors.Join(failed, errors.New("an injected answer where there is none"))
			}
			server.Close()
		}
	}
	return failed
}

type verdictCase struct {
	name  string
	typ   uint16
	want  dnssec.Verdict
	rcode int
	n     int // records
}

func verdictCases() []verdictCase {
	s, i, b := dnssec.Secure, dnssec.Insecure, dnssec.Bogus
	return []verdictCase{
		{"www.pars.test.", dns.TypeTXT, s, 0, 1}, {"WWW.Pars.Test.", dns.TypeA, s, 0, 1}, {"alias.pars.test.", dns.TypeTXT, s, 0, 1},
		{"alias.pars.test.", dns.TypeCNAME, s, 0, 1}, {"www.moved.pars.test.", dns.TypeTXT, s, 0, 1}, {"www.moved.pars.test.", dns.TypeCNAME, s, 0, 1},
		{"moved.pars.test.", dns.TypeDNAME, s, 0, 1}, {"x.wild.pars.test.", dns.TypeTXT, s, 0, 1}, {"x.y.wild.pars.test.", dns.TypeTXT, s, 0, 1},
		{"x.wild.pars.test.", dns.TypeMX, s, 0, 0}, {"x.wildalias.pars.test.", dns.TypeTXT, s, 0, 1}, {"own.wild.pars.test.", dns.TypeTXT, s, 0, 0},
		{"www.pars.test.", dns.TypeMX, s, 0, 0}, {"deep.down.pars.test.", dns.TypeTXT, s, 0, 0}, {"down.pars.test.", dns.TypeDS, s, 0, 0},
		{"nope.pars.test.", dns.TypeA, s, 3, 0}, {"a.b.c.nope.pars.test.", dns.TypeA, s, 3, 0}, {"nope.test.", dns.TypeA, s, 3, 0}, {"nope.", dns.TypeA, s, 3, 0},
		{".", dns.TypeNS, s, 0, 1}, {"test.", dns.TypeDNSKEY, s, 0, 2}, {"pars.test.", dns.TypeSOA, s, 0, 1}, {"plain.test.", dns.TypeDS, s, 0, 0},
		{"web.pars.test.", dns.TypeHTTPS, s, 0, 1}, {"mail.pars.test.", dns.TypeMX, s, 0, 1},
		{"www.dual.test.", dns.TypeTXT, s, 0, 1}, {"www.rsa.test.", dns.TypeTXT, s, 0, 1}, {"www.parent.test.", dns.TypeTXT, s, 0, 1}, {"nope.rsa.test.", dns.TypeTXT, s, 3, 0},
		{"www.kid.parent.test.", dns.TypeTXT, s, 0, 1}, {"nope.kid.parent.test.", dns.TypeTXT, s, 3, 0}, {"x.wild.parent.test.", dns.TypeTXT, s, 0, 1},
		{"x.wild.parent.test.", dns.TypeA, s, 0, 0}, {"www.knot.test.", dns.TypeTXT, s, 0, 1}, {"www.iter.test.", dns.TypeTXT, s, 0, 1},
		{"nope.iter.test.", dns.TypeTXT, i, 3, 0}, {"www.optout.test.", dns.TypeTXT, s, 0, 1}, {"nope.optout.test.", dns.TypeTXT, i, 3, 0},
		{"x.wild.optout.test.", dns.TypeTXT, i, 0, 1}, {"www.sub.optout.test.", dns.TypeTXT, i, 0, 1}, {"sub.optout.test.", dns.TypeDS, i, 0, 0},
		{"www.plain.test.", dns.TypeTXT, i, 0, 1}, {"nope.plain.test.", dns.TypeTXT, i, 3, 0}, {"out.pars.test.", dns.TypeTXT, i, 0, 1},
		{"www.bogus.test.", dns.TypeTXT, b, 0, 0}, {"nope.bogus.test.", dns.TypeTXT, b, 0, 0}, {"bad.pars.test.", dns.TypeTXT, b, 0, 0},
		{"www.expired.test.", dns.TypeTXT, b, 0, 0}, {"nope.expired.test.", dns.TypeTXT, b, 0, 0},
		{"round.pars.test.", dns.TypeTXT, dnssec.Indeterminate, 0, 0},
	}
}

func verdictTable(r *dnssec.Resolver, through string) error {
	var failed error
	for _, c := range verdictCases() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		a, err := r.Lookup(ctx, c.name, c.typ)
		cancel()
		switch {
		case err != nil:
			return err
		case a.Verdict != c.want || a.Verdict >= dnssec.Insecure && (a.Rcode != c.rcode || len(a.Records) != c.n):
			failed = errors.Join(failed, fmt.Errorf("%s: %s %s: %s rcode %d, %d records, want %s %d %d (%s)", through, c.name, dns.Type(c.typ), a.Verdict,
				a.Rcode, len(a.Records), c.want, c.rcode, c.n, a.Why))
		case strings.Contains(c.name, "expired") && !a.Clock:
			failed = errors.Join(failed, fmt.Errorf("%s: %s does not name the clock", through, c.name))
		}
	}
	return failed
}

func TestDNSVerdicts(t *testing.T) { NewDNSLab(t).Run("dns-verdicts") }

// Command dnscold measures our validator beside unbound's inside the DNS lab: both cold, both asking the same kresd.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
)

const (
	upstream = "127.0.53.11"
	cold     = "127.0.53.20:53"
)

type question struct {
	name string
	typ  uint16
}

func questions() []question {
	var out []question
	for _, n := range []string{"www.pars.test.", "alias.pars.test.", "www.moved.pars.test.", "x.wild.pars.test.", "deep.down.pars.test.", "nope.pars.test.",
		"www.dual.test.", "www.rsa.test.", "www.parent.test.", "www.kid.parent.test.", "www.knot.test.", "www.iter.test.", "www.optout.test.", "www.plain.test.", "nope.test."} {
		out = append(out, question{n, dns.TypeTXT})
	}
	return out
}

// result is what one run prints.
type result struct {
	Unbound    []float64 `json:"unbound_ms"`
	Ours       []float64 `json:"ours_ms"`
	Queries    int       `json:"queries"`
	ChainBytes int       `json:"chain_bytes"`
	ChainMS    []float64 `json:"chain_ms"`
}

func main() {
	r, err := run(os.Getenv("LAB"))
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dnscold:", err)
		os.Exit(1)
	}
}

func run(lab string) (*result, error) {
	b, err := os.ReadFile(filepath.Join(lab, "root.ds"))
	if err != nil {
		return nil, err
	}
	anchors, err := dnssec.ParseAnchors(b, time.Now())
	if err != nil {
		return nil, err
	}
	r := &result{}
	for range 3 { // kresd's own cache is warm for both
		if _, _, err := ours(anchors); err != nil {
			return nil, err
		}
		if _, err := theirs(lab); err != nil {
			return nil, err
		}
	}
	for range 7 {
		ms, err := theirs(lab)
		if err != nil {
			return nil, err
		}
		r.Unbound = append(r.Unbound, ms)
		ms, n, err := ours(anchors)
		if err != nil {
			return nil, err
		}
		r.Ours, r.Queries = append(r.Ours, ms), n
	}
	return r, r.chain(anchors)
}

func ours(anchors []dnssec.DS) (ms float64, queries int, err error) {
	s, err := exchange.ParseServer(upstream)
	if err != nil {
		return 0, 0, err
	}
	c := exchange.New(s, nil)
	defer c.Close()
	res := &dnssec.Resolver{Server: c, Anchors: anchors, Now: time.Now}
	start := time.Now()
	for _, q := range questions() {
		a, err := res.Lookup(context.Background(), q.name, q.typ)
		if err != nil {
			return 0, 0, err
		}
		if a.Verdict < dnssec.Insecure {
			return 0, 0, fmt.Errorf("%s: %s %s", q.name, a.Verdict, a.Why)
		}
		queries += a.Queries
	}
	return float64(time.Since(start).Microseconds()) / 1000, queries, nil
}

// theirs starts an unbound that validates and forwards, asks, and ends it.
func theirs(lab string) (float64, error) {
	conf := filepath.Join(lab, "cold.conf")
	text := fmt.Sprintf("server:\n interface: 127.0.53.20\n do-not-query-localhost: no\n trust-anchor-file: %q\n directory: %q\n username: \"\"\n chroot: \"\"\n pidfile: \"\"\n use-syslog: no\n do-ip6: no\n local-zone: test. nodefault\n"+
		"remote-control:\n control-enable: no\nforward-zone:\n name: .\n forward-addr: %s\n", filepath.Join(lab, "root.ds"), lab, upstream)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return 0, err
	}
	cmd := exec.Command("unbound", "-d", "-c", conf)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill() // it is ours and may have ended
		_ = cmd.Wait()
	}()
	if err := awake(); err != nil {
		return 0, err
	}
	start := time.Now()
	for _, q := range questions() {
		m := new(dns.Msg).SetQuestion(q.name, q.typ)
		m.SetEdns0(1232, true)
		a, err := dns.Exchange(m, cold)
		if err != nil {
			return 0, err
		}
		if a.Rcode == dns.RcodeServerFailure {
			return 0, errors.New(q.name + ": SERVFAIL")
		}
	}
	return float64(time.Since(start).Microseconds()) / 1000, nil
}

// awake waits until the server answers for itself.
func awake() error {
	m := new(dns.Msg)
	m.SetQuestion("version.bind.", dns.TypeTXT)
	m.Question[0].Qclass = dns.ClassCHAOS
	for range 200 {
		if _, err := dns.Exchange(m, cold); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("unbound does not start")
}

func (r *result) chain(anchors []dnssec.DS) error {
	s, err := exchange.ParseServer("tcp://" + upstream)
	if err != nil {
		return err
	}
	c := exchange.New(s, nil)
	defer c.Close()
	res := &dnssec.Resolver{Server: c, Anchors: anchors, Now: time.Now}
	a, err := res.Lookup(context.Background(), "www.pars.test.", dns.TypeTXT)
	if err != nil {
		return err
	}
	chain, err := res.Prove(a, "www.pars.test.", dns.TypeTXT)
	if err != nil {
		return err
	}
	b, err := chain.Encode()
	if err != nil {
		return err
	}
	r.ChainBytes = len(b)
	for range 7 {
		start := used()
		for range 50 {
			c, err := dnssec.DecodeChain(b)
			if err != nil {
				return err
			}
			if _, _, err := c.Verify(anchors, time.Now()); err != nil {
				return err
			}
		}
		r.ChainMS = append(r.ChainMS, (used()-start)/50)
	}
	return nil
}

// used is the CPU time of this process in milliseconds.
func used() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return math.NaN()
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

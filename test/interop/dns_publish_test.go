//go:build interop

package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/cli"
	boot "github.com/pars-network/pars/internal/command/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/bootstrap/publish"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

var _ = role("pars-bootstrap", func(args []string) error {
	var errs bytes.Buffer
	code := cli.Run(context.Background(), boot.App(), append([]string{"pars-bootstrap"}, args...), os.Stdin, os.Stdout, &errs)
	fmt.Printf("%sexit %d\n", errs.String(), code)
	return nil
})

// devHolder is one of the three public keys of devnet.
func devHolder(n int) sig.Private {
	return sig.FromSeed(sha256.Sum256(fmt.Appendf(nil, "pars devnet list holder %d", n)))
}

func devSet() (*list.Set, *profile.Profile, error) {
	p, err := profile.Load("devnet", nil)
	if err != nil {
		return nil, nil, err
	}
	s := &bootstrap.Setup{Profile: p}
	t, err := s.Trust()
	if err != nil {
		return nil, nil, err
	}
	return t.Sets()[0], p, nil
}

func labEntries(n int, net byte) []list.Entry {
	var out []list.Entry
	for i := range n {
		var seed [32]byte
		binary.BigEndian.PutUint32(seed[:], uint32(net)<<16|uint32(i))
		at := fmt.Sprintf("/ip4/%d.%d.%d.7/", net, i%250, i/250)
		a, err := list.ReadAddrs([]string{at + "tcp/4001", at + "udp/4001/quic-v1"})
		if err != nil {
			panic(err)
		}
		out = append(out, list.Entry{Key: sig.FromSeed(seed).Public(), DHT: true, Addrs: a})
	}
	return out
}

// labList makes a list for pars.test, signed by those holders.
func labList(seq, at uint64, entries []list.Entry, by ...sig.Private) (*list.List, error) {
	set, _, err := devSet()
	if err != nil {
		return nil, err
	}
	l, err := list.Draft{Set: set, Seq: seq, Issued: at, Entries: entries, Room: list.LeafRoom("pars.test")}.Build()
	if err != nil {
		return nil, err
	}
	for _, k := range by {
		if err := l.Root.SignWith(set, k); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// labPrimary is named, or knotd.
func labPrimary(addr string) (*publish.Server, error) {
	b, err := os.ReadFile(inLab("tsig"))
	if err != nil {
		return nil, err
	}
	k, err := publish.ParseKey(b)
	return &publish.Server{Addr: net.JoinHostPort(addr, "53"), Key: k, Now: time.Now}, err
}

// put publishes without asking whether the list is good: as an attacker who owns the zone would.
func put(l *list.List, zone, addr string, addrs int) error {
	s, err := labPrimary(addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, err := s.Plan(ctx, publish.Draft{Name: zone, List: l, Addrs: addrs})
	if err != nil {
		return err
	}
	return s.Run(ctx, p)
}

// labMemory forgets with the process.
type labMemory map[string][]byte

func (m labMemory) Load(name string) ([]byte, error) {
	if v, ok := m[name]; ok {
		return v, nil
	}
	return nil, wire.ErrNotFound
}

func (m labMemory) Save(name string, v []byte) error { m[name] = v; return nil }

// labRace looks for a name by one server of the lab.
func labRace(m bootstrap.Memory, name, server string, all bool) (*bootstrap.Result, error) {
	_, p, err := devSet()
	if err != nil {
		return nil, err
	}
	anchors, err := labAnchors("root.ds")
	if err != nil {
		return nil, err
	}
	s := &bootstrap.Setup{Profile: p, Name: name, Servers: []string{server}, Anchors: anchors, Now: time.Now}
	defer s.Close()
	trust, err := s.Trust()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	roads, err := s.Roads(ctx)
	if err != nil {
		return nil, err
	}
	r := &bootstrap.Race{Trust: trust, Roads: roads, Private: true, All: all, Memory: m, Now: time.Now}
	res, err := r.Run(ctx)
	if res != nil { // what was not tried is told of too
		res.Reports = slices.DeleteFunc(res.Reports, func(r bootstrap.Report) bool { return r.Result == bootstrap.Skipped })
	}
	return res, err
}

var _ = role("dns-lookups", dnsLookups)

// dnsLookups counts the queries for the first peers and for a thousand, from both primaries, over every transport.
func dnsLookups([]string) error {
	l, err := labList(uint64(time.Now().Unix()), uint64(time.Now().Unix()), labEntries(1000, 20), devHolder(1), devHolder(3))
	if err != nil {
		return err
	}
	for zone, addr := range map[string]string{"pars.test": "127.0.53.3", "knot.test": "127.0.53.1"} {
		if err := put(l, zone, addr, 8); err != nil {
			return fmt.Errorf("%s: %w", zone, err)
		}
		for _, all := range []bool{false, true} {
			start := time.Now()
			res, err := labRace(labMemory{}, zone, unboundAddr, all)
			if err != nil {
				return err
			}
			n := res.Reports[0].Queries
			fmt.Printf("%s: %d peers with %d look-ups, %d bytes, %v\n", zone, len(res.Peers), n, res.Reports[0].Bytes, time.Since(start))
			if most := map[bool]int{false: 2, true: 60}[all]; n < 2 || n > most || len(res.Peers) < map[bool]int{false: 20, true: 1000}[all] {
				return fmt.Errorf("%s: %d peers took %d look-ups", zone, len(res.Peers), n)
			}
		}
	}
	for _, server := range []string{kresdAddr, "tcp://" + kresdAddr} {
		if res, err := labRace(labMemory{}, "pars.test", server, true); err != nil || len(res.Peers) != 1000 {
			return fmt.Errorf("%s: %v", server, err)
		}
	}
	return nil
}

var _ = role("dns-poison", dnsPoison)

// dnsPoison owns the zone, its DNSSEC keys included, and puts everything there that can be put without the holders' keys.
func dnsPoison([]string) error {
	const primary = "127.0.53.3" // asked itself: the caches of the lab would hold the first root for an hour
	now := uint64(time.Now().Unix())
	good, err := labList(now, now, labEntries(100, 20), devHolder(1), devHolder(2))
	if err != nil {
		return err
	}
	memory := labMemory{}
	if err := put(good, "pars.test", primary, 0); err != nil {
		return err
	}
	if _, err := labRace(memory, "pars.test", primary, false); err != nil {
		return fmt.Errorf("the good list: %w", err)
	}
	evil := labEntries(28, 66)
	type poison struct {
		what, stage, words string
		seq, at            uint64
		by                 []sig.Private
	}
	both := []sig.Private{devHolder(1), devHolder(2)}
	for _, c := range []poison{
		{"nobody signed", "signature", "0 good signatures", now + 9, now, nil},
		{"one signature short", "signature", "1 good signatures, 2 are needed", now + 9, now, both[:1]},
		{"an old list", "rollback", "old list", now - 1000, now - 1000, both},
		{"an expired list", "time", "expired", now + 9, now - 20*86400, both},
		{"a list from the future", "time", "future", now + 9, now + 3*86400, both},
		{"a twin", "rollback", "two different lists", now, now, both},
	} {
		l, err := labList(c.seq, c.at, evil, c.by...)
		if err != nil {
			return err
		}
		if err := put(l, "pars.test", primary, 28); err != nil {
			return err
		}
		fresh := labMemory{}
		for k, v := range memory {
			fresh[k] = v
		}
		res, err := labRace(fresh, "pars.test", primary, false)
		if res == nil {
			return err
		}
		r := res.Reports[0]
		if r.Result != bootstrap.Failed || r.Stage != c.stage || !strings.Contains(r.Reason, c.words) {
			return fmt.Errorf("%s: %+v", c.what, r)
		}
		fmt.Printf("%s: %s at %s: %s\n", c.what, r.Result, r.Stage, r.Reason)
		for _, p := range res.Peers { // what is left is the older records, secured by the zone's keys that the attacker has
			if p.By == "list" && p.Class != bootstrap.Stale {
				return fmt.Errorf("%s: %+v", c.what, p)
			}
		}
		for _, bare := range []bool{false, true} {
			picked := bootstrap.Choose(res.Peers, bootstrap.Holding{Free: 16, Bare: bare}, bootstrap.DefaultLimits(), nil, nil)
			if len(picked) > 4 {
				return fmt.Errorf("%s: %d of 16 places for the attacker", c.what, len(picked))
			}
			if bare {
				fmt.Printf("  %d peers named, %d of 16 places\n", len(res.Peers), len(picked))
			}
		}
	}
	return nil
}

var _ = role("dns-rotate", dnsRotate)

// dnsRotate replaces the trust set in DNS: a client of the old profile follows, over two epochs.
func dnsRotate([]string) error {
	old, _, err := devSet()
	if err != nil {
		return err
	}
	now := uint64(time.Now().Unix())
	sets, keys := []*list.Set{old}, [][]sig.Private{{devHolder(1), devHolder(2)}}
	var records []*list.Rotation
	for epoch := uint32(2); epoch <= 3; epoch++ {
		k := []sig.Private{sig.FromSeed([32]byte{byte(epoch)}), sig.FromSeed([32]byte{byte(epoch), 1})}
		s := &list.Set{Network: old.Network, Epoch: epoch, K: 2}
		for _, x := range k {
			s.Keys = append(s.Keys, x.Public())
		}
		slices.SortFunc(s.Keys, func(a, b sig.Public) int { return bytes.Compare(a[:], b[:]) })
		last := sets[len(sets)-1]
		r := &list.Rotation{Old: last.Tag(), Issued: now, New: s}
		for _, x := range append(keys[len(keys)-1], k...) {
			if err := r.SignWith(last, x); err != nil {
				return err
			}
		}
		sets, keys, records = append(sets, s), append(keys, k), append(records, r)
	}
	l, err := list.Draft{Set: sets[2], Seq: 1, Issued: now, Entries: labEntries(40, 20)}.Build()
	if err != nil {
		return err
	}
	for _, x := range keys[2] {
		if err := l.Root.SignWith(sets[2], x); err != nil {
			return err
		}
	}
	s, err := labPrimary("127.0.53.1")
	if err != nil {
		return err
	}
	p, err := s.Plan(context.Background(), publish.Draft{Name: "knot.test", List: l, Rotations: records})
	if err != nil {
		return err
	}
	if err := s.Run(context.Background(), p); err != nil {
		return err
	}
	res, err := labRace(labMemory{}, "knot.test", "127.0.53.1", false) // the caches hold the root of before
	if err != nil || res.Root.Set != sets[2].Tag() {
		return fmt.Errorf("after two rotations: %v, %+v", err, res)
	}
	fmt.Printf("%d peers of epoch 3 with %d look-ups\n", len(res.Peers), res.Reports[0].Queries)
	// somebody else changed the root since it was read
	other, err := labList(now+1, now, labEntries(20, 20), devHolder(1), devHolder(2))
	if err != nil {
		return err
	}
	if err := put(other, "knot.test", "127.0.53.1", 0); err != nil {
		return err
	}
	if err := s.Run(context.Background(), p); !errors.Is(err, publish.ErrRefused) || !strings.Contains(err.Error(), "RRSET") {
		return fmt.Errorf("a root that was read before: %v", err)
	}
	return s.Remove(context.Background(), "knot.test", other.Root)
}

func TestDNSPublish(t *testing.T) {
	lab := NewDNSLab(t)
	lab.Run("dns-lookups")
	lab.Run("dns-poison")
	lab.Run("dns-rotate")
}

// TestDNSVerbs walks the operator's way: sign with two of three keys, publish on both servers, find, explain, prove, verify.
func TestDNSVerbs(t *testing.T) {
	lab := NewDNSLab(t)
	file := func(name string) string { return filepath.Join(lab.dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(code int, want string, args ...string) string {
		t.Helper()
		out := lab.Run("pars-bootstrap", append(args, "--profile", "devnet", "--home", file("home"))...)
		if !strings.HasSuffix(out, fmt.Sprintf("exit %d\n", code)) || !strings.Contains(out, want) {
			t.Errorf("%v: want exit %d and %q, got %s", args, code, want, out)
		}
		return out
	}
	for i := 1; i <= 3; i++ {
		write(fmt.Sprint("k", i), fmt.Sprintf("%x\n", sha256.Sum256(fmt.Appendf(nil, "pars devnet list holder %d", i))))
	}
	var lines strings.Builder
	for _, e := range labEntries(100, 21) {
		fmt.Fprintln(&lines, strings.Join(e.Multiaddrs(), "\n"))
	}
	write("peers", lines.String())
	run(0, "1 of 2 signatures", "sign", file("peers"), "--key", file("k1"), "--zone", "pars.test", "-o", file("a.pbl"))
	run(6, "2 are needed", "verify", file("a.pbl"))
	run(6, "2 are needed", "publish", file("a.pbl"), "--zone", "pars.test", "--zonefile", "-")
	run(0, "2 of 2 signatures", "sign", file("a.pbl"), "--key", file("k3"), "-o", file("b.pbl"))
	run(0, "ok", "verify", file("b.pbl"))
	run(6, "expired", "verify", file("b.pbl"), "--at", time.Now().AddDate(0, 0, 15).UTC().Format(time.RFC3339))
	write("secret", "hmac-sha256:pars-update:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
	tsig, err := os.ReadFile(file("tsig"))
	if err != nil {
		t.Fatal(err)
	}
	write("name", strings.Replace(string(tsig), "pars-update", "other", 1))
	for zone, addr := range map[string]string{"pars.test": "127.0.53.3", "knot.test": "127.0.53.1"} {
		at := []string{"publish", file("b.pbl"), "--zone", zone, "--update", addr}
		run(0, "plan", append(at, "--tsig", file("tsig"), "--diff")...)
		run(1, "BADSIG", append(at, "--tsig", file("secret"))...)
		run(1, "BADKEY", append(at, "--tsig", file("name"))...)
		run(0, "updated", append(at, "--tsig", file("tsig"))...)
		run(0, "removed", append(at, "--tsig", file("tsig"), "--remove")...)
		run(0, "seen", append(at, "--tsig", file("tsig"), "--server", addr)...)
	}
	run(1, "not the primary", "publish", file("b.pbl"), "--zone", "pars.test", "--update", "127.0.53.1", "--tsig", file("tsig"))
	run(0, "/ip4/21.", "resolve", "pars.test", "--server", "127.0.53.3", "--no-mdns")
	run(0, "it works", "explain", "pars.test", "--server", "127.0.53.3", "--no-mdns")
	servers := []string{"--anchor", file("root.ds"), "--ca", file("ca.pem")}
	run(0, "SECURE", append([]string{"lookup", "www.pars.test", "TXT", "--server", "tls://127.0.53.10#sni=doh.lab"}, servers...)...)
	run(6, "BOGUS", append([]string{"lookup", "www.bogus.test", "TXT", "--server", unboundAddr}, servers...)...)
	run(4, "NXDOMAIN", append([]string{"lookup", "nope.pars.test", "TXT", "--server", kresdAddr}, servers...)...)
	run(0, "", append([]string{"prove", "www.pars.test", "TXT", "--server", kresdAddr, "-o", file("chain")}, servers...)...)
	run(0, "SECURE", "verify", file("chain"), "--anchor", file("root.ds"))
	run(6, "", "verify", file("chain"), "--anchor", file("test.ds"))
	run(0, "S4", append([]string{"probe", "--server", "https://doh.lab/dns-query#dial=127.0.53.11"}, servers...)...)
	run(0, "S3", append([]string{"probe", "--server", unboundAddr}, servers...)...)
	run(5, "nothing on it that can be proven", append([]string{"probe", "--server", "127.0.53.99"}, servers...)...)
	run(4, "no peer found", append([]string{"resolve", "--road", "dns", "--server", "127.0.53.99", "--timeout", "5s"}, servers...)...)
}

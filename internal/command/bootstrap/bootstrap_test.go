package bootstrap

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
)

// run runs one verb of devnet in a home of its own and wants its exit code.
func run(t *testing.T, home string, code int, stdin string, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	args = append(append([]string{"pars-bootstrap"}, args...), "--profile", "devnet", "--home", home, "--timeout", "20s")
	if got := cli.Run(t.Context(), App(), args, strings.NewReader(stdin), &o, &e); got != code {
		t.Errorf("%v: exit %d, want %d: %s%s", args, got, code, o.String(), e.String())
	}
	return o.String(), e.String()
}

// keys writes the public keys of devnet's three holders.
func keys(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i := 1; i <= 3; i++ {
		seed := sha256.Sum256(fmt.Appendf(nil, "pars devnet list holder %d", i))
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("k", i)), fmt.Appendf(nil, "%x\n", seed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func peers(n int) string {
	var b strings.Builder
	for i := range n {
		id := list.PeerID(sig.FromSeed([32]byte{byte(i), 9}).Public())
		fmt.Fprintf(&b, "/ip4/20.%d.0.7/tcp/4001/p2p/%s\n", i, id)
	}
	return b.String()
}

// The way of a list from lines to a node, without a network.
func TestListWay(t *testing.T) {
	home, dir := t.TempDir(), keys(t)
	k := func(n int) string { return filepath.Join(dir, fmt.Sprint("k", n)) }
	a, b := filepath.Join(dir, "a.pbl"), filepath.Join(dir, "b.pbl")
	out, _ := run(t, home, 0, peers(30), "sign", "-", "--key", k(1), "-o", a)
	if !strings.Contains(out, "1 of 2 signatures") {
		t.Error(out)
	}
	run(t, home, 6, "", "verify", a)
	run(t, home, 6, "", "resolve", "--road", "file", "--file", a)
	out, _ = run(t, home, 6, "", "explain", "--road", "file", "--file", a)
	if !strings.Contains(out, "1 good signatures, 2 are needed") {
		t.Error(out)
	}
	run(t, home, 0, "", "sign", a, "--key", k(3), "-o", b)
	out, _ = run(t, home, 0, "", "verify", b, "--json")
	var row listRow
	if err := json.Unmarshal([]byte(out), &row); err != nil || row.Verdict != "ok" || row.Peers != 30 || row.Need != 2 {
		t.Errorf("%s: %v", out, err)
	}
	run(t, home, 6, "", "verify", b, "--at", time.Now().AddDate(0, 0, 15).Format(time.RFC3339))
	out, _ = run(t, home, 0, "", "resolve", "--road", "file", "--file", b, "--json")
	var first peerRow
	if err := json.Unmarshal([]byte(out[:strings.Index(out, "\n")]), &first); err != nil || first.Class != "signed" || first.By != "list" || first.Road != "file" {
		t.Errorf("%s: %v", out, err)
	}
	// it is held from now on, and an older one helps no more
	if out, _ = run(t, home, 0, "", "resolve", "--road", "cache"); strings.Count(out, "\n") != 30 {
		t.Errorf("cache: %s", out)
	}
	text, _ := run(t, home, 0, peers(5), "sign", "-", "--key", k(1), "--key", k(2), "--seq", "7", "--text")
	old := filepath.Join(dir, "old")
	if err := os.WriteFile(old, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = run(t, home, 0, "", "explain", "--road", "file,cache", "--file", old)
	if !strings.Contains(out, "older than the one that is held") {
		t.Error(out)
	}
	zone, _ := run(t, home, 0, "", "publish", b, "--zone", "pars.test", "--zonefile", "-")
	if !strings.Contains(zone, "_pars.pars.test.\t3600\tIN\tTXT\t\"pars1 ") || !strings.Contains(zone, "_dnsaddr.p0.pars.test.") {
		t.Error(zone)
	}
	run(t, home, 6, "", "publish", a, "--zone", "pars.test", "--zonefile", "-")
	raw, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(a, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, home, 6, "", "verify", a)
	run(t, home, 6, "", "sign", a, "--key", k(1))
}

func TestKeys(t *testing.T) {
	home, dir := t.TempDir(), keys(t)
	var pubs []string
	for i := range 3 {
		out, _ := run(t, home, 0, "", "key", "new", "-o", filepath.Join(dir, fmt.Sprint("n", i)))
		pubs = append(pubs, strings.TrimSpace(out))
	}
	run(t, home, 1, "", "key", "new", "-o", filepath.Join(dir, "n0")) // never over another
	run(t, home, 2, "", "key", "new")
	set, _ := run(t, home, 0, "", append([]string{"key", "set", "--epoch", "2", "--need", "2"}, pubs...)...)
	set = strings.TrimSpace(set)
	run(t, home, 2, "", append([]string{"key", "set", "--need", "1"}, pubs...)...)
	rec := filepath.Join(dir, "rotation")
	_, errs := run(t, home, 0, "", "key", "rotate", "--to", set, "--key", filepath.Join(dir, "k1"), "--key", filepath.Join(dir, "k2"), "-o", rec)
	if !strings.Contains(errs, "not enough yet") {
		t.Error(errs)
	}
	run(t, home, 6, "", "verify", rec)
	run(t, home, 0, "", "key", "rotate", rec, "--key", filepath.Join(dir, "n0"), "--key", filepath.Join(dir, "n2"), "-o", rec)
	if out, _ := run(t, home, 0, "", "verify", rec); !strings.Contains(out, "epoch 2") {
		t.Error(out)
	}
	l := filepath.Join(dir, "l.pbl")
	run(t, home, 0, peers(5), "sign", "-", "--set", set, "--key", filepath.Join(dir, "n0"), "--key", filepath.Join(dir, "n1"), "-o", l)
	run(t, home, 6, "", "verify", l)
	run(t, home, 0, "", "verify", l, "--set", set)
	run(t, home, 0, "", "publish", l, "--zone", "pars.test", "--rotation", rec, "--zonefile", "-")
	run(t, home, 0, "", "resolve", "--road", "file", "--file", rec, "--file", l)
	if err := os.Chmod(filepath.Join(dir, "k1"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, home, 1, peers(5), "sign", "-", "--key", filepath.Join(dir, "k1"))
}

// A profile file of a user brings keys and names in every system; explain speaks of every road, and says of those that cannot be
// asked why.
func TestProfileFile(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	name := filepath.Join(dir, "village.json")
	write := func(set string) {
		t.Helper()
		text := fmt.Sprintf(`{"name":"village","chain_id":1,"network":{"name":"village","genesis_time":1767225600},"bootstrap":{%s"allow_private":true,
			"names":{"dns":["village.test"],"hns":["boot.village"],"ens":["village.eth"]},"dns":{},"hns":{"chain":"regtest","peers":["127.0.0.1:1"],"agree":1}}}`, set)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	village := func(code int, stdin string, args ...string) (string, string) {
		t.Helper()
		var o, e bytes.Buffer
		args = append(append([]string{"pars-bootstrap"}, args...), "--profile", name, "--home", home, "--timeout", "20s")
		if got := cli.Run(t.Context(), App(), args, strings.NewReader(stdin), &o, &e); got != code {
			t.Errorf("%v: exit %d, want %d: %s%s", args, got, code, o.String(), e.String())
		}
		return o.String(), e.String()
	}
	write("")
	set := []string{"key", "set", "--need", "2"}
	for i := range 3 {
		pub, _ := village(0, "", "key", "new", "-o", filepath.Join(dir, fmt.Sprint("k", i)))
		set = append(set, strings.TrimSpace(pub))
	}
	line, _ := village(0, "", set...)
	l := filepath.Join(dir, "l.pbl")
	write(fmt.Sprintf(`"trust_sets":[%q],`, strings.TrimSpace(line)))
	village(0, peers(12), "sign", "-", "--key", filepath.Join(dir, "k0"), "--key", filepath.Join(dir, "k2"), "-o", l)
	if out, _ := village(0, "", "resolve", "--road", "file", "--file", l); strings.Count(out, "\n") != 12 {
		t.Error(out)
	}
	run(t, t.TempDir(), 6, "", "resolve", "--road", "file", "--file", l) // another network's keys
	out, _ := village(0, "", "explain", "--file", l, "--no-mdns", "--server", "tcp://127.0.0.1:1")
	for _, want := range []string{"file\tok", "dns tcp\tfailed", "the connection was refused", "hns\tfailed", "boot.village", "ens\tskipped", "name a server with --rpc"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q does not stand in %s", want, out)
		}
	}
	if out, _ = village(0, "", "explain", "--file", l, "--road", "file,ens", "--rpc", "http://127.0.0.1:1"); !strings.Contains(out, "ens\tfailed") || !strings.Contains(out, "refused") {
		t.Error(out)
	}
	if out, _ = village(0, "", "explain", "--file", l, "--covert-only", "--no-mdns", "--server", "tcp://127.0.0.1:1"); !strings.Contains(out, "hns\tskipped\t0 ms\tboot.village: only covert") {
		t.Error(out)
	}
}

// The real networks publish no keys of holders and no names of other systems; explain says so, and refuses a list of anybody's.
func TestNothingPublished(t *testing.T) {
	l := filepath.Join(t.TempDir(), "l.pbl")
	key := sig.FromSeed([32]byte{5})
	for _, name := range profile.Names() {
		p, err := profile.Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p.Network == nil || strings.HasPrefix(name, "devnet") {
			continue
		}
		set := &list.Set{Network: list.NetworkTag(p.NetID()), Epoch: 1, K: 1, Keys: []sig.Public{key.Public()}}
		at, err := list.ReadAddrs([]string{"/ip4/20.1.0.1/tcp/1"})
		if err != nil {
			t.Fatal(err)
		}
		x, err := list.Draft{Set: set, Seq: 1, Issued: uint64(time.Now().Unix()), Entries: []list.Entry{{Key: key.Public(), Addrs: at}}}.Build()
		if err != nil || x.Root.SignWith(set, key) != nil || os.WriteFile(l, x.EncodeFile(), 0o600) != nil {
			t.Fatal(err)
		}
		var o, e bytes.Buffer
		code := cli.Run(t.Context(), App(), []string{"pars-bootstrap", "explain", "--road", "builtin,file,hns,ens", "--file", l, "--profile", name, "--home", t.TempDir()}, strings.NewReader(""), &o, &e)
		if code != 6 {
			t.Errorf("%s: exit %d: %s", name, code, e.String())
		}
		for _, want := range []string{"builtin\tskipped", "no keys that sign lists are published", "file\tfailed", "the profile names none", "hns://NAME", "ens://NAME"} {
			if !strings.Contains(o.String(), want) {
				t.Errorf("%s: %q does not stand in %s", name, want, o.String())
			}
		}
	}
}

// The published chain of RFC 9102 is verified from a file; without its root key, at another time or for another name it is not.
func TestVerifyRFC9102(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("../../../pkg/bootstrap/dnssec/testdata/rfc9102-a1.hex")
	if err != nil {
		t.Fatal(err)
	}
	body, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	chain, key := filepath.Join(dir, "chain"), filepath.Join(dir, "root.key")
	if err := errors.Join(err, os.WriteFile(chain, append([]byte{0, 0}, body...), 0o600), os.WriteFile(key,
		[]byte(". IN DNSKEY 257 3 13 yvX+VNTUjxZiGvtr060hVbrPV9H6rVusQtF9lIxCFzbZOJxMQBFmbqlc8Xclv Q+gDOXnFOTsgs/frMmxyGOtRg==\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	const of = "--rfc9102=_443._tcp.www.example.com/TLSA"
	out, _ := run(t, dir, 0, "", "verify", chain, of, "--anchor", key, "--at", "2019-06-01T00:00:00Z")
	if !strings.Contains(out, "8bd1da95272f7fa4ffb24137fc0ed03aae67e5c4d8b3c50734e1050a7920b922") || !strings.Contains(out, "SECURE\tuntil 2020-12-02T00:00:00Z") {
		t.Error(out)
	}
	run(t, dir, 6, "", "verify", chain, of, "--anchor", key)
	run(t, dir, 6, "", "verify", chain, "--rfc9102=_443._tcp.example.com/TLSA", "--anchor", key, "--at", "2019-06-01T00:00:00Z")
	run(t, dir, 2, "", "verify", chain, "--rfc9102=_443._tcp.example.com", "--anchor", key)
	run(t, dir, 2, "", "verify", chain, of)
}

func TestUsage(t *testing.T) {
	home := t.TempDir()
	for _, args := range [][]string{{"lookup", "a.test", "NOTYPE", "--server", "127.0.0.1"}, {"lookup", "a..test", "TXT", "--server", "127.0.0.1"}, {"lookup", "a.test"}, {"resolve", "--road", "carrier-pigeon"},
		{"resolve", "--server", "x://y"}, {"publish", "x"}, {"publish", "x", "--zone", "a", "--zonefile", "-", "--update", "b"}, {"sign", "-"}, {"verify", "x", "--at", "noon"},
		{"lookup", "a.test", "TXT", "--server", "127.0.0.1", "--proxy", "gopher://x"}} {
		run(t, home, 2, "", args...)
	}
	run(t, home, 4, "", "resolve", "--road", "cache")
	run(t, home, 1, "", "verify", filepath.Join(home, "nothing"))
	run(t, home, 6, "rubbish", "verify", "-")
}

package qr

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/profile"
)

// startNode starts a node on a home of its own and returns both.
func startNode(t *testing.T) (dir, addr string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pars") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p, err := profile.Load("devnet", os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	h, err := node.OpenHome(node.HomeConfig{Dir: dir, Profile: p}, true)
	if err != nil {
		t.Fatal(err)
	}
	n := &node.Node{Home: h, Profile: p, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, NoMDNS: true, NoDHT: true, NoMail: true}
	if err := n.Start(t.Context()); err != nil {
		h.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return dir, n.Addrs()[0]
}

// TestFetch goes from the line of a card to the full card, through two nodes on loopback.
func TestFetch(t *testing.T) {
	alice, addr := startNode(t)
	bob, _ := startNode(t)
	of := func(dir string, args ...string) []string {
		return append([]string{"card", "--home", dir, "--profile", "devnet"}, args...)
	}
	line := strings.TrimSpace(ok(t, "", of(alice)...))
	own, got := filepath.Join(t.TempDir(), "own"), filepath.Join(t.TempDir(), "got")
	var row fullRow
	if err := json.Unmarshal([]byte(ok(t, "", of(alice, "--full", "-o", own, "--json")...)), &row); err != nil {
		t.Fatal(err)
	}
	short, err := identity.ParseShortCard(line)
	if err != nil || row.Account != short.Account.String() || len(row.Devices) != 1 {
		t.Errorf("%+v, %v", row, err)
	}
	if out := ok(t, "", of(bob, "--held")...); out != "" {
		t.Errorf("held before: %s", out)
	}
	exits(t, 4, "", of(bob, "--fetch", line)...) // nobody is in reach
	for i, card := range []string{line, short.Digits(), short.Symbol()} {
		if err := json.Unmarshal([]byte(ok(t, "", of(bob, "--fetch", card, "--peer", addr, "-o", got, "--json")...)), &row); err != nil || !strings.HasSuffix(addr, row.From) {
			t.Fatalf("%d: %+v %v", i, row, err)
		}
		if same(t, own, got); i == 0 {
			os.Remove(got)
		}
	}
	if out := ok(t, "", of(bob, "--held")...); !strings.HasPrefix(out, row.Account+"\t1 devices\t") {
		t.Errorf("held: %s", out)
	}
	if out := ok(t, "", of(bob, "--held", "--of", line, "-o", "-")...); len(out) != row.Bytes {
		t.Errorf("%d bytes, want %d", len(out), row.Bytes)
	}
	if out := ok(t, line+"\n", of(alice, "--verify", own, "--of", line)...); !strings.HasPrefix(out, row.Account) {
		t.Errorf("verify: %s", out)
	}
	wrong := short
	wrong.Locator[3] ^= 1
	if said := exits(t, 4, "", of(bob, "--fetch", wrong.Line(), "--peer", addr)...); !strings.Contains(said, "without an answer") {
		t.Errorf("wrong locator: %s", said)
	}
	exits(t, 6, "", of(bob, "--fetch", "pars:card/x")...)
	exits(t, 4, "", of(bob, "--held", "--of", wrongAccount)...)
	for _, args := range [][]string{{"--fetch", line, "--full"}, {"--peer", addr}, {"--fetch", line, "--peer", "x"}, {"-o", got}, {"--held", "-o", got}, {"--new", "--held"}} {
		exits(t, 2, "", of(bob, args...)...)
	}
}

const wrongAccount = "pars1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vuxnpdz"

func same(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	y, yerr := os.ReadFile(b)
	if err != nil || yerr != nil || !bytes.Equal(x, y) {
		t.Errorf("%d and %d bytes, %v %v", len(x), len(y), err, yerr)
	}
}

// TestNewCode: what is printed follows the running node, and a code that ended is told.
func TestNewCode(t *testing.T) {
	dir, _ := startNode(t)
	of := func(args ...string) []string {
		return append([]string{"card", "--home", dir, "--profile", "devnet"}, args...)
	}
	old := ok(t, "", of()...)
	fresh := ok(t, "", of("--new")...)
	if fresh == old || ok(t, "", of()...) != fresh || ok(t, "", of("--number", "1")...) != fresh || ok(t, "", of("--number", "0")...) != old {
		t.Error("codes differ from their numbers")
	}
	if code, _, said := run(t, "", of("--number", "7")...); code != 0 || !strings.Contains(said, "code 7 does not count") {
		t.Errorf("exit %d: %s", code, said)
	}
}

// TestFetchWithoutNode says what to do.
func TestFetchWithoutNode(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"--full"}, {"--fetch", "pars:card/x"}, {"--held"}, {"--new"}} {
		if said := exits(t, 4, "", append([]string{"card", "--home", dir, "--profile", "devnet"}, args...)...); !strings.Contains(said, "pars-node run") {
			t.Errorf("%v: %s", args, said)
		}
	}
}

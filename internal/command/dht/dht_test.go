package dht

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/profile"
)

func devnet(t *testing.T) *profile.Profile {
	t.Helper()
	p, err := profile.Load("devnet", os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// servers starts n nodes of devnet that have joined, and returns a file that names the first.
func servers(t *testing.T, n int) (from string, nodes []*dht.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var first dht.Peer // set before the second node starts, which asks for it on a goroutine of its own
	for range n {
		var seed [32]byte
		rand.Read(seed[:])
		h, err := link.Host(link.Options{Seed: seed, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine, Low: 400})
		if err != nil {
			t.Fatal(err)
		}
		x := &dht.Node{Host: h, NetID: devnet(t).NetID(), Chain: devnet(t).ChainID, Server: true, Now: time.Now, Rand: rand.Reader,
			Seeds: func() []dht.Peer { return []dht.Peer{first} }}
		if len(nodes) == 0 {
			first = x.Self()
			x.Seeds = nil
		}
		if err := x.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { x.Close(); h.Close() })
		if nodes = append(nodes, x); len(nodes) > 1 {
			if err := x.Join(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	from = filepath.Join(t.TempDir(), "first")
	if err := os.WriteFile(from, []byte(nodes[0].Self().AddrNames()[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return from, nodes
}

// run runs one verb and wants its exit code.
func run(t *testing.T, code int, stdin string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"pars-dht"}, append(args, "--profile", "devnet", "--timeout", "20s")...)
	if got := cli.Run(t.Context(), App(), args, strings.NewReader(stdin), &out, &errs); got != code {
		t.Errorf("%v: exit %d, want %d: %s", args, got, code, errs.String())
	}
	return out.String()
}

func record(t *testing.T, until int64) (key string, value []byte) {
	t.Helper()
	g := dht.Group{NetID: devnet(t).NetID(), Secret: [32]byte{7}}
	now := time.Now().Unix()
	k, b, err := g.Seal([32]byte{1}, dht.Draft{Kind: dht.Presence, Epoch: g.Epoch(now), Seq: uint64(now), NotAfter: uint64(until), Place: dht.Place{Peer: "somebody"}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.String(), b
}

// Every verb on fourteen real nodes.
func TestVerbs(t *testing.T) {
	from, nodes := servers(t, 14)
	addr, id := nodes[3].Self().AddrNames()[0], nodes[3].PeerID()

	if out := run(t, 0, "", "ping", addr); !strings.HasPrefix(out, id+"\t") || !strings.HasSuffix(out, "\tserver\n") {
		t.Errorf("ping: %q", out)
	}
	if out := run(t, 0, "", "find-node", id, "--from", from); !strings.HasPrefix(out, id+"\t") {
		t.Errorf("the node nearest to a node is itself: %q", out)
	}
	key, value := record(t, time.Now().Unix()+3600)
	run(t, 4, "", "get", key, "--from", from)
	var put storedRow
	if err := json.Unmarshal([]byte(run(t, 0, string(value), "put", key, "-", "--json", "--from", from)), &put); err != nil || len(put.Stored) != 14 || put.Alarm {
		t.Errorf("put: %+v %v", put, err)
	}
	var got recordRow
	if err := json.Unmarshal([]byte(run(t, 0, "", "get", key, "--json", "--from", from)), &got); err != nil || got.Value != hex.EncodeToString(value) || got.Ended < 3 {
		t.Errorf("get: %+v %v", got, err)
	}
	if out := run(t, 0, "", "get", key, "-o", "-", "--from", from+"x", "--from", from); out != string(value) {
		t.Errorf("get -o: %d bytes", len(out))
	}
	traced := run(t, 0, "", "trace", key, "--json", "--from", from)
	if again := run(t, 0, traced, "trace", "--replay", "-", "--json"); again != traced {
		t.Errorf("a trace played again differs:\n%s\n%s", traced, again)
	}
	run(t, 3, traced[:len(traced)/2], "trace", "--replay", "-", "--json")
	crawled(t, from, nodes)
	if _, err := nodes[5].Provide(context.Background(), "seeder"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"no-card", "passed"} {
		if out := run(t, 0, "", "find-peers", "--role", "seeder", "--shards", "16", "--from", from); !strings.HasPrefix(out, nodes[5].PeerID()+"\t"+want+"\t") {
			t.Errorf("find-peers: %q, want %s", out, want)
		}
		if want == "no-card" {
			cards := &dht.Services{Host: nodes[5].Host, NetID: nodes[5].NetID, Now: time.Now}
			if err := errors.Join(cards.Start(), cards.Serve("seeder", dht.Plain)); err != nil {
				t.Fatal(err)
			}
			defer cards.Close()
		}
	}
	run(t, 2, "", "announce")
	run(t, 2, "", "announce", "--role", "king")
	run(t, 2, "", "announce", "abc", "--role", "seeder")
}

// crawled crawls in two parts, and lets audit and diff read what came out.
func crawled(t *testing.T, from string, nodes []*dht.Node) {
	t.Helper()
	dir := t.TempDir()
	book := filepath.Join(dir, "book")
	first := run(t, 0, "", "crawl", "--from", from, "--resume", book, "--limit", "5", "--workers", "2")
	f, err := os.OpenFile(book, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"peer_id":"12D3`) // the power went
	f.Close()
	rest := run(t, 0, "", "crawl", "--from", from, "--resume", book)
	if a, b := strings.Count(first, "\n"), strings.Count(rest, "\n"); a != 5 || a+b != len(nodes) {
		t.Errorf("%d nodes, then %d, of %d", a, b, len(nodes))
	}
	if more := run(t, 0, "", "crawl", "--from", from, "--resume", book); more != "" {
		t.Errorf("asked again: %s", more)
	}
	all := run(t, 0, "", "crawl", "--from", from, "--json", "--neighbours")
	if n := strings.Count(all, `"reachable":true`); n != len(nodes) || !strings.Contains(all, `"neighbours":["`) {
		t.Errorf("%d of %d nodes answer", n, len(nodes))
	}
	if out := run(t, 0, all, "audit", "--from", "-"); !strings.Contains(out, "stale\t100\t") {
		t.Errorf("audit: %s", out)
	}
	if out := run(t, 3, all+"nobody\n", "audit", "--from", "-"); !strings.Contains(out, "stale") {
		t.Errorf("audit of a damaged set: %s", out)
	}
	old, fresh := filepath.Join(dir, "old"), filepath.Join(dir, "new")
	os.WriteFile(old, []byte(all), 0o600)
	os.WriteFile(fresh, []byte(all[strings.Index(all, "\n")+1:]), 0o600)
	if out := run(t, 0, "", "diff", old, fresh); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "left\t") {
		t.Errorf("diff: %s", out)
	}
}

// What is wrong before anybody is asked.
func TestRefused(t *testing.T) {
	key, value := record(t, time.Now().Unix()+3600)
	_, old := record(t, time.Now().Unix()-1)
	ma := "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust"
	for _, c := range []struct {
		code  int
		stdin string
		args  []string
	}{
		{2, "", []string{"ping", "127.0.0.1"}},
		{2, "", []string{"find-node", "xyz", "--peer", ma}},
		{2, "", []string{"get", "abcd", "--peer", ma}},
		{2, "", []string{"get", key, "--peer", "xyz"}},
		{2, "", []string{"find-peers", "--role", "king", "--peer", ma}},
		{2, "", []string{"trace"}},
		{2, "", []string{"audit"}},
		{2, "", []string{"crawl", "--workers", "0", "--peer", ma}},
		{4, "", []string{"get", key}},
		{4, "", []string{"crawl"}},
		{4, "", []string{"get", key, "--peer", ma}},
		{1, "", []string{"ping", ma}},
		{6, string(value[:1023]), []string{"put", key, "-", "--peer", ma}},
		{6, string(old), []string{"put", key, "-", "--peer", ma}},
		{6, string(value), []string{"put", strings.Repeat("0", 64), "-", "--peer", ma}},
		{4, "", []string{"crawl", "--from", "-"}},
		{4, "", []string{"find-node", strings.Repeat("0", 64)}},
	} {
		if out := run(t, c.code, c.stdin, c.args...); out != "" {
			t.Errorf("%v: %q on standard output", c.args, out)
		}
	}
}

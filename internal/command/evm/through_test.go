package evm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/profile"
)

// TestThroughNode: beside a running node the verbs know no server, and read, queue and edit through it.
func TestThroughNode(t *testing.T) {
	const head = 40
	c := evmtest.NewAt(head+3, uint64(time.Now().Unix()-(head+1)*10-2))
	rpc := &evmtest.RPC{Chain: c, Head: head + 1}
	var urls []string
	for _, h := range []http.Handler{&evmtest.Beacon{Chain: c, Head: head}, rpc} {
		s := httptest.NewServer(h)
		defer s.Close()
		urls = append(urls, s.URL)
	}
	dir, err := os.MkdirTemp("", "pars") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	p, err := profile.Load("devnet", nil)
	if err != nil {
		t.Fatal(err)
	}
	own := *p
	own.ChainID, own.Chain = c.Profile.ChainID, c.Profile.Chain
	h, err := node.OpenHome(node.HomeConfig{Dir: dir, Profile: &own}, true)
	if err != nil {
		t.Fatal(err)
	}
	n := &node.Node{Home: h, Profile: &own, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, NoMDNS: true, NoResolve: true, NoDHT: true,
		Chain: &node.Chain{Profile: &own, Checkpoint: evm.Hash(c.Root(24)), Beacon: urls[:1], RPC: urls[1:]}}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	b, err := json.Marshal(map[string]any{"name": "lab", "chain_id": own.ChainID, "network": nil, "chain": own.Chain})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	root := evm.Hash(c.Root(24)).String()
	run := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errs bytes.Buffer
		args = append(args, "--home", dir, "--profile", file)
		if code := cli.Run(t.Context(), App(), append([]string{"pars-evm"}, args...), strings.NewReader(""), &out, &errs); code != want {
			t.Errorf("%v: exit %d, want %d: %s", args, code, want, &errs)
		}
		return out.String(), errs.String()
	}
	if out, _ := run(0, "sync", "--checkpoint", root, "--json"); !strings.Contains(out, `"slot":40`) {
		t.Errorf("sync: %s", out)
	}
	if out, _ := run(0, "head", "--json"); !strings.Contains(out, `"slot":40`) {
		t.Errorf("head: %s", out)
	}
	if out, _ := run(0, "balance", "0xaa00000000000000000000000000000000000000"); out == "0\n" || out == "" {
		t.Errorf("balance: %q", out)
	}
	raw, err := c.Blocks[head+1].Transactions()[0].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := run(0, "send", hexOf(raw), "--json")
	var row struct{ ID, State string }
	if err := json.Unmarshal([]byte(out), &row); err != nil || row.State != "sent" || len(rpc.Sent) != 1 || !bytes.Equal(rpc.Sent[0], raw) {
		t.Errorf("send: %s, %d sent", out, len(rpc.Sent))
	}
	if out, _ := run(0, "queue", "ls"); !strings.HasPrefix(out, row.ID+"\tsent\t") {
		t.Errorf("queue: %s", out)
	}
	if _, errs := run(1, "queue", "drop", row.ID); !strings.Contains(errs, "cancel it instead") {
		t.Errorf("drop: %s", errs)
	}
	run(0, "queue", "run")
	run(0, "wallet", "new") // the vault is the node's for moments only
}

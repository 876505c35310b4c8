package node

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
)

// listed returns a profile whose list, signed by its one key, names a peer.
func listed(t *testing.T, addr string, forge bool) *profile.Profile {
	t.Helper()
	p := *testProfile(t, "devnet")
	id := addr[strings.LastIndex(addr, "/")+1:]
	line := fmt.Sprintf(`{"peer_id":%q,"addrs":[%q],"reachable":true,"last":%q,"net":%q}`+"\n", id, addr, time.Now().UTC().Format(time.RFC3339), p.NetID8())
	entries, err := list.ReadNodes(bytes.NewReader([]byte(line)), time.Now(), true, func(peer, why string) { t.Error(peer, why) })
	if err != nil {
		t.Fatal(err)
	}
	key := sig.FromSeed([32]byte{41})
	set := &list.Set{Network: list.NetworkTag(p.NetID()), Epoch: 1, K: 1, Keys: []sig.Public{key.Public()}}
	l, err := list.Draft{Set: set, Seq: 1, Issued: uint64(time.Now().Unix()), Entries: entries}.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Root.SignWith(set, key); err != nil {
		t.Fatal(err)
	}
	if forge {
		l.Root.Sigs[0].Sig[0] ^= 1
	}
	enc := base64.RawURLEncoding
	p.Bootstrap = &profile.Bootstrap{TrustSets: []string{enc.EncodeToString(set.Encode())}, List: enc.EncodeToString(l.EncodeFile()), AllowPrivate: true}
	return &p
}

// TestFirstPeerByList: a node that knows nobody joins the hash table by the signed list of its profile, and by no
// list that is signed wrongly.
func TestFirstPeerByList(t *testing.T) {
	seed := seeder(t)
	for _, forged := range []bool{false, true} {
		p := listed(t, seed, forged)
		n := start(t, tempHome(t), func(n *Node) { n.Profile, n.NoResolve = p, false })
		if forged {
			until(t, "the race is over", func() bool {
				n.presence.mu.Lock()
				defer n.presence.mu.Unlock()
				return n.presence.raced > 0
			})
			if _, known := n.presence.state(); known != 0 {
				t.Error("a forged list brought a peer")
			}
			continue
		}
		until(t, "a peer of the list", func() bool { _, known := n.presence.state(); return known > 0 })
	}
}

// TestFirstPeerByHand: a file, or a list that a bundle brought, is enough to begin with; a file that is too large is not read.
func TestFirstPeerByHand(t *testing.T) {
	p := listed(t, seeder(t), false)
	raw, err := base64.RawURLEncoding.DecodeString(p.Bootstrap.List)
	if err != nil {
		t.Fatal(err)
	}
	p.Bootstrap.List = ""
	name := filepath.Join(t.TempDir(), "list.pbl")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	n := start(t, tempHome(t), func(n *Node) { n.Profile, n.NoResolve, n.Lists = p, false, []string{name} })
	until(t, "a peer of the file", func() bool { _, known := n.presence.state(); return known > 0 })

	h := tempHome(t)
	n = start(t, h, func(n *Node) { n.Profile, n.NoResolve = p, true })
	if roads := n.byHand(); len(roads) != 0 {
		t.Errorf("%d roads of nothing", len(roads))
	}
	if err := os.Truncate(name, 3<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := readList(name); err == nil {
		t.Error("a file of 3 MiB is read")
	}
	lists := [][]byte{[]byte("a"), []byte("b"), []byte("PBR1x")}
	if rotationsFirst(lists); string(lists[0]) != "PBR1x" || len(lists) != 3 {
		t.Errorf("%q", lists)
	}
}

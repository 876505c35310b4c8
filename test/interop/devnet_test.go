//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/profile"
)

// newDevnet is a village on the built-in profile devnet: its seeder stands in a list that two of devnet's three holders signed.
func newDevnet(t *testing.T, ns string) *village {
	t.Helper()
	p, err := profile.Load("devnet", nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &village{t: t, ns: ns, profile: p, home: NewHome(t)}
	v.startSeed()
	if v.list, err = labList(uint64(time.Now().Unix()), uint64(time.Now().Unix()), v.entries(v.seed), devHolder(1), devHolder(3)); err != nil {
		t.Fatal(err)
	}
	return v
}

// joins wants a node that has nothing but the name of the profile to join, and the road to be the one that brings the list.
func (v *village) joins(road string) {
	v.t.Helper()
	before := behind(v.t, v.ns, "explain", "--profile", "devnet", "--home", v.t.TempDir(), "--no-mdns")
	for _, other := range []string{"builtin", "dns", "hns", "ens"} {
		if got := strings.Contains("\n"+before, "\n"+other+"\tok\t") || strings.Contains(before, "\n"+other+" do53\tok\t"); got != (other == road) {
			v.t.Errorf("by %s alone: %s", road, before)
		}
	}
	h := NewHome(v.t)
	start := time.Now()
	n := v.serve(h, wallGroup, "pars-node", "run", "--json", "-v", "--no-mdns", "--profile", "devnet", "--listen", "/ip4/127.0.9.9/tcp/0")
	until(v.t, 60*time.Second, "the node joins", func() bool {
		return strings.Contains(h.Run("pars-node", "status", "--json", "--profile", "devnet"), `"dht_peers":1`)
	})
	v.t.Logf("joined by %s after %v", road, time.Since(start).Round(10*time.Millisecond))
	n.Stop()
}

// TestDevnetByDNS: the list stands in the zone that the profile names, on a server of the lab.
func TestDevnetByDNS(t *testing.T) {
	lab := NewDNSLab(t)
	v := newDevnet(t, strings.TrimSpace(read(t, filepath.Join(lab.dir, "netns"))))
	file := filepath.Join(lab.dir, "list.pbl")
	if err := os.WriteFile(file, v.list.EncodeFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	out := lab.Run("pars-bootstrap", "publish", file, "--zone", "pars.test", "--update", "127.0.53.3", "--tsig", filepath.Join(lab.dir, "tsig"), "--profile", "devnet", "--home", v.home.dir)
	if !strings.HasSuffix(out, "exit 0\n") {
		t.Fatal(out)
	}
	v.joins("dns")
}

// TestDevnetByHandshake: it stands in the zone below the name of Handshake.
func TestDevnetByHandshake(t *testing.T) {
	lab := newHNSLab(t)
	v := newDevnet(t, strings.TrimSpace(read(t, filepath.Join(lab.dir, "netns"))))
	lab.publish(v.list)
	v.joins("hns")
}

// TestDevnetByENS: it stands in the texts of the name of ENS, in the registry that the profile names.
func TestDevnetByENS(t *testing.T) {
	if os.Getenv("PARS_LAB_INSIDE") == "" {
		insideNet(t)
		return
	}
	l := newDevnetChain(t)
	v := newDevnet(t, os.Getenv("PARS_LAB_INSIDE"))
	if got := l.registry.String(); got != v.profile.Chain.ENSRegistry {
		t.Fatalf("the registry stands at %s, not at %s", got, v.profile.Chain.ENSRegistry)
	}
	l.publish(v.list)
	v.joins("ens")
}

//go:build interop

package interop

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
)

// TestProbeStates: a list names two seeders at home and one abroad, and walls of different heights stand around who probes.
func TestProbeStates(t *testing.T) {
	lab := NewDNSLab(t)
	ns := strings.TrimSpace(read(t, filepath.Join(lab.dir, "netns")))
	v := newVillage(t, ns, func(*profile.Profile) {})
	var lines strings.Builder
	for _, ip := range []string{"20.1.0.1", "20.2.0.1", "30.1.0.1"} {
		lab.Shell("ip", "address", "add", ip+"/32", "dev", "lo")
		s := v.serve(NewHome(t), "", "pars-dht", "seed", "--json", "--listen", "/ip4/"+ip+"/tcp/4001")
		fmt.Fprintf(&lines, `{"peer_id":%q,"addrs":["/ip4/%s/tcp/4001"],"reachable":true,"last":%q,"net":%q}`+"\n", s.peerID, ip, time.Now().UTC().Format(time.RFC3339), v.profile.NetID8())
	}
	entries, err := list.ReadNodes(strings.NewReader(lines.String()), time.Now(), true, func(peer, why string) { t.Error(peer, why) })
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		entries[i].Domestic = strings.Contains(strings.Join(e.Multiaddrs(), " "), "/20.")
	}
	set, now := v.list.Root.Set, uint64(time.Now().Unix())
	l, err := list.Draft{Set: v.set(), Seq: now + 1, Issued: now, Entries: entries}.Build()
	if err != nil || l.Root.Set != set {
		t.Fatal(err)
	}
	if err := l.Root.SignWith(v.set(), villageKey()); err != nil {
		t.Fatal(err)
	}
	name := v.write(func(b *profile.Bootstrap) {
		b.List, b.DNS.ProbeZone = base64.RawURLEncoding.EncodeToString(l.EncodeFile()), "test"
	})
	probe := func(want string, roads ...string) {
		t.Helper()
		v.wall(roads...)
		out := behind(t, v.ns, "probe", "--profile", name, "--home", t.TempDir(), "--no-mdns", "--server", unboundAddr, "--anchor", filepath.Join(lab.dir, "root.ds"))
		if !strings.Contains(out, want) {
			t.Errorf("roads %q: want %q in %s", roads, want, out)
		}
	}
	const names, atHome, abroad = "ip daddr " + unboundAddr, "ip daddr 20.0.0.0/8", "ip daddr 30.1.0.1"
	probe("exit 5\n")
	probe("S1\t", "ip daddr 20.1.0.1")
	probe("S2\t", atHome)
	probe("S3\t", names)
	probe("S3\t", atHome, names)
	probe("S4\t", atHome, names, abroad)
	probe("peer abroad by tcp\tok", abroad)
}

// behind runs pars-bootstrap behind the wall of a namespace.
func behind(t *testing.T, ns string, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ip", append([]string{"netns", "exec", ns, "setpriv", "--regid", wallGroup, "--clear-groups", self}, args...)...)
	cmd.Env = append(os.Environ(), roleVariable+"=pars-bootstrap")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %v", args, err)
	}
	return string(out)
}

// TestProbeIsland: a neighbour on the same cable, and nothing else.
func TestProbeIsland(t *testing.T) {
	net := NewNet(t, 2)
	net.Run(0, NewHome(t))
	v := &village{t: t, ns: net.name + "1"}
	v.wall("udp dport 5353", "ip daddr 10.77.0.10")
	out := behind(t, v.ns, "probe", "--profile", "devnet", "--home", t.TempDir(), "--server", "10.77.0.99")
	if !strings.Contains(out, "neighbour by tcp\tok") || !strings.Contains(out, "S1\t") {
		t.Error(out)
	}
}

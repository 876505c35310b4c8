//go:build interop

package interop

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/ens"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
)

// wallGroup is the group of processes that the wall of a namespace holds back.
const wallGroup = "4242"

const (
	seedAt   = "127.0.9.1"
	seedPort = "4001"
)

// village is a namespace with a seeder, real servers beside it, and a wall around whoever wants to join.
type village struct {
	t       *testing.T
	ns      string
	profile *profile.Profile
	home    Home // of the seeder
	seed    *Node
	list    *list.List
	env     []string
}

// newVillage starts a seeder in a namespace, and signs a list that names it alone.
func newVillage(t *testing.T, ns string, change func(*profile.Profile)) *village {
	t.Helper()
	for _, tool := range []string{"nft", "setpriv"} {
		if _, err := exec.LookPath(tool); err != nil {
			skip(t, "no "+tool+"; run test/lab/install.sh")
		}
	}
	p, err := profile.Load("devnet", nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Bootstrap = &profile.Bootstrap{AllowPrivate: true}
	change(p)
	v := &village{t: t, ns: ns, profile: p, home: NewHome(t)}
	key, set := villageKey(), v.set()
	p.Bootstrap.TrustSets = []string{base64.RawURLEncoding.EncodeToString(set.Encode())}
	v.startSeed()
	entries := v.entries(v.seed)
	now := uint64(time.Now().Unix())
	if v.list, err = (list.Draft{Set: set, Seq: now, Issued: now, Entries: entries, Room: list.LeafRoom("pars.test")}).Build(); err != nil {
		t.Fatal(err)
	}
	if err := v.list.Root.SignWith(set, key); err != nil {
		t.Fatal(err)
	}
	return v
}

// startSeed starts the seeder.
func (v *village) startSeed() {
	v.t.Helper()
	v.seed = v.serve(v.home, "", "pars-dht", "seed", "--json", "--listen", "/ip4/"+seedAt+"/tcp/"+seedPort)
}

// entries are those of a list that names the seeder alone.
func (v *village) entries(seed *Node) []list.Entry {
	v.t.Helper()
	line := fmt.Sprintf(`{"peer_id":%q,"addrs":["/ip4/%s/tcp/%s"],"reachable":true,"last":%q,"net":%q}`+"\n", seed.peerID, seedAt, seedPort,
		time.Now().UTC().Format(time.RFC3339), v.profile.NetID8())
	entries, err := list.ReadNodes(strings.NewReader(line), time.Now(), true, func(peer, why string) { v.t.Error(peer, why) })
	if err != nil {
		v.t.Fatal(err)
	}
	return entries
}

func villageKey() sig.Private { return sig.FromSeed([32]byte{41}) }

// set is whose lists the village believes.
func (v *village) set() *list.Set {
	return &list.Set{Network: list.NetworkTag(v.profile.NetID()), Epoch: 1, K: 1, Keys: []sig.Public{villageKey().Public()}}
}

// write keeps the village's profile, changed, in a file.
func (v *village) write(change func(*profile.Bootstrap)) string {
	v.t.Helper()
	p := *v.profile
	b := *p.Bootstrap
	p.Bootstrap = &b
	change(&b)
	text, err := json.Marshal(&p)
	if err != nil {
		v.t.Fatal(err)
	}
	name := filepath.Join(v.home.dir, fmt.Sprintf("profile-%d.json", time.Now().UnixNano()))
	if err := os.WriteFile(name, text, 0o600); err != nil {
		v.t.Fatal(err)
	}
	return name
}

// serve starts a command in the namespace; with a group it stands behind the wall.
func (v *village) serve(h Home, group string, args ...string) *Node {
	h.t.Helper()
	self, err := exec.LookPath(args[0])
	if err != nil {
		h.t.Fatal(err)
	}
	line := []string{"netns", "exec", v.ns}
	if group != "" {
		line = append(line, "setpriv", "--regid", group, "--clear-groups")
	}
	line = append(append(line, self), args[1:]...)
	if group == "" {
		line = append(line, "--profile", v.write(func(*profile.Bootstrap) {}))
	}
	cmd := h.command("ip", line...)
	cmd.Env = append(cmd.Env, v.env...)
	return awaitReady(h, cmd)
}

// wall lets nothing of whoever wants to join out of the namespace but to the seeder and over one road, in nft's words.
func (v *village) wall(roads ...string) {
	v.t.Helper()
	var b strings.Builder
	for _, r := range append(roads, "ip daddr "+seedAt+" tcp dport "+seedPort) {
		fmt.Fprintf(&b, "\t\t%s accept\n", r)
	}
	cmd := exec.Command("ip", "netns", "exec", v.ns, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader("table inet wall\ndelete table inet wall\ntable inet wall {\n\tchain out {\n\t\ttype filter hook output priority 0\n\t\tmeta skgid != " +
		wallGroup + " accept\n\t\tct state established accept\n" + b.String() + "\t\tdrop\n\t}\n}\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		v.t.Fatalf("nft: %v: %s", err, out)
	}
}

// join starts a node behind the wall and tells whether it comes to know a peer of the hash table.
func (v *village) join(h Home, within time.Duration, change func(*profile.Bootstrap), args ...string) (*Node, bool) {
	h.t.Helper()
	name := v.write(change)
	n := v.serve(h, wallGroup, append([]string{"pars-node", "run", "--json", "-v", "--no-mdns", "--profile", name, "--listen", "/ip4/127.0.9.9/tcp/0"}, args...)...)
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) { // sleep: a poll
		if strings.Contains(h.Run("pars-node", "status", "--json", "--profile", name), `"dht_peers":1`) {
			return n, true
		}
	}
	return n, false
}

// alone wants a node of a new home to join over one road, and none to join when that road is closed too.
func (v *village) alone(name string, rule string, change func(*profile.Bootstrap), args ...string) {
	v.t.Run(name, func(t *testing.T) {
		if rule != "" {
			v.wall()
			n, ok := v.join(NewHome(t), 4*time.Second, change, args...)
			if n.Stop(); ok {
				t.Error("joins when the road is closed: the wall does not hold")
			}
			v.wall(rule)
		}
		start := time.Now()
		n, ok := v.join(NewHome(t), 60*time.Second, change, args...)
		if !ok {
			t.Fatal("does not join")
		}
		t.Logf("joined after %v", time.Since(start).Round(10*time.Millisecond))
		n.Stop()
	})
}

func none(*profile.Bootstrap) {}

// TestOneRoad: all is blocked but one road, for each road in turn, with real servers; the node joins all the same.
func TestOneRoad(t *testing.T) {
	lab := NewDNSLab(t)
	v := newVillage(t, strings.TrimSpace(read(t, filepath.Join(lab.dir, "netns"))), func(p *profile.Profile) {})
	v.env = []string{"SSL_CERT_FILE=" + filepath.Join(lab.dir, "ca.pem")}
	file := filepath.Join(lab.dir, "list.pbl")
	text := filepath.Join(lab.dir, "list.txt") // as a QR code carries it
	for name, b := range map[string][]byte{file: v.list.EncodeFile(), text: []byte(v.list.Text() + "\n")} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := lab.Run("pars-bootstrap", "publish", file, "--zone", "pars.test", "--update", "127.0.53.3", "--tsig", filepath.Join(lab.dir, "tsig"), "--profile", v.write(none), "--home", v.home.dir)
	if !strings.HasSuffix(out, "exit 0\n") {
		t.Fatal(out)
	}
	v.wall()
	v.alone("builtin", "", func(b *profile.Bootstrap) { b.List = base64.RawURLEncoding.EncodeToString(v.list.EncodeFile()) })
	v.alone("file", "", none, "--list", file)
	v.alone("qr", "", none, "--list", text)
	for kind, s := range map[string][2]string{"do53": {"127.0.53.10", "udp dport 53"}, "tcp": {"tcp://127.0.53.10", "tcp dport 53"}, "dot": {"tls://127.0.53.11#sni=doh.lab", "tcp dport 853"},
		"doh": {"https://doh.lab/dns-query#dial=127.0.53.11", "tcp dport 443"}} {
		v.alone(kind, s[1], func(b *profile.Bootstrap) {
			b.Names.DNS, b.DNS.Servers = []string{"pars.test"}, []profile.DNSServer{{Addr: s[0]}}
		})
	}
	t.Run("bundle", func(t *testing.T) { v.bundle(t, file) })
	t.Run("cache", func(t *testing.T) { v.cache(t) })
	t.Run("dht", func(t *testing.T) { v.cache(t, "--no-resolve") })
}

// bundle brings the list on a stick.
func (v *village) bundle(t *testing.T, file string) {
	v.wall()
	h, courier, stick := NewHome(t), NewHome(t), filepath.Join(t.TempDir(), "stick")
	name := v.write(none)
	courier.Run("pars-node", "init", "--profile", name)
	courier.Run("pars-bundle", "pack", "--open", "--add", "list:"+file, "-o", stick, "--profile", name)
	h.Run("pars-node", "init", "--profile", name)
	h.Run("pars-bundle", "unpack", stick, "--profile", name)
	n, ok := v.join(h, 30*time.Second, none)
	if n.Stop(); !ok {
		t.Error("does not join")
	}
}

// cache is what a node knew last: it joined once by DNS, and everything of that is dark now. With more flags it does not even read
// the list that it held: what is left is its table of the hash table.
func (v *village) cache(t *testing.T, flags ...string) {
	h := NewHome(t)
	dark := func(b *profile.Bootstrap) {
		b.Names.DNS, b.DNS.Servers = []string{"pars.test"}, []profile.DNSServer{{Addr: "127.0.53.10"}}
	}
	v.wall("udp dport 53")
	n, ok := v.join(h, 30*time.Second, dark)
	n.Stop()
	v.wall()
	m, again := v.join(h, 30*time.Second, dark, flags...)
	if m.Stop(); !ok || !again {
		t.Errorf("joined %v, then %v", ok, again)
	}
}

// TestOneRoadHandshake: only peers of Handshake and the server of the zone below its name can be reached.
func TestOneRoadHandshake(t *testing.T) {
	lab := newHNSLab(t)
	v := newVillage(t, strings.TrimSpace(read(t, filepath.Join(lab.dir, "netns"))), func(p *profile.Profile) {
		p.Bootstrap.Names.HNS = []string{"parsgood"}
		p.Bootstrap.HNS = profile.HNS{Chain: "regtest", Peers: []string{hsdAddr}, Agree: 1}
	})
	lab.publish(v.list)
	v.alone("hns", "ip daddr { "+hsdAddr+", 127.0.53.4 }", none)
}

// publish puts a list into the zone below the name of Handshake.
func (l *hnsLab) publish(x *list.List) {
	l.t.Helper()
	var zone strings.Builder
	zone.WriteString("$ORIGIN parsgood.\n$TTL 300\n@ SOA ns1 host 2000000000 3600 600 86400 300\n@ NS ns1\nns1 A 127.0.53.4\n_pars TXT \"the zone of parsgood\"\n")
	txt := func(name string, b []byte) {
		s := list.TXT(b)
		fmt.Fprintf(&zone, "%s. 60 TXT", name)
		for ; s != ""; s = s[min(len(s), 255):] {
			fmt.Fprintf(&zone, " %q", s[:min(len(s), 255)])
		}
		zone.WriteString("\n")
	}
	txt(list.RootName("parsgood"), x.Root.Encode())
	for i, leaf := range x.Leaves {
		txt(x.Root.LeafName(i, "parsgood"), leaf.Encode())
	}
	if err := os.WriteFile(filepath.Join(l.dir, "zone", "parsgood.zone"), []byte(zone.String()), 0o600); err != nil {
		l.t.Fatal(err)
	}
	if out, err := l.script("exec", "knotc", "-b", "-c", filepath.Join(l.dir, "zone", "knot.conf"), "zone-reload", "parsgood"); err != nil {
		l.t.Fatalf("knotc: %v: %s", err, out)
	}
}

// TestOneRoadENS: only a server of the chain can be reached. What it says is not proven; the list is good for its signatures.
func TestOneRoadENS(t *testing.T) {
	if os.Getenv("PARS_LAB_INSIDE") == "" {
		insideNet(t)
		return
	}
	l := newENSLab(t)
	v := newVillage(t, os.Getenv("PARS_LAB_INSIDE"), func(p *profile.Profile) {
		p.ChainID = 1337
		p.Chain = &profile.Chain{Finality: profile.FinalityNone, ENSRegistry: l.registry.String(), RPC: []string{l.url}}
		p.Bootstrap.Names.ENS = []string{"pars.eth"}
	})
	l.publish(v.list)
	v.alone("ens", "tcp dport "+l.url[strings.LastIndex(l.url, ":")+1:], none)
}

// publish puts a list into the texts of pars.eth.
func (l *ensLab) publish(x *list.List) {
	l.t.Helper()
	public := l.deploy(artifact(l.t, filepath.Join(ensDir(l.t), "ensdomains-resolver-0.3.1/build/contracts/PublicResolver.json")), word20(l.registry))
	l.own("eth", "", ens.Address{})
	l.own("pars", "eth", public)
	node := ens.Namehash("pars.eth")
	l.send(public.String(), call("setText(bytes32,string,string)", node[:], text("pars.list"), text(x.Text())))
}

// insideNet runs this test again in a network namespace of its own.
func insideNet(t *testing.T) {
	t.Helper()
	net := NewNet(t, 1)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ip", "netns", "exec", net.name+"0", self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "PARS_LAB_INSIDE="+net.name+"0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	} else {
		t.Logf("%s", out)
	}
}

// TestOneRoadLAN: nothing passes but questions on the local network, and a neighbour's port.
func TestOneRoadLAN(t *testing.T) {
	net := NewNet(t, 2)
	one, two := NewHome(t), NewHome(t)
	a := net.Run(0, one, "--listen", "/ip4/10.77.0.10/tcp/4001")
	v := &village{t: t, ns: net.name + "1"}
	v.wall("udp dport 5353", "ip daddr 10.77.0.10 tcp dport 4001")
	cmd := two.command("ip", "netns", "exec", v.ns, "setpriv", "--regid", wallGroup, "--clear-groups", look(t, "pars-node"), "run", "--json", "-v")
	b := awaitReady(two, cmd)
	until(t, 30*time.Second, "the neighbour is met", func() bool { return strings.Contains(two.Run("pars-node", "peers", "--json"), a.peerID) })
	b.Stop()
}

// TestOneRoadCard: a node holds nothing but a friend's full card, and nothing passes but to what stands in it.
func TestOneRoadCard(t *testing.T) {
	net := NewNet(t, 2)
	friend, h, file := NewHome(t), NewHome(t), filepath.Join(t.TempDir(), "card")
	a := net.Run(0, friend, "--no-mdns", "--listen", "/ip4/10.77.0.10/tcp/4001")
	friend.Run("pars-qr", "card", "--full", "-o", file)
	v := &village{t: t, ns: net.name + "1"}
	v.wall("ip daddr 10.77.0.10 tcp dport 4001")
	cmd := h.command("ip", "netns", "exec", v.ns, "setpriv", "--regid", wallGroup, "--clear-groups", look(t, "pars-node"), "run", "--json", "-v", "--no-mdns", "--list", file)
	b := awaitReady(h, cmd)
	until(t, 30*time.Second, "the friend is met", func() bool { return strings.Contains(h.Run("pars-node", "peers", "--json"), a.peerID) })
	b.Stop()
}

func look(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

//go:build interop

package interop

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/miekg/dns"
	"github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
)

var _ = role("libp2p-host", libp2pHost)

// libp2pHost is a stock host of libp2p, that is greeted by TCP and by QUIC at the address of its argument, until its input ends.
func libp2pHost(args []string) error {
	at := args[0]
	h, err := link.Host(link.Options{Seed: sha256.Sum256([]byte(at)), Listen: []string{"/ip4/" + at + "/tcp/4001"}, Limits: link.Machine})
	if err != nil {
		return err
	}
	defer h.Close()
	reuse, err := quicreuse.NewConnManager([32]byte{1}, [32]byte{2})
	if err != nil {
		return err
	}
	defer reuse.Close()
	t, err := quic.NewTransport(h.Peerstore().PrivKey(h.ID()), reuse, nil, nil, nil)
	if err != nil {
		return err
	}
	sw := h.Network().(*swarm.Swarm)
	if err := errors.Join(sw.AddTransport(t), sw.Listen(multiaddr.StringCast("/ip4/"+at+"/udp/4001/quic-v1"))); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// TestProbeStates: a list names two peers at home and two abroad, of programs of others, and walls of different heights stand around
// who probes.
func TestProbeStates(t *testing.T) {
	lab := NewDNSLab(t)
	v := newVillage(t, strings.TrimSpace(read(t, filepath.Join(lab.dir, "netns"))), func(*profile.Profile) {})
	v.list = v.places("20.1.0.1", "20.2.0.1", "30.1.0.1", "31.1.0.1")
	name := v.write(func(b *profile.Bootstrap) {
		b.List, b.DNS.ProbeZone = base64.RawURLEncoding.EncodeToString(v.list.EncodeFile()), "test"
		b.DNS.BlockPages = []string{"10.10.34.34"}
	})
	probe := func(want []string, roads ...string) {
		t.Helper()
		v.wall(roads...)
		out := behind(t, v.ns, "probe", "--profile", name, "--home", t.TempDir(), "--no-mdns", "--server", unboundAddr, "--anchor", filepath.Join(lab.dir, "root.ds"))
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("roads %q: want %q in %s", roads, w, out)
			}
		}
	}
	const names, atHome = "ip daddr " + unboundAddr, "ip daddr 20.0.0.0/8"
	const one, two, tcp, quic = "ip daddr 30.1.0.1", "ip daddr 31.1.0.1", "ip daddr { 30.1.0.1, 31.1.0.1 } tcp dport 4001", "ip daddr { 30.1.0.1, 31.1.0.1 } udp dport 4001"
	is := func(s ...string) []string { return s }
	probe(is("exit 5\n"))
	probe(is("S1\t"), "ip daddr 20.1.0.1")
	probe(is("S2\t"), atHome)
	probe(is("S3\t"), names)
	probe(is("S3\t"), atHome, names)
	probe(is("S4\t", "peer abroad by tcp\tok", "peer abroad by quic\tok"), atHome, names, one) // one host is not the world
	probe(is("S4\t", "peer abroad by tcp\tok", "peer abroad by quic\tfailed"), atHome, names, tcp)
	probe(is("S4\t", "peer abroad by tcp\tfailed", "peer abroad by quic\tok"), atHome, names, quic)
	probe(is("S4\t"), one, two+" tcp dport 4001", names)
	probe(is("S5\t", "name by do53\tok"), atHome, names, tcp, quic)
	probe(is("S5\t"), tcp, quic) // whoever names are kept from

	startIn(t, v.ns, "censor").Wait("ready", 10*time.Second)
	probe(is("S1\t"), "ip daddr 20.1.0.1") // nothing is led astray yet
	lab.Shell("nft", "add table ip decoy; add chain ip decoy out { type nat hook output priority -100; }; "+
		"add rule ip decoy out meta skgid "+wallGroup+" tcp dport { 53, 4001 } redirect to :8080; add rule ip decoy out meta skgid "+wallGroup+" udp dport 53 redirect to :8053")
	v.wall("ip daddr 127.0.0.1", "tcp dport 8080", "udp dport 8053")
	out := behind(t, v.ns, "probe", "--profile", name, "--home", t.TempDir(), "--no-mdns", "--server", unboundAddr, "--anchor", filepath.Join(lab.dir, "root.ds"), "--canary", "www.pars.test")
	for _, want := range []string{"exit 5\n", "what answers there is no peer", "do53\tfailed", "canary\tfailed", "the block page 10.10.34.34"} {
		if !strings.Contains(out, want) {
			t.Errorf("behind a portal: want %q in %s", want, out)
		}
	}
	if strings.Contains(out, "by tcp\tok") || strings.Contains(out, "name by") {
		t.Errorf("the portal is believed: %s", out)
	}
}

var _ = role("censor", censor)

// censor is a captive portal that answers every caller with a page, and a resolver that answers every question with its address.
func censor([]string) error {
	page, err := net.Listen("tcp4", ":8080")
	if err != nil {
		return err
	}
	go http.Serve(page, http.RedirectHandler("http://10.10.34.34/", http.StatusFound))
	socket, err := net.ListenPacket("udp4", ":8053")
	if err != nil {
		return err
	}
	lies := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(10, 10, 34, 34)}}
		w.WriteMsg(m)
	})}
	go lies.ActivateAndServe()
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// places starts a host of libp2p at each address, and signs a list of them; those that begin with 20 are at home.
func (v *village) places(at ...string) *list.List {
	v.t.Helper()
	var lines strings.Builder
	for _, ip := range at {
		if out, err := exec.Command("ip", "-n", v.ns, "address", "add", ip+"/32", "dev", "lo").CombinedOutput(); err != nil {
			v.t.Fatalf("%v: %s", err, out)
		}
		startIn(v.t, v.ns, "libp2p-host", ip).Wait("ready", 10*time.Second)
		id := list.PeerID(sig.FromSeed(sha256.Sum256([]byte(ip))).Public())
		fmt.Fprintf(&lines, `{"peer_id":%q,"addrs":["/ip4/%s/tcp/4001","/ip4/%s/udp/4001/quic-v1"],"reachable":true,"last":%q,"net":%q}`+"\n", id, ip, ip,
			time.Now().UTC().Format(time.RFC3339), v.profile.NetID8())
	}
	entries, err := list.ReadNodes(strings.NewReader(lines.String()), time.Now(), true, func(peer, why string) { v.t.Error(peer, why) })
	if err != nil {
		v.t.Fatal(err)
	}
	for i, e := range entries {
		entries[i].Domestic = strings.Contains(strings.Join(e.Multiaddrs(), " "), "/20.")
	}
	now := uint64(time.Now().Unix())
	l, err := list.Draft{Set: v.set(), Seq: now + 1, Issued: now, Entries: entries}.Build()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := l.Root.SignWith(v.set(), villageKey()); err != nil {
		v.t.Fatal(err)
	}
	return l
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

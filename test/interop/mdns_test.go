//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap"
)

var _ = role("mdns", runMDNS)

// runMDNS announces the peer id of its first argument and prints what it is told.
func runMDNS(args []string) error {
	if len(args) < 1 {
		return errors.New("no peer id")
	}
	var mu sync.Mutex // Log is called from two goroutines
	say := func(format string, a ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", a...)
	}
	m := &bootstrap.MDNS{
		PeerID:  args[0],
		Addrs:   func() []string { return []string{"/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001"} },
		Found:   func(peer string, addrs []string, link string) { say("found %s %s", peer, strings.Join(addrs, " ")) },
		Lost:    func(peer, link string) { say("lost %s", peer) },
		Changed: func() { say("changed") },
		Log:     func(s string) { say("log %s", s) },
		Clock:   time.Now,
	}
	if err := m.Start(context.Background()); err != nil {
		return err
	}
	say("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return m.Close()
}

func peerID(letter string) string { return "12D3KooW" + strings.Repeat(letter, 44) }

func TestMDNSFindsLosesAndFindsAgain(t *testing.T) {
	a, b := peerID("A"), peerID("B")
	net := NewNet(t, 2)
	one := net.Start(0, "mdns", a)
	one.Wait("ready", 5*time.Second)
	two := net.Start(1, "mdns", b)
	two.Wait("ready", 5*time.Second)
	t.Logf("first contact: %v and %v", one.Wait("found "+b+" /ip4/10.77.0.11/tcp/4001", 2*time.Second), two.Wait("found "+a, 2*time.Second))
	one.Wait("/ip6zone/eth0/ip6/fe80:", 12*time.Second)

	net.Cut(1)
	two.Wait("lost "+a, 2*time.Second)
	time.Sleep(15 * time.Second) // sleep: the length of the cut
	if one.Skim("found") || two.Skim("found") {
		t.Error("something was found while the cable was out")
	}
	net.Heal(1)
	t.Logf("after the heal: %v and %v", two.Wait("found "+a, 5*time.Second), one.Wait("found "+b, 5*time.Second))

	net.Split(1)
	time.Sleep(12 * time.Second) // sleep: beyond the ten seconds in which a peer is shown once
	one.Skim("")
	net.Join()
	net.Cut(0)
	net.Heal(0)
	t.Logf("after a short flap: %v and %v", one.Wait("found "+b, 5*time.Second), two.Wait("found "+a, 5*time.Second))

	two.Stop()
	t.Logf("goodbye: %v", one.Wait("lost "+b, 2*time.Second))
	one.Stop()
}

// Two nodes on one machine share the port, and two nodes that start at the same time find each other.
func TestMDNSSharesTheMachine(t *testing.T) {
	net := NewNet(t, 2)
	var all []*Proc
	for i, letter := range []string{"A", "B", "C"} {
		all = append(all, net.Start(i/2, "mdns", peerID(letter)))
	}
	all[0].Wait("found "+peerID("B"), 3*time.Second)
	all[1].Wait("found "+peerID("C"), 3*time.Second)
	all[2].Wait("found "+peerID("A"), 3*time.Second)
	for _, p := range all {
		p.Stop()
	}
}

//go:build interop

package interop

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStrangers: five nodes on two LANs with a router between are told one address, a seeder's. The invite names no
// address either, so that members find each other by the hash table alone. The LANs part for longer than any timeout,
// both sides write, and after the heal all hold the same. Then the seeder goes for good, and so do the other four: the
// one that was off for the whole time comes back and gets everything from a relay that holds no key.
func TestStrangers(t *testing.T) {
	t.Parallel()
	net := NewLANs(t, 5, 2) // 0: seeder, 1-3 and the relay beside it, 5 and 6 behind the router
	seed := net.Seed(0, NewHome(t))
	relayHome := NewHome(t)
	net.Relay(4, relayHome, "--peer", seed.Addr())
	homes := []Home{NewHome(t), NewHome(t), NewHome(t), NewHome(t), NewHome(t)}
	invite := homes[0].Run("pars-node", "invite", "--title", "story") // no node runs yet: no address in it
	var s string
	for i, h := range homes[1:] {
		s = h.Run("pars-node", "join", "--name", fmt.Sprint("node ", i+1), invite)
	}
	flags := []string{"--no-mdns", "--peer", seed.Addr()}
	var nodes []*Node
	for i, h := range homes {
		at := i + 1
		if i > 2 {
			at++ // the relay is between
		}
		nodes = append(nodes, net.Run(at, h, flags...))
	}
	took, _ := equal(t, 60*time.Second, s, homes...)
	t.Logf("five strangers hold one log after %v", took.Round(100*time.Millisecond))
	var acked ledger
	live(t, homes, s, &acked)
	for _, h := range homes {
		until(t, 60*time.Second, "everybody knows the relay", func() bool { return strings.Contains(h.Run("pars-node", "status"), "relays\t1\n") })
	}

	nodes[2].Running.Stop() // off for the whole time
	on := []Home{homes[0], homes[1], homes[3], homes[4]}
	net.Part()
	end := time.Now().Add(cutFor)
	for i := range 4 {
		for j, h := range on {
			if err := acked.send(h, s, fmt.Sprintf("apart %d of %d", i, j)); err != nil {
				t.Error(err)
			}
		}
	}
	until(t, cutFor+time.Second, "the end of the cut", func() bool { return time.Now().After(end) })
	if homes[0].Has(s, "apart 3 of 3") {
		t.Error("the cut does not cut")
	}
	net.Whole()
	took, line := equal(t, 60*time.Second, s, on...)
	t.Logf("from the heal to equality: %v, %d acknowledged, %s", took.Round(10*time.Millisecond), acked.len(), line)

	until(t, 60*time.Second, "mail is left", func() bool {
		for _, h := range on {
			if !strings.Contains(h.Run("pars-node", "status"), "mail_waiting\t0\n") {
				return false
			}
		}
		return true
	})
	seed.Kill()
	for _, i := range []int{0, 1, 3, 4} {
		nodes[i].Running.Stop()
	}
	holdsNothing(t, relayHome, s, "apart", "story")
	nodes[2] = net.Run(3, homes[2], flags...)
	took, _ = equal(t, 60*time.Second, s, homes...)
	t.Logf("the one that was off holds all after %v", took.Round(10*time.Millisecond))
	acked.check(t, s, homes...)
	nodes[2].Running.Stop()
}

// holdsNothing searches a home for a session's id and texts.
func holdsNothing(t *testing.T, h Home, session string, texts ...string) {
	t.Helper()
	id, err := hex.DecodeString(session)
	if err != nil {
		t.Fatal(err)
	}
	needles := [][]byte{id, []byte(session)}
	for _, text := range texts {
		needles = append(needles, []byte(text))
	}
	files := 0
	err = filepath.WalkDir(h.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		files++
		for _, n := range needles {
			if bytes.Contains(b, n) {
				t.Errorf("%s of the relay holds %q", d.Name(), n)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files searched: %v", files, err)
	}
}

//go:build interop

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCards: Alice's code is on paper and Bob is behind another router; both know a seeder. Bob fetches the full card from
// Alice's own device, seals a letter to it that no conversation is needed for, and Alice reads it when her node is off:
// she holds the private half, and a third who has her code and the file reads nothing. A code that was replaced ends.
func TestCards(t *testing.T) {
	t.Parallel()
	net := NewLANs(t, 2, 2)
	seed := net.Seed(0, NewHome(t))
	alice, bob, eve := NewHome(t), NewHome(t), NewHome(t)
	flags := []string{"--no-mdns", "--peer", seed.Addr()}
	at := net.Run(1, alice, flags...)
	net.Run(2, bob, flags...)
	net.Run(3, eve, flags...)
	paper := alice.Run("pars-qr", "card")

	own, got := filepath.Join(alice.dir, "own.card"), filepath.Join(bob.dir, "fetched.card")
	took := until(t, 60*time.Second, "Bob fetches the card", func() bool {
		_, err := bob.Try("pars-qr", "card", "--fetch", paper, "-o", got)
		return err == nil
	})
	t.Logf("a stranger's card from its code after %v", took.Round(10*time.Millisecond))
	alice.Run("pars-qr", "card", "--full", "-o", own)
	if a, b := read(t, own), read(t, got); a != b || a == "" {
		t.Errorf("%d and %d bytes", len(a), len(b))
	}
	out := bob.Run("pars-qr", "card", "--held", "--json")
	if strings.Contains(out, `"roads":0`) || !strings.Contains(out, strings.Fields(alice.Run("pars-node", "id"))[0]) {
		t.Errorf("held: %s", out)
	}

	letter, stick := filepath.Join(bob.dir, "letter"), filepath.Join(bob.dir, "stick")
	if err := os.WriteFile(letter, []byte("meet me at noon"), 0o600); err != nil {
		t.Fatal(err)
	}
	bob.Run("pars-bundle", "pack", "--add", "file:"+letter, "--for", paper, "-o", stick)
	bob.Run("pars-bundle", "pack", "--add", "file:"+letter, "--for", own, "-o", stick+"2")
	until(t, 60*time.Second, "Eve fetches it, too", func() bool {
		_, err := eve.Try("pars-qr", "card", "--fetch", paper)
		return err == nil
	})
	if _, err := eve.Try("pars-bundle", "unpack", stick); err == nil || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("Eve: %v", err)
	}
	at.Running.Stop() // the private half is in the home
	var path string
	for line := range strings.Lines(alice.Run("pars-bundle", "unpack", "--json", stick)) {
		var r struct{ Path string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Error(err)
		}
		path += r.Path
	}
	if b := read(t, path); b != "meet me at noon" {
		t.Errorf("Alice reads %q", b)
	}
	alice.Run("pars-bundle", "verify", stick+"2")

	at = net.Run(1, alice, flags...)
	fresh := alice.Run("pars-qr", "card", "--new")
	if fresh == paper {
		t.Error("a new code is the old one")
	}
	until(t, 60*time.Second, "Eve fetches with the new code", func() bool {
		_, err := eve.Try("pars-qr", "card", "--fetch", fresh)
		return err == nil
	})
	if _, err := eve.Try("pars-qr", "card", "--fetch", strings.Replace(paper, "parsc1q", "parsc1p", 1)); err == nil || !strings.Contains(err.Error(), "exit status 6") {
		t.Errorf("a damaged code: %v", err)
	}
	at.Running.Stop()
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

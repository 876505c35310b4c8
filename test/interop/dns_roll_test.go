//go:build interop

package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
)

var _ = role("dns-as", dnsAs)

// dnsAs resolves a name of the lab by the anchors of each file and prints the verdicts. The server is kresd's cache with
// checking disabled, so what it believes itself does not matter.
func dnsAs(files []string) error {
	for _, file := range files {
		anchors, err := labAnchors(file)
		if err != nil {
			return err
		}
		server, err := labServer(exchange.TCP, unboundAddr)
		if err != nil {
			return err
		}
		r := &dnssec.Resolver{Server: server, Anchors: anchors, Now: time.Now}
		a, err := r.Lookup(context.Background(), "www.pars.test.", dnssec.TypeTXT)
		server.Close()
		if err != nil {
			return err
		}
		fmt.Println(file, a.Verdict, a.Why)
	}
	return nil
}

// TestDNSRoll rolls the root's key while a client holds the old anchor, the new one, and both.
func TestDNSRoll(t *testing.T) {
	lab := NewDNSLab(t)
	conf := filepath.Join(lab.dir, "knot", "knot.conf")
	anchorsNow := func() string {
		return lab.Shell("sh", "-c", "dig @127.0.53.1 . DNSKEY | dnssec-dsfromkey -2 -f - .")
	}
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(lab.dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wait := func(what string, done func() bool) {
		t.Helper()
		for end := time.Now().Add(40 * time.Second); !done(); {
			if time.Now().After(end) {
				t.Fatalf("%s did not happen", what)
			}
			time.Sleep(200 * time.Millisecond) // sleep: the server's own delays are seconds
		}
	}
	want := func(phase string, verdicts map[string]string) {
		t.Helper()
		var files []string
		for f := range verdicts {
			files = append(files, f)
		}
		slices.Sort(files)
		// the resolver in between keeps the root's keys for a second
		var out string
		for end := time.Now().Add(8 * time.Second); time.Now().Before(end); {
			out = lab.Run("dns-as", files...)
			ok := true
			for f, v := range verdicts {
				ok = ok && strings.Contains(out, f+" "+v)
			}
			if ok {
				return
			}
			time.Sleep(500 * time.Millisecond) // sleep: until the cache in between has forgotten
		}
		t.Errorf("%s: got %s, want %v", phase, out, verdicts)
	}
	old := anchorsNow()
	write("old.ds", old)
	want("before", map[string]string{"old.ds": "SECURE"})
	lab.Shell("knotc", "-c", conf, "zone-key-rollover", ".", "ksk")
	wait("the second key", func() bool {
		return strings.Count(lab.Shell("dig", "+short", "@127.0.53.1", ".", "DNSKEY"), "257 ") == 2
	})
	wait("its readiness", func() bool { return strings.Contains(lab.Shell("keymgr", "-c", conf, ".", "list"), "ready") })
	both := anchorsNow()
	var fresh []string
	for line := range strings.Lines(both) {
		if !strings.Contains(old, strings.TrimSpace(line)) {
			fresh = append(fresh, line)
		}
	}
	write("new.ds", strings.Join(fresh, ""))
	write("both.ds", both)
	want("both keys", map[string]string{"old.ds": "SECURE", "new.ds": "SECURE", "both.ds": "SECURE"})
	wait("the end of the old key", func() bool {
		lab.Shell("sh", "-c", "knotc -c "+conf+" zone-ksk-submitted . >/dev/null 2>&1; knotc -c "+conf+" zone-sign . >/dev/null 2>&1; true")
		return strings.Count(lab.Shell("dig", "+short", "@127.0.53.1", ".", "DNSKEY"), "257 ") == 1
	})
	want("after", map[string]string{"old.ds": "BOGUS", "new.ds": "SECURE", "both.ds": "SECURE"})
}

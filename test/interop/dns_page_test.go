//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// blocks are the indented lines of a page, in their order.
func blocks(page string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			b.WriteString(code)
		}
	}
	return b.String()
}

// TestOperatorsPage: the page for operators, copied and pasted from the first line to the last into one shell beside real servers.
func TestOperatorsPage(t *testing.T) {
	page := blocks(read(t, "../../docs/operators-dns.md"))
	for address, zone := range map[string]string{"127.0.53.3": "pars.test", "127.0.53.1": "knot.test"} { // BIND, Knot
		t.Run(zone, func(t *testing.T) {
			lab := NewDNSLab(t)
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			dir, home := filepath.Join(lab.dir, "page"), t.TempDir()
			var peers strings.Builder
			for _, e := range labEntries(30, 21) {
				fmt.Fprintln(&peers, strings.Join(e.Multiaddrs(), "\n"))
			}
			script := "export PARS_HOME=" + home + "\npars-bootstrap() { PARS_LAB_ROLE=hns-command " + self + " \"$@\"; }\n" +
				strings.NewReplacer("pars.test", zone, "127.0.53.3", address).Replace(page)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"peers.txt": peers.String(), "script": script, "tsig": read(t, filepath.Join(lab.dir, "tsig")), "root.ds": read(t, filepath.Join(lab.dir, "root.ds"))} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out := lab.Shell("bash", "-c", "cd "+dir+" && set -eux && . ./script")
			for _, want := range []string{"2 of 2 signatures", "plan\t", "updated\t", "removed\t", "ok\trotation", "SECURE", "it works", "/ip4/21."} {
				if !strings.Contains(out, want) {
					t.Errorf("%q does not stand in %s", want, out)
				}
			}
		})
	}
}

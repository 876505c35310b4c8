//go:build unix

package gossip

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// SIGHUP reads the list again, and what is wrong with it is told, while the relay goes on.
func TestSighup(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, _ := verb(t, nil, "relay", "--listen", "/ip4/127.0.0.1/tcp/0", "--from", list)
	addr := strings.Fields(out.wait(t, 1)[0])[2]
	nobody := "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA\n"
	if err := os.WriteFile(list, []byte(nobody), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if got := errs.wait(t, 1); !strings.Contains(strings.Join(got, " "), "read the list again") {
		t.Errorf("says %q", got)
	}
	if row, _ := run(t, 0, "", "peers", "--peer", addr, "--wait", "1s"); row == "" {
		t.Error("the relay is gone")
	}
}

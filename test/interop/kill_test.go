//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/profile"
)

var _ = role("writer", runWriter)

func openHome(dir string) (*node.Home, error) {
	p, err := profile.Load("devnet", os.ReadFile)
	if err != nil {
		return nil, err
	}
	return node.OpenHome(node.HomeConfig{Dir: dir, Profile: p, Phone: true}, true)
}

// runWriter opens the home, writes 25 messages, printing each id once it is acknowledged, and closes.
func runWriter(args []string) error {
	h, err := openHome(args[0])
	if err != nil {
		return err
	}
	for i := range 25 {
		it, err := h.Sessions.List()[0].Send(fmt.Sprint("message ", i, strings.Repeat(" ", 600)), time.Now())
		if err != nil {
			return err
		}
		fmt.Println(it.ID)
	}
	return h.Close()
}

// TestKilledAtEverySync kills a writer at its first, second, third … sync of the disk, of each kind, and
// at each rename: what it acknowledged is there afterwards, and it can go on.
func TestKilledAtEverySync(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		skip(t, "strace is not installed")
	}
	kills, acked := 0, 0
	for _, call := range []string{"msync", "fdatasync", "fsync", "rename"} {
		for n := 1; n < 80; n++ {
			killed, got := killAt(t, call, n)
			acked += got
			if !killed {
				break
			}
			kills++
		}
	}
	t.Logf("%d kills, %d acknowledged writes, none lost", kills, acked)
	if kills < 15 {
		t.Errorf("only %d kills: the faults were not injected", kills)
	}
}

// killAt runs a writer that dies at the n-th call of a kind and looks at what it left.
func killAt(t *testing.T, call string, n int) (killed bool, acked int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	h, err := openHome(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Sessions.Create("kill", time.Now()); err != nil {
		t.Fatal(err)
	}
	h.Close()
	cmd := exec.Command("strace", "-f", "-q", "-o", "/dev/null", "-e", "trace="+call,
		"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), os.Args[0], dir)
	cmd.Env = append(os.Environ(), roleVariable+"=writer")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	h, err = openHome(dir)
	if err != nil {
		t.Fatalf("killed at %s %d: does not open: %v", call, n, err)
	}
	defer h.Close()
	s := h.Sessions.List()[0]
	have := map[string]bool{}
	for _, m := range s.Log().Order() {
		have[m.ID.String()] = true
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); acked++ {
		if !have[lines.Text()] {
			t.Errorf("killed at %s %d: an acknowledged message is lost", call, n)
		}
	}
	if d := s.Log().Damage(); d.Any() {
		t.Errorf("killed at %s %d: damage %+v", call, n, d)
	}
	if _, err := s.Send("and on", time.Now()); err != nil {
		t.Errorf("killed at %s %d: does not go on: %v", call, n, err)
	}
	return exit != nil, acked
}

//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSecondStory: two nodes that know each other by --peer alone are cut for longer than any timeout, both
// write, one is killed while it writes and started again, and they meet when the cut ends.
func TestSecondStory(t *testing.T) {
	t.Parallel()
	net := NewNet(t, 2)
	homes := []Home{NewHome(t), NewHome(t)}
	a := net.Run(0, homes[0], "--no-mdns")
	b := net.Run(1, homes[1], "--no-mdns", "--peer", a.Addr())
	s := share(t, homes)
	var acked ledger
	live(t, homes, s, &acked)
	until(t, 5*time.Second, "the road by name", func() bool { return strings.Contains(homes[1].Run("pars-node", "peers"), "\tflag\t") })

	net.Split(1)
	end := time.Now().Add(cutFor)
	for i := range 8 {
		if err := acked.send(homes[i%2], s, fmt.Sprint("apart ", i)); err != nil {
			t.Error(err)
		}
	}
	acked.killWhileWriting(b, s)
	b = net.Run(1, homes[1], "--no-mdns", "--peer", a.Addr())
	until(t, cutFor+time.Second, "the end of the cut", func() bool { return time.Now().After(end) })
	net.Join()
	took, line := equal(t, 60*time.Second, s, homes...)
	t.Logf("from the heal to equality: %v, %d acknowledged, %s", took.Round(10*time.Millisecond), acked.len(), line)
	acked.check(t, s, homes...)
	a.Running.Stop()
	b.Running.Stop()
}

// TestOneSurvivor: of twenty homes nineteen are destroyed. The last one, offline, shows everything that was
// said; and a network grows again from it: new nodes join through it and hold everything.
func TestOneSurvivor(t *testing.T) {
	t.Parallel()
	const all = 20
	net := NewNet(t, 4)
	var homes []Home
	for range all {
		homes = append(homes, NewHome(t))
	}
	s := share(t, homes)
	var acked ledger
	var nodes []*Node
	for i, h := range homes { // six on each machine but the last, which stays free
		if err := acked.send(h, s, fmt.Sprint("said by ", i)); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, net.Run(i%3, h))
	}
	took, line := equal(t, 90*time.Second, s, homes...)
	t.Logf("%d nodes are level after %v: %s", all, took.Round(100*time.Millisecond), line)
	last := 7
	for i, n := range nodes {
		n.Kill()
		if i != last {
			if err := os.RemoveAll(homes[i].dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	h := homes[last]
	acked.check(t, s, h)
	for i := range all {
		if !h.Has(s, fmt.Sprint("said by ", i)) {
			t.Errorf("the survivor does not show what %d said", i)
		}
	}
	if got := h.Run("pars-dag", "check", s); got != line {
		t.Errorf("offline: %s, want %s", got, line)
	}
	grown := []Home{h}
	survivor := net.Run(0, h)
	invite := h.Run("pars-node", "invite", s)
	for i := range 3 {
		n := NewHome(t)
		net.Run(i+1, n)
		n.Run("pars-node", "join", "--name", fmt.Sprint("new ", i), invite)
		if err := acked.send(n, s, fmt.Sprint("grown again ", i)); err != nil {
			t.Error(err)
		}
		grown = append(grown, n)
	}
	took, line = equal(t, 60*time.Second, s, grown...)
	t.Logf("grown again in %v: %s", took.Round(10*time.Millisecond), line)
	acked.check(t, s, grown...)
	if !grown[3].Has(s, "said by 0\n", "said by 19\n") {
		t.Error("a new node does not show what the lost ones said")
	}
	survivor.Running.Stop()
}

// TestFullDisk: a node whose disk fills up refuses to write and says why, goes on reading, and takes up
// writing and what others wrote once there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	net := NewNet(t, 2)
	big, small := NewHome(t), NewHome(t)
	if err := syscall.Mount("tmpfs", small.dir, "tmpfs", 0, "size=96m,mode=700"); err != nil {
		skip(t, "no tmpfs: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	homes := []Home{big, small}
	for i, h := range homes {
		net.Run(i, h)
	}
	s := share(t, homes)
	var acked ledger
	live(t, homes, s, &acked)

	ballast := filepath.Join(small.dir, "ballast")
	for _, left := range []int64{6 << 20, 0} { // below what is kept free; nothing at all
		fill(t, ballast, left)
		cmd := small.command("pars-node", "send", s, "no room")
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "store is full") {
			t.Errorf("%d bytes left: exit %d: %s", left, code, out)
		}
		if err := acked.send(big, s, fmt.Sprintf("meanwhile, with %d left there", left)); err != nil {
			t.Error(err)
		}
		if !small.Has(s, "live from 0", "live from 1") {
			t.Errorf("%d bytes left: nothing can be read", left)
		}
		if line, err := small.Try("pars-dag", "check", s); err != nil {
			t.Errorf("%d bytes left: check: %s: %v", left, line, err)
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	took := until(t, 20*time.Second, "writing goes on", func() bool { return acked.send(small, s, "room again") == nil })
	again, line := equal(t, 90*time.Second, s, homes...)
	t.Logf("writing after %v, level after %v: %s", took.Round(time.Millisecond), again.Round(10*time.Millisecond), line)
	acked.check(t, s, homes...)
	if small.Has(s, "no room") {
		t.Error("what was refused was written")
	}
}

// fill leaves about so many bytes on the disk of a file.
func fill(t *testing.T, name string, left int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(name), &st); err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 64<<10)
	for n := int64(st.Bavail)*st.Bsize - left; n > 0; n -= int64(len(piece)) {
		if _, err := f.Write(piece[:min(int64(len(piece)), n)]); err != nil {
			return // full to the last byte
		}
	}
}

// foreign are the programs that scripts/foreign.sh builds, and what runs them here.
func foreign() map[string][]string {
	return map[string][]string{
		"linux-arm64":   {"qemu-aarch64-static"},
		"android-arm64": {"sh", "../lab/android/run.sh"},
	}
}

// TestForeignMachines: the commands built for arm64, on Linux and on Android, make a home, write and read in
// it and find it whole; and the native commands open the same home and print the same line.
func TestForeignMachines(t *testing.T) {
	for name, runner := range foreign() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(foreignRoot(), name)
			if _, err := os.Stat(filepath.Join(dir, "pars-node")); err != nil {
				skip(t, "not built: run test/lab/install.sh")
			}
			if _, err := exec.LookPath("qemu-aarch64-static"); err != nil {
				skip(t, "no qemu-aarch64-static: run test/lab/install.sh")
			}
			h := NewHome(t)
			there := func(verb string, args ...string) string {
				t.Helper()
				return h.Run(runner[0], append(append(runner[1:len(runner):len(runner)], filepath.Join(dir, verb)), args...)...)
			}
			account := there("pars-node", "init")
			there("pars-node", "invite", "--title", "سفر")
			s, _, _ := strings.Cut(there("pars-node", "sessions"), "\t")
			there("pars-node", "send", s, "سلام from far away")
			line := there("pars-dag", "check", s)
			if got := h.Run("pars-dag", "check", s); got != line || !strings.HasPrefix(line, "ok 2 vertices 1 heads") {
				t.Errorf("there %q, here %q", line, got)
			}
			if got := h.Run("pars-node", "id"); !strings.HasPrefix(got, account+" ") {
				t.Errorf("there %q, here %q", account, got)
			}
			h.Run("pars-node", "send", s, "and from here")
			if text := there("pars-node", "read", s); !strings.Contains(text, "سلام from far away\n") || !strings.HasSuffix(text, "and from here") {
				t.Errorf("read there: %q", text)
			}
			if there, here := there("pars-dag", "check", s), h.Run("pars-dag", "check", s); there != here {
				t.Errorf("there %q, here %q", there, here)
			}
			t.Log(line)
		})
	}
}

func foreignRoot() string {
	if dir := os.Getenv("PARS_LAB_FOREIGN"); dir != "" {
		return dir
	}
	return "/var/cache/pars-lab/foreign"
}

//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/node"
)

var _ = role("unpacker", runUnpacker)

// runUnpacker takes a bundle and prints each entry that it acknowledges.
func runUnpacker(args []string) error {
	h, err := openHome(args[0])
	if err != nil {
		return err
	}
	c, err := h.Courier()
	if err != nil {
		return err
	}
	_, err = c.Unpack(context.Background(), courier.FileQuery{Path: args[1]}, func(r courier.Result) error {
		if r.Kind == "vertices" {
			fmt.Println(r.ID)
		}
		return nil
	})
	return errors.Join(err, h.Close())
}

// TestUnpackKilled kills an unpack at its first, second, third … operation on files of each kind: what it acknowledged
// is there afterwards, no file is half there, and the same command ends it.
func TestUnpackKilled(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		skip(t, "strace is not installed")
	}
	dir := t.TempDir()
	a, err := openHome(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	room, err := a.Sessions.Create("kill", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if _, err := room.Send(fmt.Sprint("message ", i), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	program := bytes.Repeat([]byte("program "), 50_000)
	path, file := filepath.Join(dir, "prog"), filepath.Join(dir, "bundle")
	if err := os.WriteFile(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := a.Courier()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := c.Pack(context.Background(), courier.PackQuery{Sessions: []string{room.ID().String()}, Parity: 800,
		Add: []courier.AddedFile{{Kind: "file", Path: path, Name: "prog"}}}, &out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	invite := room.Invite(time.Now().Add(time.Hour), nil)
	join := func(h *node.Home) error { _, err := h.Sessions.Join(invite, "b", time.Now()); return err }
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	kills, acked := 0, 0
	for _, call := range []string{"msync", "fdatasync", "fsync", "renameat", "pwrite64", "mkdirat", "fchmod"} {
		for n := 1; n < 40; n++ {
			killed, got := unpackKilledAt(t, call, n, file, program, join)
			acked += got
			if !killed {
				break
			}
			kills++
		}
	}
	t.Logf("%d kills, %d acknowledged entries, none lost", kills, acked)
	if kills < 10 {
		t.Errorf("only %d kills: the faults were not injected", kills)
	}
}

func unpackKilledAt(t *testing.T, call string, n int, file string, program []byte, join func(*node.Home) error) (killed bool, acked int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "b")
	h, err := openHome(dir)
	if err == nil {
		err = errors.Join(join(h), h.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("strace", "-f", "-q", "-o", "/dev/null", "-e", "trace="+call,
		"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), os.Args[0], dir, file)
	cmd.Env = append(os.Environ(), roleVariable+"=unpacker")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	placed := filepath.Join(dir, "files", "files", "prog")
	if b, err := os.ReadFile(placed); err == nil && !bytes.Equal(b, program) {
		t.Errorf("killed at %s %d: half a file is shown", call, n)
	}
	if h, err = openHome(dir); err != nil {
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
			t.Errorf("killed at %s %d: an acknowledged entry is lost", call, n)
		}
	}
	c, err := h.Courier()
	if err == nil {
		_, err = c.Unpack(context.Background(), courier.FileQuery{Path: file}, func(courier.Result) error { return nil })
	}
	if got, _ := s.Log().Count(); err != nil || got != 62 {
		t.Errorf("killed at %s %d: %d entries of 62 after the second run, %v", call, n, got, err)
	}
	if b, err := os.ReadFile(placed); err != nil || !bytes.Equal(b, program) {
		t.Errorf("killed at %s %d: the file is not there after the second run: %v", call, n, err)
	}
	return exit != nil, acked
}

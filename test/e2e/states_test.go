package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestForeignNetwork: two nodes of different networks say so, the one that called and the one that was called.
func TestForeignNetwork(t *testing.T) {
	a := start(t, home(t))
	b := start(t, home(t), "--profile", "pars-2026", "--peer", a.addr)
	for name, p := range map[string]*proc{"called": a, "caller": b} {
		until(t, 20*time.Second, name+" says so", func() bool {
			return strings.Contains(p.log.String(), "peer is of another network or profile")
		})
	}
}

// TestLongPath: a home that is too deep for a socket is told so, and what to do.
func TestLongPath(t *testing.T) {
	h := filepath.Join(home(t), strings.Repeat("deep", 30))
	cmd := command(h, "pars-node", "run", "--offline")
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "choose a shorter --home") {
		t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), out)
	}
	run(t, h, "pars-node", "invite") // no node, no socket
}

// TestDamage flips bytes in the store of a stopped node. It opens; what it shows was said; a check names the
// faults or finds none; and with a peer that has it all the node is whole again. Where the flip hit the key
// of the session, that is told, and the session must be joined again.
func TestDamage(t *testing.T) {
	d := newDamage(t)
	seeds := uint64(8)
	if testing.Short() {
		seeds = 3
	}
	if soak {
		seeds = 500
	}
	for seed := range seeds {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { d.try(t, seed) }) {
			t.Logf("replay: go test -tags soak ./test/e2e -run '^TestDamage$/^%d$'", seed)
		}
	}
}

// damage is a session that a running node and a stopped one share.
type damage struct {
	a               *proc
	b               string // the home of the stopped one
	invite, session string
	said            map[string]bool
}

func newDamage(t *testing.T) damage {
	ha, d := home(t), damage{b: home(t), said: map[string]bool{}}
	d.invite = run(t, ha, "pars-node", "invite", "--title", "damage")
	d.session = run(t, d.b, "pars-node", "join", d.invite)
	for i := range 12 {
		for who, h := range []string{ha, d.b} {
			text := fmt.Sprintf("%d says %d %s", who, i, strings.Repeat("salam ", i*9))
			d.said[strings.TrimSpace(text)] = true
			run(t, h, "pars-node", "send", d.session, text)
		}
	}
	d.a = start(t, ha)
	b := start(t, d.b, "--peer", d.a.addr)
	equal(t, d.session, ha, d.b)
	b.stop()
	for range 4 { // an older and a newer table
		run(t, d.b, "pars-node", "read", d.session)
	}
	return d
}

func (d damage) try(t *testing.T, seed uint64) {
	h := home(t)
	if err := os.CopyFS(h, os.DirFS(d.b)); err != nil {
		t.Fatal(err)
	}
	where := flip(t, filepath.Join(h, "store"), seed)
	d.shows(t, h)
	cmd := command(h, "pars-dag", "check", d.session)
	out, _ := cmd.CombinedOutput()
	lost := false
	switch code := cmd.ProcessState.ExitCode(); {
	case code == 6 && len(out) > 0, code == 0 && strings.HasPrefix(string(out), "ok "):
		t.Logf("%v: exit %d", where, code)
	case code == 4: // the key of the session is gone
		lost = true
		if status := run(t, h, "pars-node", "status"); !strings.Contains(status, "alarm\t") {
			t.Errorf("%v: a session is missing and there is no alarm: %s", where, status)
		}
		run(t, h, "pars-node", "join", d.invite)
		t.Logf("%v: joined again", where)
	default:
		t.Errorf("%v: check: exit %d: %s", where, code, out)
	}
	c := start(t, h, "--peer", d.a.addr)
	equal(t, d.session, d.a.home, h)
	if n := d.shows(t, h); n != len(d.said) {
		t.Errorf("%v: %d of %d messages after the repair, lost %v", where, n, len(d.said), lost)
	}
	c.stop()
	want := run(t, d.a.home, "pars-dag", "check", d.session)
	if line := run(t, h, "pars-dag", "check", d.session); line != want {
		t.Errorf("after a restart: %s, want %s", line, want)
	}
}

// flip changes one to three bytes in the store, where its files hold something.
func flip(t *testing.T, dir string, seed uint64) (where []string) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 6))
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 1 + rnd.IntN(3) {
		name := files[rnd.IntN(len(files))].Name()
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		end := len(strings.TrimRight(string(b), "\x00")) // files of the store are long and empty
		if end == 0 {
			continue
		}
		at := rnd.IntN(end)
		b[at] ^= byte(1 + rnd.IntN(255))
		where = append(where, fmt.Sprintf("%s:%d/%d", name, at, end))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return where
}

// shows counts the messages that are shown, and fails when one is shown that nobody said.
func (d damage) shows(t *testing.T, h string) (n int) {
	t.Helper()
	out, err := try(h, "pars-node", "read", d.session)
	if err != nil {
		t.Logf("read: %v", err)
	}
	for line := range strings.Lines(out) {
		text := strings.TrimSpace(line[strings.LastIndex(line, "\t")+1:])
		switch {
		case d.said[text]:
			n++
		case !strings.HasPrefix(text, "["):
			t.Errorf("nobody said %q", text)
		}
	}
	return n
}

// equal waits until both homes print the same check line.
func equal(t *testing.T, s, a, b string) {
	t.Helper()
	until(t, 60*time.Second, "equal check lines", func() bool {
		la, err := try(a, "pars-dag", "check", s)
		lb, err2 := try(b, "pars-dag", "check", s)
		return err == nil && err2 == nil && la == lb && strings.HasPrefix(la, "ok ")
	})
}

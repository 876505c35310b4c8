package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestCutKillHeal: two nodes talk, the cable is cut, both write, one is killed in the middle of writing
// and started again, the cable is back: both print the same check line and nothing is missing that a
// send acknowledged.
func TestCutKillHeal(t *testing.T) {
	ha, hb := home(t), home(t)
	invite := run(t, ha, "pars-node", "invite", "--title", "cut")
	s := run(t, hb, "pars-node", "join", "--name", "b", invite)
	a := start(t, ha)
	c, road := newCable(t, a.addr)
	b := start(t, hb, "--peer", road)
	run(t, ha, "pars-node", "send", s, "hello")
	until(t, 20*time.Second, "the first message", func() bool { return reads(t, hb, s, "hello") })

	c.set(true)
	var acked []string
	for i := range 5 {
		acked = append(acked, run(t, ha, "pars-node", "send", s, fmt.Sprint("a", i)))
		acked = append(acked, run(t, hb, "pars-node", "send", s, fmt.Sprint("b", i)))
	}
	acked = append(acked, killWhileWriting(t, b, s)...)
	start(t, hb, "--peer", road)
	acked = append(acked, run(t, hb, "pars-node", "send", s, "back"))
	c.set(false)
	equal(t, s, ha, hb)
	for _, h := range []string{ha, hb} {
		log, err := try(h, "pars-dag", "ls", s)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range acked {
			if !strings.Contains(log, id) {
				t.Errorf("an acknowledged message is missing: %s", id)
			}
		}
	}
}

func reads(t *testing.T, home, s, text string) bool {
	out, err := try(home, "pars-node", "read", s)
	return err == nil && strings.Contains(out, text)
}

// killWhileWriting sends through a node from four sides until it is killed, and returns what was
// acknowledged.
func killWhileWriting(t *testing.T, p *proc, s string) []string {
	var mu sync.Mutex
	var acked []string
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if id, err := try(p.home, "pars-node", "send", s, fmt.Sprintf("w%d-%d", w, i)); err == nil {
					mu.Lock()
					acked = append(acked, id)
					mu.Unlock()
				}
			}
		})
	}
	until(t, 30*time.Second, "some writes", func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) >= 12 })
	p.kill()
	close(stop)
	wg.Wait()
	return acked
}

// TestOneHome: a second node on the same home is told that it is busy; verbs go through the first.
func TestOneHome(t *testing.T) {
	h := home(t)
	start(t, h)
	cmd := command(h, "pars-node", "run", "--offline")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 7 || !strings.Contains(string(out), "runs on "+h+" already") {
		t.Errorf("exit %d: %v %s", cmd.ProcessState.ExitCode(), err, out)
	}
	run(t, h, "pars-node", "invite")
}

// TestPortTaken names the port and what to do.
func TestPortTaken(t *testing.T) {
	a := start(t, home(t))
	listen, _, _ := strings.Cut(a.addr, "/p2p/")
	out, err := command(home(t), "pars-node", "run", "--no-mdns", "--listen", listen).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--listen") {
		t.Errorf("%v %s", err, out)
	}
}

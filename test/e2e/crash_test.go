package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCrashLoop kills a node while it writes, again and again, on one home. What was acknowledged before any
// of the kills is there after each, the log is whole, and a peer that was there all the time has the same.
func TestCrashLoop(t *testing.T) {
	cycles := 4
	if testing.Short() {
		cycles = 2
	}
	if soak {
		cycles = 500
	}
	ha, hb := home(t), home(t)
	s := run(t, hb, "pars-node", "join", run(t, ha, "pars-node", "invite"))
	a := start(t, ha)
	seen := 0
	var acked []string
	for cycle := range cycles {
		b := start(t, hb, "--peer", a.addr)
		began := time.Now()
		acked = append(acked, killWhileWriting(t, b, s)...)
		line, err := try(hb, "pars-dag", "check", s)
		if err != nil || !strings.HasPrefix(line, "ok ") {
			t.Fatalf("cycle %d: check: %s: %v", cycle, line, err)
		}
		log := run(t, hb, "pars-dag", "ls", s)
		for _, id := range acked[seen:] {
			if !strings.Contains(log, id) {
				t.Fatalf("cycle %d, killed after %v: %s was acknowledged and is lost", cycle, time.Since(began), id)
			}
		}
		seen = len(acked)
	}
	run(t, hb, "pars-node", "send", s, fmt.Sprintf("after %d kills", cycles))
	start(t, hb, "--peer", a.addr)
	equal(t, s, ha, hb)
	log := run(t, ha, "pars-dag", "ls", s)
	for _, id := range acked {
		if !strings.Contains(log, id) {
			t.Errorf("the peer lacks %s", id)
		}
	}
	t.Logf("%d kills, %d acknowledged, none lost", cycles, len(acked))
}

//go:build soak

package gossip

import "testing"

// TestAttacksSoak: the same attacks by 1,000 on 50.
func TestAttacksSoak(t *testing.T) {
	honest = 50
	for name, f := range map[string]func(*testing.T){"sybil": TestAttackSybil, "eclipse": TestAttackEclipse, "censor": TestAttackCensor, "cold boot": TestAttackColdBoot,
		"covert flash": TestAttackCovertFlash, "graft flood": TestAttackGraftFlood, "ihave": TestAttackIHave, "storm": TestAttackStorm} {
		t.Run(name, f)
	}
}

// TestTreeSoak: ten thousand sessions with loss, sleepers and cuts.
func TestTreeSoak(t *testing.T) {
	for seed := range uint64(10_000) {
		converge(t, seed+1000)
	}
}

// TestMutatedFramesSoak: 10^7 changed frames of each kind.
func TestMutatedFramesSoak(t *testing.T) { mutatedFrames(t, 10_000_000) }

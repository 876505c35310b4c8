package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestQuota(t *testing.T) {
	var q quotas
	for i := range 2 * maxQuotas { // many peers cost one bucket each, and old ones go
		q.charge(peer.ID(fmt.Sprint("old", i)), 1, noon)
	}
	if !q.charge("a", worksBurst, noon) || q.charge("a", 1, noon) {
		t.Error("the burst is not the limit")
	}
	if !q.charge("b", 1, noon) {
		t.Error("one peer pays for another")
	}
	if !q.charge("a", worksPerSecond, noon.Add(2*time.Second)) {
		t.Error("time gives nothing back")
	}
	for i := range maxQuotas {
		q.charge(peer.ID(fmt.Sprint("new", i)), 1, noon.Add(time.Hour))
	}
	if len(q.list) > 2*maxQuotas+2 {
		t.Errorf("%d buckets", len(q.list))
	}
}

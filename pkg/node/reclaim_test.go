package node

import (
	"testing"

	"github.com/pars-network/pars/pkg/resource"
)

func TestMayReclaim(t *testing.T) {
	for name, m := range map[string]resource.Mode{"low power": {LowPower: true}, "nearly empty": {Flush: true}, "asleep": {Idle: true}, "no memory": {Memory: resource.Strict}} {
		if mayReclaim(m) {
			t.Errorf("%s: room is given back", name)
		}
	}
	if !mayReclaim(resource.Mode{Metered: true, Storage: resource.Strict}) {
		t.Error("a full disk on a metered line is not cleared")
	}
}

package dag

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

// TestFarKey: a damaged key names a place far behind the last. No room is made for it: opening once took all memory.
func TestFarKey(t *testing.T) {
	v := newVictim(t, false)
	before := v.logs[1].Arrivals()
	moved := v.raw[v.table(store.TableVertex)[3]]
	key := bytes.Clone(moved.Key)
	binary.BigEndian.PutUint64(key[len(key)-8:], 1<<30)
	if err := v.eng[1].Commit([]store.Write{{Key: key, Value: moved.Value}}); err != nil {
		t.Fatal(err)
	}
	v.open(1)
	if got := v.logs[1].Arrivals(); got != before {
		t.Errorf("%d places, %d before", got, before)
	}
	v.check("with a record at a far place")
}

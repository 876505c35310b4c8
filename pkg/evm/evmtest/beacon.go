package evmtest

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/pars-network/pars/pkg/evm/light"
)

// Beacon is a beacon node. Bend, when set, may change an update before it is told, BendBytes the bytes of any answer.
type Beacon struct {
	Chain *Chain
	// Head is the slot it tells of.
	Head      uint64
	Bend      func(k light.Kind, u *light.Update)
	BendBoot  func(b *light.Bootstrap)
	BendBytes func(b []byte) []byte
	// Status, when set, is all that is answered.
	Status int

	moved atomic.Uint64
}

// Update is the best update of a period up to the head: the newest that attests a slot in it.
func (b *Beacon) update(period uint64) *light.Update {
	last := min((period+1)*64-2, b.head())
	return b.Chain.Update(last, b.Chain.All())
}

// ServeHTTP knows the light-client routes.
func (b *Beacon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.Status != 0 {
		http.Error(w, "no", b.Status)
		return
	}
	out, ok := b.route(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if b.BendBytes != nil {
		out = b.BendBytes(out)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(out)
}

func (b *Beacon) route(r *http.Request) ([]byte, bool) {
	s := b.Chain.Spec
	path := strings.TrimPrefix(r.URL.Path, "/eth/v1/beacon/light_client/")
	if root, ok := strings.CutPrefix(path, "bootstrap/"); ok {
		for slot := b.head(); slot > 0; slot-- {
			if b.Chain.Root(slot).String() == root {
				boot := *b.Chain.Bootstrap(slot)
				if b.BendBoot != nil {
					b.BendBoot(&boot)
				}
				return boot.Encode(s), true
			}
		}
		return nil, false
	}
	switch path {
	case "finality_update":
		return b.bent(light.KindFinality, b.Chain.Update(b.head(), b.Chain.All())), true
	case "optimistic_update":
		return b.bent(light.KindOptimistic, b.Chain.Update(b.head(), b.Chain.All())), true
	case "updates":
		var start, count uint64
		fmt.Sscan(r.URL.Query().Get("start_period"), &start)
		fmt.Sscan(r.URL.Query().Get("count"), &count)
		var out []byte
		for p := start; p < start+count && p <= s.Period(b.head()); p++ {
			one := b.bent(light.KindUpdate, b.update(p))
			out = binary.LittleEndian.AppendUint64(out, uint64(len(one)+4))
			out = append(append(out, 1, 2, 3, 4), one...) // the digest is not looked at
		}
		return out, true
	}
	return nil, false
}

func (b *Beacon) bent(k light.Kind, u *light.Update) []byte {
	if k != light.KindUpdate {
		clear(u.NextBranch)
	}
	if b.Bend != nil {
		b.Bend(k, u)
	}
	return u.Encode(b.Chain.Spec, k)
}

// Move sets the head while requests may be under way.
func (b *Beacon) Move(head uint64) { b.moved.Store(head) }

func (b *Beacon) head() uint64 { return max(b.Head, b.moved.Load()) }

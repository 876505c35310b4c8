// Package readers verifies what bundles carry for other packages, and puts it where they look for it.
//
// Lists of first peers go to the memory of the race, updates of a light client into the folder evm/carried of the home.
// What needs the machine of the chain is told where a node follows it.
package readers

import (
	"context"
	"errors"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/store"
)

// Home says where the readers of a home keep what they know. The zero value of a field is a home without it.
type Home struct {
	Profile *profile.Profile
	Memory  bootstrap.Memory // of the race for first peers
	Chain   Chain            // what a node that follows a chain can tell
	Files   store.FS
}

// Of returns the readers of a home.
func Of(h Home) map[bundle.Kind]courier.Reader {
	return map[bundle.Kind]courier.Reader{
		bundle.KindList:   {Check: h.checkList, Take: h.takeList},
		bundle.KindDNSSEC: {Check: h.checkNames},
		bundle.KindUpdate: {Check: h.checkUpdate, Take: h.takeUpdate},
		bundle.KindProof:  {Check: h.checkProof},
		bundle.KindTx:     {Check: h.checkTx, Take: h.takeTx},
	}
}

func later(why string) func([]byte, time.Time) error {
	return func([]byte, time.Time) error { return courier.Cannot("%s", why) }
}

// Settings is a bootstrap.Memory in the store of a home, where the node has its own.
type Settings struct{ Store *store.Store }

// Load returns what Save kept.
func (s Settings) Load(name string) ([]byte, error) {
	root := s.Store.Root()
	return root.Get(store.TableState, root.Name(store.TableState, []byte(name)))
}

// Save keeps a value.
func (s Settings) Save(name string, value []byte) error {
	root, b := s.Store.Root(), &store.Batch{}
	root.Put(b, store.TableState, root.Name(store.TableState, []byte(name)), value)
	return s.Store.Commit(b)
}

func (h Home) setup(now time.Time) *bootstrap.Setup {
	return &bootstrap.Setup{Profile: h.Profile, Memory: h.Memory, Now: func() time.Time { return now }}
}

func (h Home) checkList(b []byte, now time.Time) error {
	if h.Profile == nil || h.Profile.Bootstrap == nil || len(h.Profile.Bootstrap.TrustSets) == 0 {
		return courier.Cannot("the profile names nobody who signs lists")
	}
	err := h.setup(now).CheckList(b)
	var r *list.Refusal
	if errors.As(err, &r) && (r.Reason == list.UnknownSet || r.Reason == list.OtherNetwork || r.Reason == list.Older) {
		return courier.Cannot("%s", r.Text)
	}
	return err
}

func (h Home) takeList(b []byte, now time.Time) error {
	if h.Memory == nil {
		return nil
	}
	return h.setup(now).TakeList(context.Background(), b)
}

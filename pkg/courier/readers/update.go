package readers

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"strconv"
	"time"

	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// carriedDir is where a light client looks for updates that couriers brought.
const carriedDir = "evm/carried/"

// Update returns the payload of an update's record: the chain's tag, SHA-256 of genesis and forks cut to 8 bytes ‖ kind ‖
// the bare container.
func Update(s *light.Spec, k light.Kind, ssz []byte) []byte {
	id := s.ID()
	return append(append(id[:8:8], byte(k)), ssz...)
}

// update reads the payload of an update for the chain of the profile.
func (h Home) update(b []byte) (s *light.Spec, k light.Kind, u *light.Update, err error) {
	if len(b) < 10 {
		return nil, 0, nil, wire.Invalid("an update of %d bytes", len(b))
	}
	if h.Profile == nil || h.Profile.Chain == nil || h.Profile.Chain.Finality == profile.FinalityNone {
		return nil, 0, nil, courier.Cannot("the profile names no chain that proves its heads")
	}
	if s, err = light.SpecOf(h.Profile.Chain); err != nil {
		return nil, 0, nil, err
	}
	if id := s.ID(); string(id[:8]) != string(b[:8]) {
		return nil, 0, nil, courier.Cannot("it is of another chain")
	}
	if k = light.Kind(b[8]); k == light.KindBootstrap {
		return nil, 0, nil, courier.Cannot("a checkpoint is believed when its root is named: pars-evm sync --checkpoint")
	}
	u, err = s.ReadUpdate(k, b[9:])
	return s, k, u, err
}

// checkUpdate asks whether a committee that is known here signed an update.
func (h Home) checkUpdate(b []byte, now time.Time) error {
	s, _, u, err := h.update(b)
	if err != nil {
		return err
	}
	if h.Files == nil {
		return courier.Cannot("no head of the chain is held here")
	}
	if h.Chain.Fresh != nil {
		h.Chain.Fresh()
	}
	id := s.ID()
	kept, err := h.Files.ReadFile("evm/" + hex.EncodeToString(id[:4]) + ".light")
	if errors.Is(err, fs.ErrNotExist) {
		return courier.Cannot("no head of the chain is held here: pars-evm sync")
	}
	var st *light.Store
	if err == nil {
		st, err = light.DecodeStore(s, kept)
	}
	if err != nil {
		return courier.Cannot("the head of the chain: %v", err)
	}
	if err = st.Proves(u, s.SlotAt(now.UnixMilli())); errors.Is(err, light.ErrPeriod) || errors.Is(err, light.ErrFuture) {
		return courier.Cannot("%v", err)
	}
	return err
}

// takeUpdate puts an update where a light client of this home looks, unless a better one is there.
func (h Home) takeUpdate(b []byte, _ time.Time) error {
	if h.Chain.Took != nil {
		defer h.Chain.Took()
	}
	s, k, u, err := h.update(b)
	if err != nil {
		return err
	}
	what := ""
	if k == light.KindUpdate {
		what = strconv.FormatUint(s.Period(u.Attested.Beacon.Slot), 10)
	}
	name := carriedDir + light.FileOf(k, what)
	if old, err := h.Files.ReadFile(name); err == nil {
		if o, err := s.ReadUpdate(k, old); err == nil && !better(s, k, u, o) {
			return nil
		}
	}
	return store.WriteAtomic(h.Files, name, b[9:])
}

func better(s *light.Spec, k light.Kind, u, old *light.Update) bool {
	if k == light.KindUpdate {
		return s.Better(u, old)
	}
	return u.Attested.Beacon.Slot > old.Attested.Beacon.Slot
}

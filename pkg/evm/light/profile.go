package light

import (
	"encoding/hex"
	"strings"

	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

// SpecOf is the beacon chain that a profile names. Errors wrap wire.ErrInvalid.
func SpecOf(c *profile.Chain) (*Spec, error) {
	preset, _ := PresetNamed(c.Preset)
	s := &Spec{Preset: preset, SecondsPerSlot: c.SecondsPerSlot, GenesisTime: c.GenesisTime}
	if !fixed(s.GenesisRoot[:], c.GenesisRoot) {
		return nil, wire.Invalid("genesis_validators_root %q", c.GenesisRoot)
	}
	for _, f := range c.Forks {
		row := ForkRow{Fork: ForkNamed(f.Name), Epoch: f.Epoch}
		if !fixed(row.Version[:], f.Version) {
			return nil, wire.Invalid("version of fork %s", f.Name)
		}
		s.Forks = append(s.Forks, row)
	}
	return s, nil
}

// fixed reads 0x and the digits of all of b.
func fixed(b []byte, text string) bool {
	text, ok := strings.CutPrefix(text, "0x")
	n, err := hex.Decode(b, []byte(text[:min(len(text), 2*len(b))]))
	return ok && err == nil && n == len(b) && len(text) == 2*len(b)
}

// FileOf names the file of a container in a folder that a courier carries. what is the root or the period, empty for the
// kinds of which there is one.
func FileOf(k Kind, what string) string {
	switch k {
	case KindBootstrap:
		return "bootstrap-" + what + ".ssz"
	case KindUpdate:
		return "update-" + what + ".ssz"
	case KindFinality:
		return "finality.ssz"
	}
	return "optimistic.ssz"
}

// ReadUpdate reads an update of a kind. Errors wrap wire.ErrInvalid.
func (s *Spec) ReadUpdate(k Kind, ssz []byte) (*Update, error) {
	switch k {
	case KindUpdate:
		return s.DecodeUpdate(ssz)
	case KindFinality:
		return s.DecodeFinality(ssz)
	case KindOptimistic:
		return s.DecodeOptimistic(ssz)
	}
	return nil, wire.Invalid("kind %d is no update", k)
}

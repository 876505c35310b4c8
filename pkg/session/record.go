package session

import (
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// record is what a device keeps secret of one session; sealed under the state key, so that forgetting
// the session does not wait for the store to let go of old values.
type record struct {
	Group     uint32
	Session   vertex.Session
	Secret    envelope.Secret
	Genesis   vertex.ID
	Pseudonym [32]byte // seed of this device's author key
	Rdv       [32]byte // seed of its rendezvous pair
	LogKey    store.Key
	Inviter   sig.Public // zero for the creator
	Old       []sig.Public
	Name      string // claimed in our join
}

const maxOld = 64

func (r *record) encode() []byte {
	b := wire.AppendUint(append(wire.AppendMap(nil, 10), 0), uint64(r.Group))
	for i, f := range [][]byte{r.Session[:], r.Secret[:], r.Genesis[:], r.Pseudonym[:], r.Rdv[:], r.LogKey[:], r.Inviter[:]} {
		b = wire.AppendBytes(append(b, byte(i+1)), f)
	}
	b = wire.AppendArray(append(b, 8), len(r.Old))
	for _, o := range r.Old {
		b = wire.AppendBytes(b, o[:])
	}
	return wire.AppendText(append(b, 9), r.Name)
}

func decodeRecord(b []byte) (*record, error) {
	var r record
	d := wire.NewDecoder(b)
	fixed := [][]byte{r.Session[:], r.Secret[:], r.Genesis[:], r.Pseudonym[:], r.Rdv[:], r.LogKey[:], r.Inviter[:]}
	for m := d.Map(10); m.Next(); {
		switch {
		case m.Key == 0:
			r.Group = uint32(d.Uint(1<<32 - 1))
		case m.Key <= 7:
			d.Fixed(fixed[m.Key-1])
		case m.Key == 8:
			for n := d.Array(maxOld); n > 0 && d.Err() == nil; n-- {
				var k sig.Public
				d.Fixed(k[:])
				r.Old = append(r.Old, k)
			}
		case m.Key == 9:
			r.Name = d.Text(MaxName)
		default:
			m.Unknown()
		}
	}
	return &r, d.End()
}

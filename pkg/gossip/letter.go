package gossip

import (
	"encoding/binary"
	"errors"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	letterVersion = 1
	maxGroup      = 64
)

// encode writes a letter as it is kept: version ‖ gone ‖ copies ‖ hops ‖ trust ‖ class ‖ since u64 ‖ expires u64 ‖
// hash[32] ‖ id[20] ‖ tag[16] ‖ group length ‖ group ‖ envelope.
func (l *letter) encode(env []byte) []byte {
	b := []byte{letterVersion, 0, l.copies, l.hops, byte(l.trust), l.class}
	if l.gone {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(l.since))
	b = binary.BigEndian.AppendUint64(b, uint64(l.expires))
	b = append(append(append(b, l.hash[:]...), l.id[:]...), l.tag[:]...)
	g := l.group[:min(len(l.group), maxGroup)]
	return append(append(append(b, byte(len(g))), g...), env...)
}

// decodeLetter reads what encode wrote.
func decodeLetter(b []byte) (*letter, []byte, error) {
	r := wire.NewReader(b)
	head := r.Take(6)
	l := &letter{since: int64(r.Uint64()), expires: int64(r.Uint64())}
	copy(l.hash[:], r.Take(32))
	copy(l.id[:], r.Take(20))
	copy(l.tag[:], r.Take(16))
	l.group = string(r.Take(int(r.Byte())))
	if r.Err() != nil {
		return nil, nil, r.Err()
	}
	if head[0] != letterVersion || head[1] > 1 || head[4] > byte(Contact) || head[5] > 3 || len(l.group) > maxGroup {
		return nil, nil, wire.Invalid("letter")
	}
	l.gone, l.copies, l.hops, l.trust, l.class = head[1] == 1, head[2], head[3], Trust(head[4]), head[5]
	env := r.Take(r.Len())
	if l.gone {
		return l, nil, r.End()
	}
	if envelope.EnvelopeID(env) != l.id || len(env) != envelope.ClassSize(l.class) {
		return nil, nil, wire.Invalid("letter's envelope")
	}
	return l, env, r.End()
}

// StoreDisk keeps letters in the table of carried mail.
type StoreDisk struct {
	Store *store.Store
	Space *store.Space
}

// key is the hour, so that what ends together stands together, and a name that does not show the id.
func (d StoreDisk) key(s Slot) []byte {
	return append(binary.BigEndian.AppendUint32(nil, s.Hour), d.Space.Name(store.TableCarried, s.ID[:])...)
}

// Commit is of Disk.
func (d StoreDisk) Commit(put []Record, del []Slot) error {
	b := &store.Batch{}
	for _, s := range del {
		d.Space.Delete(b, store.TableCarried, d.key(s))
	}
	for _, r := range put {
		d.Space.Put(b, store.TableCarried, d.key(r.Slot), r.Value)
	}
	err := d.Store.Commit(b)
	if errors.Is(err, store.ErrFull) {
		return errors.Join(errNoRoom, err)
	}
	return err
}

// Get is of Disk.
func (d StoreDisk) Get(s Slot) ([]byte, error) { return d.Space.Get(store.TableCarried, d.key(s)) }

// Scan is of Disk.
func (d StoreDisk) Scan(fn func(value []byte) bool) error {
	return d.Space.Scan(store.TableCarried, nil, func(_, plain []byte, err error) bool {
		if err != nil {
			plain = nil
		}
		return fn(plain)
	})
}

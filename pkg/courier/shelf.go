package courier

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/store"
)

// The shelf holds records that are no vertices of ours: cards, lists, proofs, transactions, mail, receipts. They are
// kept until they expire and handed on with each bundle.
const (
	shelfItems = 4096
	shelfBytes = 64 << 20
	shelfDays  = 14
	shelfKey   = 4 + 16 // expiry in hours ‖ beginning of the record's hash
)

// shelved is one record on the shelf.
type shelved struct {
	bundle.Record
	key    []byte
	expiry uint32
	hops   uint8
	rest   []byte // of mail that is handed over: what stays here of it, with fewer copies
	sum    [32]byte
}

// sumOf names a record. Of mail it is the envelope alone that counts: copies and hops change on the way.
func sumOf(r bundle.Record) [32]byte {
	p := r.Payload
	if m, err := bundle.DecodeMail(p); r.Kind == bundle.KindEnvelope && err == nil {
		p = m.Envelope
	}
	return sha256.Sum256(append([]byte{byte(r.Kind)}, p...))
}

// shelf lists what is kept, by kind and hash. What does not open is left out.
func (c *Courier) shelf() ([]shelved, error) {
	var out []shelved
	err := c.root.Scan(store.TableCarried, nil, func(rest, plain []byte, err error) bool {
		if err != nil || len(plain) < 2 || len(rest) != shelfKey {
			return true
		}
		s := shelved{Record: bundle.Record{Kind: bundle.Kind(plain[0]), Payload: bytes.Clone(plain[2:])}, hops: plain[1],
			key: bytes.Clone(rest), expiry: binary.BigEndian.Uint32(rest)}
		s.sum = sumOf(s.Record)
		out = append(out, s)
		return len(out) < 2*shelfItems
	})
	slices.SortFunc(out, func(a, b shelved) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return bytes.Compare(a.sum[:], b.sum[:])
	})
	return out, err
}

// rack is the shelf while records are put on it: it is read once for all of them.
type rack struct {
	c     *Courier
	now   time.Time
	by    map[[32]byte]bool
	size  int
	batch *store.Batch
}

// rack reads the shelf. What expired goes.
func (c *Courier) rack(now time.Time) (*rack, error) {
	have, err := c.shelf()
	if err != nil {
		return nil, err
	}
	k := &rack{c: c, now: now, by: make(map[[32]byte]bool, len(have)), batch: &store.Batch{}}
	for _, s := range have {
		if s.expiry < hoursOf(now) {
			if c.root.Delete(k.batch, store.TableCarried, s.key); k.batch.Len() >= store.MaxRecords/2 {
				if err := k.flush(); err != nil {
					return nil, err
				}
			}
			continue
		}
		k.by[s.sum] = true
		k.size += len(s.Payload)
	}
	return k, nil
}

// put adds a record and reports whether it is new. It is kept once flush returned. When the shelf is full the error is
// store.ErrFull.
func (k *rack) put(s shelved) (fresh bool, err error) {
	if s.sum = sumOf(s.Record); k.by[s.sum] {
		return false, nil
	}
	if len(k.by) >= shelfItems || k.size+len(s.Payload) > shelfBytes {
		return false, fmt.Errorf("no room to carry more: %w", store.ErrFull)
	}
	if k.batch.Bytes()+len(s.Payload) > store.MaxBatch/2 || k.batch.Len() >= store.MaxRecords/2 {
		if err := k.flush(); err != nil {
			return false, err
		}
	}
	root := k.c.root
	key := append(binary.BigEndian.AppendUint32(nil, s.expiry), root.Name(store.TableCarried, s.sum[:])...)
	root.Put(k.batch, store.TableCarried, key, append([]byte{byte(s.Kind), s.hops}, s.Payload...))
	k.by[s.sum] = true
	k.size += len(s.Payload)
	return true, nil
}

func (k *rack) flush() error {
	if k.batch.Len() == 0 {
		return nil
	}
	b := k.batch
	k.batch = &store.Batch{}
	return k.c.cfg.Store.Commit(b)
}

// keep puts one record on the shelf.
func (c *Courier) keep(s shelved, now time.Time) (fresh bool, err error) {
	k, err := c.rack(now)
	if err != nil {
		return false, err
	}
	if fresh, err = k.put(s); err != nil {
		return false, err
	}
	return fresh, k.flush()
}

// handed notes of all mail that was packed how many copies stay here: without it each bundle would take as many again.
func (c *Courier) handed(l *load) error {
	b := &store.Batch{}
	for _, s := range l.records {
		if s.rest == nil {
			continue
		}
		c.root.Put(b, store.TableCarried, s.key, append([]byte{byte(s.Kind), s.hops}, s.rest...))
		if b.Bytes() > store.MaxBatch/2 {
			if err := c.cfg.Store.Commit(b); err != nil {
				return err
			}
			b = &store.Batch{}
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return c.cfg.Store.Commit(b)
}

func hoursOf(t time.Time) uint32 { return uint32(max(0, t.Unix()) / 3600) }

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

// keep puts records on the shelf and reports for each whether it is new. What expired goes; when it is full, what
// expires first goes.
func (c *Courier) keep(list []shelved, now time.Time) ([]bool, error) {
	have, err := c.shelf()
	if err != nil {
		return nil, err
	}
	by := make(map[[32]byte]bool, len(have))
	b := &store.Batch{}
	size := 0
	for _, s := range have {
		if s.expiry < hoursOf(now) {
			c.root.Delete(b, store.TableCarried, s.key)
			continue
		}
		by[s.sum] = true
		size += len(s.Payload)
	}
	fresh := make([]bool, len(list))
	count := len(by)
	for i, s := range list {
		if s.sum = sumOf(s.Record); by[s.sum] {
			continue
		}
		if count >= shelfItems || size+len(s.Payload) > shelfBytes {
			return fresh, fmt.Errorf("no room to carry more: %w", store.ErrFull)
		}
		if b.Bytes()+len(s.Payload) > store.MaxBatch/2 {
			if err := c.cfg.Store.Commit(b); err != nil {
				return fresh, err
			}
			b = &store.Batch{}
		}
		key := append(binary.BigEndian.AppendUint32(nil, s.expiry), c.root.Name(store.TableCarried, s.sum[:])...)
		c.root.Put(b, store.TableCarried, key, append([]byte{byte(s.Kind), s.hops}, s.Payload...))
		by[s.sum], fresh[i] = true, true
		count, size = count+1, size+len(s.Payload)
	}
	if b.Len() == 0 {
		return fresh, nil
	}
	return fresh, c.cfg.Store.Commit(b)
}

func hoursOf(t time.Time) uint32 { return uint32(max(0, t.Unix()) / 3600) }

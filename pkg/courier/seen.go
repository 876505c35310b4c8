package courier

import (
	"encoding/binary"
	"errors"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/store"
)

// seen is how far a bundle was taken.
type seen struct {
	next  uint32 // chunks below were committed
	whole bool   // all of them, and nothing was parked or refused
	body  bundle.BodyID
}

const (
	seenDays  = 90
	seenItems = 1 << 16
)

func (c *Courier) seenKey(h *bundle.Head) []byte {
	return c.note(seenPrefix, append(append([]byte(nil), h.Exporter[:]...), h.Nonce[:]...))
}

// seen returns what is known of a bundle; nothing of an unsigned one, for anybody can copy its nonce.
func (c *Courier) seen(h *bundle.Head) (*seen, error) {
	var s seen
	if c.root == nil {
		return &s, nil
	}
	b, err := c.root.Get(store.TableState, c.seenKey(h))
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrCorrupt), err == nil && len(b) != 41:
		return &s, nil
	case err != nil:
		return nil, err
	}
	s.next, s.whole = binary.BigEndian.Uint32(b[4:]), b[8] == 1
	copy(s.body[:], b[9:])
	return &s, nil
}

// saw notes it, and forgets what is older than 90 days.
func (c *Courier) saw(h *bundle.Head, s *seen) error {
	if c.root == nil || h.Exporter == ([32]byte{}) {
		return nil
	}
	now := hoursOf(c.cfg.Clock())
	b := &store.Batch{}
	plain := append(be32(now), be32(s.next)...)
	if s.whole {
		plain = append(plain, 1)
	} else {
		plain = append(plain, 0)
	}
	c.root.Put(b, store.TableState, c.seenKey(h), append(plain, s.body[:]...))
	if s.whole {
		n := 0
		err := c.root.Scan(store.TableState, []byte{seenPrefix}, func(rest, plain []byte, err error) bool {
			if len(rest) != 17 || rest[0] != seenPrefix {
				return len(rest) == 0 || rest[0] <= seenPrefix
			}
			n++
			if err == nil && len(plain) == 41 && (binary.BigEndian.Uint32(plain)+seenDays*24 < now || n > seenItems) && b.Len() < 1024 {
				c.root.Delete(b, store.TableState, append([]byte(nil), rest...))
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	return c.cfg.Store.Commit(b)
}

package cards

import (
	"errors"
	"fmt"
	"time"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/store"
)

// oldFor is how long a code counts after a newer one was made.
const oldFor = 48 * time.Hour

// codesName is the key of the one record of codes.
const codesName = "N"

// Code is a short card that was given out, by its number.
type Code struct {
	Number uint32
	Ends   time.Time // zero: it is the newest
	Card   identity.ShortCard
}

// Codes returns the codes that count, the newest first. A home begins with code 0.
func (s *Shelf) Codes(now time.Time) ([]Code, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.codes()
	if err != nil {
		return nil, err
	}
	return s.list(c, now), nil
}

// NewCode makes a new code. The one before it counts for 48 hours more; others keep the end they have.
func (s *Shelf) NewCode(now time.Time) (Code, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.codes()
	if err != nil {
		return Code{}, err
	}
	if c.drop(now); len(c.old) == maxOld {
		return Code{}, fmt.Errorf("%d codes were made within two days: wait until one ends", maxOld)
	}
	c.old = append(c.old, ending{c.newest, uint64(now.Add(oldFor).Unix())})
	c.newest++
	b := &store.Batch{}
	s.others.Put(b, store.TableState, []byte(codesName), c.encode())
	if err := s.cfg.Store.Commit(b); err != nil {
		return Code{}, fmt.Errorf("keep code: %w", err)
	}
	return s.list(c, now)[0], nil
}

func (s *Shelf) codes() (*codes, error) {
	b, err := s.others.Get(store.TableState, []byte(codesName))
	if errors.Is(err, store.ErrNotFound) {
		return &codes{}, nil
	}
	var c *codes
	if err == nil {
		c, err = decodeCodes(b)
	}
	if err != nil {
		return nil, fmt.Errorf("read codes: %w", err)
	}
	return c, nil
}

func (s *Shelf) list(c *codes, now time.Time) []Code {
	c.drop(now)
	out := []Code{s.code(c.newest, time.Time{})}
	for _, o := range c.old {
		out = append(out, s.code(o.number, time.Unix(int64(o.ends), 0).UTC()))
	}
	return out
}

func (s *Shelf) code(number uint32, ends time.Time) Code {
	card := identity.ShortCard{Account: s.Account()}
	card.Locator = identity.Locator(s.cfg.DEK, card.Account, number)
	return Code{number, ends, card}
}

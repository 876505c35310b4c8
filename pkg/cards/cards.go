// Package cards keeps the card of this device with the private halves of its prekeys, the numbers of the codes that were
// given out, and the verified cards of others. It draws nothing and asks nobody: time and roads are told.
package cards

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
)

// ErrNoRoot says that this device never learned its account's public key, or lost it.
var ErrNoRoot = fmt.Errorf("this home does not hold its account's public key, without which nobody can check a card: "+
	"make it anew from the 24 words with pars-node init --from-phrase: %w", store.ErrNotFound)

// Config says whose cards these are and where they are kept.
type Config struct {
	Store *store.Store
	DEK   store.Key // seals codes and the cards of others; locators follow from it
	State store.Key // seals prekeys and own cards
	Root  identity.RootPublic
	Cert  *identity.Cert // of this device
	Key   sig.Private    // likewise
	Rand  io.Reader
}

// group is that of all records here. Groups of conversations are odd, that of the node itself is 0.
const group = 2

// Shelf holds them. It is safe for concurrent use; one Shelf is made for a home.
type Shelf struct {
	cfg    Config
	others *store.Space
	own    *store.Space

	mu   sync.Mutex // guards cur, and that what is read is what is replaced
	cur  *identity.Card
	last []byte // encoded cur
}

// New returns the Shelf of a home.
func New(cfg Config) *Shelf {
	return &Shelf{cfg: cfg, others: cfg.Store.Space(group, cfg.DEK), own: cfg.Store.Space(group, cfg.State)}
}

// Account returns whose device this is.
func (s *Shelf) Account() identity.Account {
	return identity.Account{Suite: s.cfg.Cert.Suite, ID: s.cfg.Cert.Account}
}

// never is what is known of revoked devices: no account's log is held yet.
func never(identity.DeviceID) bool { return false }

// maxOthers bounds how many cards of others are kept.
const maxOthers = 4096

// cardName begins the keys of others' cards.
const cardName = 'C'

func (s *Shelf) nameOf(a identity.Account) []byte {
	return append([]byte{cardName}, s.others.Name(store.TableState, append([]byte{cardName, a.Suite}, a.ID[:]...))...)
}

// Put keeps a card that Verify has let pass for the account it is of, without its one-time key. It returns the card that
// is held afterwards; where that is not c, the error says why: ErrOldCard or ErrTwoCards of pkg/identity. An expired card
// is not kept. now is in Unix seconds.
func (s *Shelf) Put(c *identity.Card, now uint64) (*identity.Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := c.Root.Account()
	held, err := s.get(account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if s.count() >= maxOthers {
			return nil, fmt.Errorf("%d cards are kept: %w", maxOthers, store.ErrFull)
		}
	case errors.Is(err, store.ErrCorrupt): // what does not open counts as not there
	case err != nil:
		return nil, err
	}
	if err := c.Usable(held, 0, now); err != nil {
		return held, err
	}
	c = c.Stored()
	b := &store.Batch{}
	s.others.Put(b, store.TableState, s.nameOf(account), c.Encode())
	if err := s.cfg.Store.Commit(b); err != nil {
		return held, fmt.Errorf("keep card: %w", err)
	}
	return c, nil
}

// Get returns the card that is held of an account, or ErrNotFound of pkg/store.
func (s *Shelf) Get(a identity.Account) (*identity.Card, error) { return s.get(a) }

func (s *Shelf) get(a identity.Account) (*identity.Card, error) {
	b, err := s.others.Get(store.TableState, s.nameOf(a))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("no card of %s is held: fetch it with pars-qr card --fetch: %w", a, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	c, err := identity.DecodeCard(b)
	if err != nil {
		return nil, errors.Join(store.CorruptError{Table: store.TableState}, err)
	}
	return c, nil
}

// List calls emit for each card of others, until it returns an error. What does not open is left out.
func (s *Shelf) List(emit func(*identity.Card) error) error {
	var list []*identity.Card
	err := s.scan(func(plain []byte) {
		if c, err := identity.DecodeCard(append([]byte(nil), plain...)); err == nil {
			list = append(list, c)
		}
	})
	for _, c := range list {
		if err == nil {
			err = emit(c)
		}
	}
	return err
}

func (s *Shelf) count() (n int) {
	s.scan(func([]byte) { n++ })
	return n
}

func (s *Shelf) scan(f func(plain []byte)) error {
	return s.others.Scan(store.TableState, []byte{cardName}, func(rest, plain []byte, err error) bool {
		if rest[0] != cardName {
			return false
		}
		if err == nil {
			f(plain)
		}
		return true
	})
}

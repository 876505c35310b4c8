package cards

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/store"
)

// When a card is made anew.
const (
	keysEvery  = 7 * 86400  // seconds: new prekeys
	keysKept   = 30 * 86400 // private halves, after their expiry
	roadsEvery = time.Hour  // a card for other roads follows one with roads by so much
	maxWeek    = 16         // cards of one week's prekeys; then the roads wait for the next
)

// Beginnings of keys: prekeys by their number, own cards by theirs.
const (
	keysName = 'k'
	ownName  = 'c'
)

// Own returns this device's card. It is made anew each week, and with the same prekeys when the roads changed: a bundle's
// drop key hangs on its bytes, so all who are given one card hold the same. The private halves are durable before the
// card is returned. roads are binary multiaddrs; nil keeps those of the last card.
func (s *Shelf) Own(roads [][]byte, now time.Time) (*identity.Card, []byte, error) {
	if s.cfg.Root == (identity.RootPublic{}) {
		return nil, nil, ErrNoRoot
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := s.held()
	if err != nil {
		return nil, nil, err
	}
	if s.cur == nil && len(h.cards) > 0 {
		s.cur = h.cards[len(h.cards)-1]
		s.last = s.cur.Encode()
	}
	b := &store.Batch{}
	s.erase(b, h, now)
	next, err := s.next(b, h, roads, now)
	if err != nil {
		return nil, nil, err
	}
	if b.Len() > 0 {
		if err := s.cfg.Store.Commit(b); err != nil {
			return nil, nil, fmt.Errorf("keep card: %w", err)
		}
	}
	if next != nil {
		s.cur, s.last = next, next.Encode()
	}
	return s.cur, s.last, nil
}

// next makes the card that is due, or returns nil.
func (s *Shelf) next(b *store.Batch, h *held, roads [][]byte, now time.Time) (*identity.Card, error) {
	unix := uint64(max(0, now.Unix()))
	c := &identity.Card{Root: s.cfg.Root, Issued: unix}
	device := s.cfg.Cert.Device()
	var keys *identity.Prekeys
	if s.cur == nil {
		if _, err := io.ReadFull(s.cfg.Rand, c.Inbox[:]); err != nil {
			return nil, fmt.Errorf("read randomness: %w", err)
		}
	} else {
		c.Inbox, c.Roads = s.cur.Inbox, s.cur.Roads
		keys = s.cur.Devices[0].Prekeys
	}
	moved := roads != nil && !sameRoads(roads, c.Roads)
	if roads != nil {
		c.Roads = roads[:min(len(roads), identity.MaxRoads)]
	}
	switch {
	case keys == nil || unix >= keys.Made+keysEvery || keys.Made > unix+identity.Slack || h.keys[keys.ID] == nil:
		fresh, secret, err := identity.NewPrekeys(h.nextID(), unix, device, s.cfg.Key, s.cfg.Rand)
		if err != nil {
			return nil, err
		}
		keys = fresh
		s.own.Put(b, store.TableKeys, keysKey(keys.ID), encodeSecrets(keys.Expires, secret))
	case !moved || len(s.cur.Roads) > 0 && unix < s.cur.Issued+uint64(roadsEvery.Seconds()) || h.week(keys.ID) >= maxWeek:
		return nil, nil
	}
	seen := uint64(0)
	if s.cur != nil {
		seen = s.cur.Seq
	}
	c.Seq, c.Expires = identity.NextSeq(seen, unix), min(unix+identity.CardLife, keys.Expires)
	c.Devices = []identity.CardDevice{{Cert: s.cfg.Cert, Prekeys: keys}}
	c.SignWith(device, s.cfg.Key)
	if err := c.Verify(s.Account(), never); err != nil {
		return nil, fmt.Errorf("own %w", err)
	}
	s.own.Put(b, store.TableKeys, ownKey(c.Seq), c.Encode())
	return c, nil
}

func sameRoads(a, b [][]byte) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, bytes.Compare)
	slices.SortFunc(b, bytes.Compare)
	return slices.EqualFunc(a, b, bytes.Equal)
}

func keysKey(id uint32) []byte { return binary.BigEndian.AppendUint32([]byte{keysName}, id) }
func ownKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte{ownName}, seq) }

// held is what is kept of own cards, oldest first.
type held struct {
	keys  map[uint32]*secrets
	cards []*identity.Card
}

func (h *held) nextID() (id uint32) {
	for k := range h.keys {
		id = max(id, k)
	}
	for _, c := range h.cards {
		id = max(id, c.Devices[0].Prekeys.ID)
	}
	return id + 1
}

// week counts the cards of one week's prekeys.
func (h *held) week(id uint32) (n int) {
	for _, c := range h.cards {
		if c.Devices[0].Prekeys.ID == id {
			n++
		}
	}
	return n
}

// held reads all. What does not open counts as not there: what was sealed with it is lost.
func (s *Shelf) held() (*held, error) {
	h := &held{keys: map[uint32]*secrets{}}
	err := s.own.Scan(store.TableKeys, nil, func(rest, plain []byte, err error) bool {
		switch {
		case err != nil:
		case rest[0] == keysName && len(rest) == 5:
			if k, err := decodeSecrets(plain); err == nil {
				h.keys[binary.BigEndian.Uint32(rest[1:])] = k
			}
		case rest[0] == ownName && len(rest) == 9:
			if c, err := identity.DecodeCard(bytes.Clone(plain)); err == nil && len(c.Devices) > 0 {
				h.cards = append(h.cards, c)
			}
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read own cards: %w", err)
	}
	return h, nil
}

// erase drops private halves that are past their time, and the cards that hang on them.
func (s *Shelf) erase(b *store.Batch, h *held, now time.Time) {
	for id, k := range h.keys {
		if uint64(max(0, now.Unix())) > k.expires+keysKept {
			s.own.Delete(b, store.TableKeys, keysKey(id))
			delete(h.keys, id)
		}
	}
	for _, c := range h.cards {
		if h.keys[c.Devices[0].Prekeys.ID] == nil && (s.cur == nil || c.Seq != s.cur.Seq) {
			s.own.Delete(b, store.TableKeys, ownKey(c.Seq))
		}
	}
}

// Opener is what opens a bundle that was sealed to one own card.
type Opener struct {
	Card   []byte
	Device identity.DeviceID
	identity.PrekeySecrets
}

// Openers returns those of all own cards whose private halves are held, the newest first.
func (s *Shelf) Openers() ([]Opener, error) {
	s.mu.Lock()
	h, err := s.held()
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var out []Opener
	for _, c := range slices.Backward(h.cards) {
		d := c.Devices[0]
		if k := h.keys[d.Prekeys.ID]; k != nil && d.Cert.Device() == s.cfg.Cert.Device() {
			out = append(out, Opener{c.Encode(), d.Cert.Device(), k.PrekeySecrets})
		}
	}
	return out, nil
}

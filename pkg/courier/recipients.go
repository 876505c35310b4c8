package courier

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/wire"
)

// keysKept is how many seconds after its expiry a card's private halves are there to open what was sealed to it.
const keysKept = 30 * 86400

// errNoCards is a courier without a home.
var errNoCards = fmt.Errorf("no home whose cards are known: %w", wire.ErrNotFound)

// chooseCards seals to the devices of the cards that are named, and to the sessions' members no more.
func (c *Courier) chooseCards(l *load, q *PackQuery) error {
	if len(q.For)+len(q.Cards) == 0 {
		return nil
	}
	l.to.Groups = nil
	for _, name := range q.For {
		card, err := c.cardOf(name)
		if err == nil {
			err = c.sealTo(l, card)
		}
		if err != nil {
			return err
		}
	}
	for _, b := range q.Cards {
		card, err := identity.DecodeCard(b)
		if err == nil {
			err = card.Verify(card.Root.Account(), never)
		}
		if err == nil {
			err = c.sealTo(l, card)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func never(identity.DeviceID) bool { return false }

// cardOf returns the card that is held of an account, named by its id.
func (c *Courier) cardOf(name string) (*identity.Card, error) {
	a, err := identity.ParseAccount(name)
	if err != nil {
		return nil, err
	}
	if c.cfg.Cards == nil {
		return nil, errNoCards
	}
	return c.cfg.Cards.Get(a)
}

func (c *Courier) sealTo(l *load, card *identity.Card) error {
	now := c.cfg.Clock().Unix()
	whose := card.Root.Account().String()
	switch end := int64(card.Expires); {
	case now > end+keysKept:
		return fmt.Errorf("card of %s: its owner can open nothing sealed to it any more: %w", whose, identity.ErrCardExpired)
	case now > end:
		l.warnings = append(l.warnings, fmt.Sprintf("the card of %s ended on %s: what is sealed to it opens until %s", whose, day(end), day(end+keysKept)))
	}
	b := card.Stored().Encode()
	for _, d := range card.Devices {
		slot := bundle.CardSlot{Card: b, Device: d.Cert.Device(), Agree: d.Prekeys.Agree, Encapsulate: d.Prekeys.Encapsulate[:]}
		if !slices.ContainsFunc(l.to.Cards, func(o bundle.CardSlot) bool { return o.Device == slot.Device && string(o.Card) == string(b) }) {
			l.to.Cards = append(l.to.Cards, slot)
		}
	}
	return nil
}

func day(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateOnly) }

// openers are the keys of own cards.
func (c *Courier) openers() (out []bundle.CardKey, err error) {
	if c.cfg.Cards == nil {
		return nil, nil
	}
	list, err := c.cfg.Cards.Openers()
	for _, o := range list {
		out = append(out, bundle.CardKey{Card: o.Card, Device: o.Device, Agree: o.Agree, Decapsulate: o.Decapsulate})
	}
	return out, err
}

// renew takes a card that came with a bundle in place of an older one of the same account. A stranger's proves nothing.
func (c *Courier) renew(b []byte, now time.Time) error {
	card, err := identity.DecodeCard(b)
	if err != nil || c.cfg.Cards == nil {
		return err
	}
	if _, err := c.cfg.Cards.Get(card.Root.Account()); err != nil {
		return nil
	}
	_, err = c.cfg.Cards.Put(card, uint64(max(0, now.Unix())))
	if errors.Is(err, identity.ErrOldCard) || errors.Is(err, identity.ErrTwoCards) || errors.Is(err, identity.ErrCardExpired) {
		return nil
	}
	return err
}

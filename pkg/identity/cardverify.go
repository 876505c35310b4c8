package identity

import (
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Verdicts about a card that is genuine, told apart because a person has to do something else.
var (
	// ErrOldCard says that a newer card of this account is held.
	ErrOldCard = errors.New("a newer card of this account is held")
	// ErrTwoCards says that another card with the same number is held: two devices issued at once, or somebody plays.
	ErrTwoCards = errors.New("two cards of one number; the one that is held stays")
	// ErrCardExpired says that the card may verify what it signed, and nothing new may start with it.
	ErrCardExpired = errors.New("card expired: ask for a new one")
)

func refuseCard(format string, args ...any) error {
	return fmt.Errorf("card %w: %s", ErrVerify, fmt.Sprintf(format, args...))
}

// Verify checks, in the order of the note on cards, that c is a card of the account that is expected:
// the account id, the chain of every device, the card's signature, and every prekey. revoked tells
// which devices the account's log has revoked, as far as it is held. Errors wrap ErrVerify.
func (c *Card) Verify(expected Account, revoked func(DeviceID) bool) error {
	if c.Root.Account() != expected {
		return refuseCard("it is of another account")
	}
	if len(c.Devices) == 0 || c.Expires <= c.Issued || c.Expires-c.Issued > CardLife {
		return refuseCard("no device, or a life of more than 14 days or none")
	}
	byID := make(map[DeviceID]*Cert, len(c.Devices))
	for _, d := range c.Devices {
		byID[d.Cert.Device()] = d.Cert
	}
	if len(byID) != len(c.Devices) {
		return refuseCard("one device twice")
	}
	for _, d := range c.Devices {
		if err := d.Cert.Verify(c.Root, byID[d.Cert.Signer]); err != nil {
			return err
		}
	}
	signer := byID[c.Signer]
	switch {
	case signer == nil || signer.Flags&ViewOnly != 0:
		return refuseCard("its signer is not a device that may sign")
	case revoked(c.Signer):
		return refuseCard("its signer was revoked")
	case !sig.Verify(signer.Sign, wire.LabelCard, c.body(c.pairs()), c.Sig):
		return refuseCard("its signature is wrong")
	}
	for _, d := range c.Devices {
		if err := d.Prekeys.Verify(d.Cert.Device(), d.Cert.Sign); err != nil {
			return err
		}
	}
	return c.verifyOnce(byID)
}

func (c *Card) verifyOnce(byID map[DeviceID]*Cert) error {
	if c.Once == nil {
		return nil
	}
	cert := byID[c.Once.Device]
	if cert == nil || !sig.Verify(cert.Sign, wire.LabelPrekeyOnce, c.Once.signed(), c.Once.Sig) {
		return refuseCard("its one-time key is not signed by a device of it")
	}
	return nil
}

// Usable says whether a genuine card may start something at a Unix time, beside the one that is held
// (nil for none). floor is the smallest valid number by the account's log. Clocks may differ by a day.
func (c *Card) Usable(held *Card, floor, now uint64) error {
	switch {
	case c.Seq < floor || held != nil && c.Seq < held.Seq:
		return ErrOldCard
	case held != nil && c.Seq == held.Seq && c.Sig != held.Sig:
		return ErrTwoCards
	case now > c.Expires+Slack:
		return ErrCardExpired
	}
	return nil
}

// NextSeq returns the number of the next card of an account: several devices issue, so it follows the
// clock unless a larger one was seen.
func NextSeq(seen, now uint64) uint64 { return max(seen+1, now) }

// Stored returns the card without what is for one hand-over.
func (c *Card) Stored() *Card {
	out := *c
	out.Once = nil
	return &out
}

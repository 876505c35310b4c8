package courier

import (
	"fmt"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/identity"
)

// check verifies a record that is no vertex as far as it proves itself. Kinds that another package owns are checked by
// Config.Verify; where none is set they are bounded, carried and handed on, and trusted by nobody.
func (c *Courier) check(k bundle.Kind, b []byte) error {
	if f := c.cfg.Verify[k]; f != nil {
		return f(b, c.cfg.Clock())
	}
	switch k {
	case bundle.KindCard:
		card, err := identity.DecodeCard(b)
		if err != nil {
			return err
		}
		return card.Verify(card.Root.Account(), func(identity.DeviceID) bool { return false })
	case bundle.KindEnvelope:
		_, err := bundle.DecodeMail(b)
		return err
	case bundle.KindReceipt:
		_, err := bundle.DecodeReceipt(b)
		return err
	case bundle.KindHave:
		_, err := bundle.DecodeHave(b)
		return err
	case bundle.KindRelease:
		r, err := bundle.DecodeRelease(b)
		if err != nil {
			return err
		}
		if n := len(r.Signers()); n != len(r.Signatures) {
			return fmt.Errorf("%d of %d signatures hold: %w", n, len(r.Signatures), bundle.ErrForged)
		}
		return nil
	case bundle.KindPiece:
		_, err := bundle.DecodePiece(b)
		return err
	}
	if len(b) == 0 || len(b) > bundle.MaxRecord || k == bundle.KindList && len(b) > bundle.MaxSession {
		return &bundle.RefusedError{Reason: bundle.BadSize, Detail: fmt.Sprintf("%s of %d bytes", k, len(b))}
	}
	return nil
}

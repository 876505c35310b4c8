package courier

import (
	"cmp"
	"fmt"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/identity"
)

// check verifies a record that is no vertex as far as it proves itself. Kinds that another package owns are checked by
// Config.Readers. What cannot be verified here is bounded, carried and handed on, and trusted by nobody: ErrCannot.
func (c *Courier) check(k bundle.Kind, b []byte) error {
	if len(b) == 0 || len(b) > bundle.MaxRecord || k == bundle.KindList && len(b) > bundle.MaxSession {
		return &bundle.RefusedError{Reason: bundle.BadSize, Detail: fmt.Sprintf("%s of %d bytes", k, len(b))}
	}
	if r, ok := c.cfg.Readers[k]; ok {
		return r.Check(b, c.cfg.Clock())
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
		return cmp.Or(err, Cannot("whom it is for alone can open it"))
	case bundle.KindReceipt:
		_, err := bundle.DecodeReceipt(b)
		return cmp.Or(err, Cannot("who sealed its bundle alone knows the key"))
	case bundle.KindHave:
		_, err := bundle.DecodeHave(b)
		return cmp.Or(err, Cannot("a digest is a claim"))
	case bundle.KindRelease:
		r, err := bundle.DecodeRelease(b)
		if err != nil {
			return err
		}
		if n := len(r.Signers()); n != len(r.Signatures) {
			return fmt.Errorf("%d of %d signatures hold: %w", n, len(r.Signatures), bundle.ErrForged)
		}
		if len(r.Signatures) == 0 {
			return Cannot("nobody signed it: compare the digits that ls shows")
		}
		return nil
	case bundle.KindPiece:
		_, err := bundle.DecodePiece(b)
		return cmp.Or(err, Cannot("a piece; the whole is checked by its hash"))
	}
	return Cannot("this program has no reader for %s", k)
}

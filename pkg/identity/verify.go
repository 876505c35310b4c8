package identity

import (
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// ErrVerify says that a certificate is well formed but does not prove what it says.
var ErrVerify = sig.ErrVerify

// Slack is how far clocks may differ, in seconds, before an expiry counts: 24 hours.
const Slack = 86400

func refuse(format string, args ...any) error {
	return fmt.Errorf("certificate %w: %s", ErrVerify, fmt.Sprintf(format, args...))
}

// Verify checks that c makes a device of the account that root commits to. signer is the certificate
// of the device that signed, itself signed by the account key, or nil when the account key signed c.
// So a chain is at most two long: account key, device with Grant, device without. Time is not looked
// at; ask Expired. Errors wrap ErrVerify.
func (c *Cert) Verify(root RootPublic, signer *Cert) error {
	a := root.Account()
	switch {
	case c.Suite != a.Suite || root.Suite != Suite1:
		return refuse("unknown or other suite")
	case c.Account != a.ID:
		return refuse("it is of another account")
	case !root.Key.Canonical() || !c.Sign.Canonical():
		return refuse("a key of small order or in a second encoding")
	case c.Flags&^allFlags != 0:
		return refuse("unknown flags")
	case c.Expires <= c.Made || c.Expires-c.Made > MaxCertLife:
		return refuse("life of more than 400 days or none")
	}
	if c.Signer == (DeviceID{}) {
		if signer != nil {
			return refuse("the account key signed it, not a device")
		}
		return c.checkSig(root.Key)
	}
	return c.verifyBy(root, signer)
}

// verifyBy checks a certificate that a sibling device signed.
func (c *Cert) verifyBy(root RootPublic, signer *Cert) error {
	switch {
	case signer == nil || signer.Device() != c.Signer:
		return refuse("the certificate of its signer is missing")
	case signer.Signer != DeviceID{}:
		return refuse("chain longer than two")
	case signer.Flags&Grant == 0:
		return refuse("its signer may not certify")
	case c.Flags&Grant != 0:
		return refuse("only the account key gives the right to certify")
	case c.Expires > signer.Expires:
		return refuse("it outlives its signer")
	}
	if err := signer.Verify(root, nil); err != nil {
		return err
	}
	return c.checkSig(signer.Sign)
}

func (c *Cert) checkSig(by sig.Public) error {
	if !sig.Verify(by, wire.LabelCert, c.body(9), c.Sig) {
		return refuse("signature")
	}
	return nil
}

// Expired reports whether the certificate had run out at now, in Unix seconds, by more than Slack.
func (c *Cert) Expired(now uint64) bool { return now > Slack && now-Slack > c.Expires }

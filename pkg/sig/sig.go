// Package sig is the one place where the project signs and verifies with Ed25519.
//
// Verification follows the ZIP-215 rules, alone and in batches, so that two nodes never disagree about
// a crafted signature: the cofactorless check of crypto/ed25519 and every batch verifier do disagree,
// and a log that some accept and others refuse diverges for ever. crypto/ed25519 only signs here.
package sig

import (
	stded "crypto/ed25519"
	"errors"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/cache"
)

// Public is an Ed25519 public key, 32 bytes as in RFC 8032.
type Public [32]byte

// Signature is an Ed25519 signature, 64 bytes.
type Signature [64]byte

// ErrVerify says that a signature, or what it should prove, does not verify.
var ErrVerify = errors.New("does not verify")

// Private signs. It is made from a 32-byte seed.
type Private struct{ key stded.PrivateKey }

// FromSeed returns the key pair of a seed.
func FromSeed(seed [32]byte) Private { return Private{stded.NewKeyFromSeed(seed[:])} }

// Public returns the public half.
func (p Private) Public() (pub Public) {
	copy(pub[:], p.key[32:])
	return pub
}

// Sign signs label ‖ msg.
func (p Private) Sign(label string, msg []byte) (s Signature) {
	copy(s[:], stded.Sign(p.key, join(label, msg)))
	return s
}

func join(label string, msg []byte) []byte {
	return append(append(make([]byte, 0, len(label)+len(msg)), label...), msg...)
}

func options() *ed25519.Options { return &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215} }

// Verify checks a signature over label ‖ msg by ZIP-215.
func Verify(pub Public, label string, msg []byte, s Signature) bool {
	return ed25519.VerifyWithOptions(pub[:], join(label, msg), s[:], options())
}

// Canonical reports whether pub is the one encoding of a point of large order: the form in which a
// key may name an author. Small-order keys accept any message.
func (pub Public) Canonical() bool {
	y := curve.CompressedEdwardsY(pub)
	if !y.IsCanonicalVartime() {
		return false
	}
	var p curve.EdwardsPoint
	if _, err := p.SetCompressedY(&y); err != nil {
		return false
	}
	return !p.IsSmallOrder()
}

// Verifier checks many signatures at once and keeps the expanded keys of authors seen before.
// It is safe for use by one goroutine.
type Verifier struct{ keys *cache.Verifier }

// NewVerifier returns a Verifier that remembers up to n keys.
func NewVerifier(n int) *Verifier {
	return &Verifier{cache.NewVerifier(cache.NewLRUCache(n))}
}

// Check is one signature to verify: Sig by Pub over Label ‖ Msg.
type Check struct {
	Pub   Public
	Label string
	Msg   []byte
	Sig   Signature
}

// Verify checks one signature with the cached key.
func (v *Verifier) Verify(c Check) bool {
	return v.keys.VerifyWithOptions(c.Pub[:], join(c.Label, c.Msg), c.Sig[:], options())
}

// VerifyBatch reports for each check whether it holds. It tries all together first and splits a batch
// that fails, so that one forger does not make the others slow.
func (v *Verifier) VerifyBatch(checks []Check) []bool {
	ok := make([]bool, len(checks))
	v.split(checks, ok)
	return ok
}

func (v *Verifier) split(checks []Check, ok []bool) {
	const small = 4 // below this a batch is not faster than one by one
	if len(checks) <= small {
		for i, c := range checks {
			ok[i] = v.Verify(c)
		}
		return
	}
	b := ed25519.NewBatchVerifierWithCapacity(len(checks))
	for _, c := range checks {
		v.keys.AddWithOptions(b, c.Pub[:], join(c.Label, c.Msg), c.Sig[:], options())
	}
	if b.VerifyBatchOnly(nil) {
		for i := range ok {
			ok[i] = true
		}
		return
	}
	half := len(checks) / 2
	v.split(checks[:half], ok[:half])
	v.split(checks[half:], ok[half:])
}

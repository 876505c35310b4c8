package dht

import (
	"bytes"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"io"

	"filippo.io/edwards25519"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// The blinding of onion services, rend-spec-v3 appendix A.2, byte for byte, so that its published vectors apply.
const (
	blindString  = "Derive temporary signing key\x00"
	blindHash    = "Derive temporary signing key hash input"
	blindNonce   = "key-blind"
	basepoint    = "(15112221349535400772501151409588531511454012693041857206046113283949847762202, 46316835694926478169428394003475163141307993866256225615783033603165251855960)"
	periodLength = 1440 // minutes: a day
)

// factor is h of A.2 for the public key a, the secret s, which may be empty, and a day.
func factor(a sig.Public, s []byte, day uint64) (*edwards25519.Scalar, error) {
	h := sha3.New256()
	h.Write([]byte(blindString))
	h.Write(a[:])
	h.Write(s)
	h.Write([]byte(basepoint + blindNonce))
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, day), periodLength))
	return edwards25519.NewScalar().SetBytesWithClamping(h.Sum(nil))
}

// blindPublic returns the day's key that follows from a. It refuses an a with a part of small order: for such a
// key h and h modulo the order name two different points, and two honest members would look in two places.
func blindPublic(a sig.Public, s []byte, day uint64) (out sig.Public, err error) {
	p, err := point(a)
	if err != nil {
		return out, err
	}
	h, err := factor(a, s, day)
	if err != nil {
		return out, err
	}
	copy(out[:], p.ScalarMult(h, p).Bytes())
	return out, nil
}

// point reads a key that is canonical and of prime order.
func point(a sig.Public) (*edwards25519.Point, error) {
	p, err := new(edwards25519.Point).SetBytes(a[:])
	if err != nil || !bytes.Equal(p.Bytes(), a[:]) {
		return nil, wire.Invalid("rendezvous key is no canonical point")
	}
	one := [32]byte{1}
	s, err := edwards25519.NewScalar().SetCanonicalBytes(one[:])
	if err != nil {
		return nil, err
	}
	zero := edwards25519.NewIdentityPoint()
	rest := new(edwards25519.Point).ScalarMult(s.Negate(s), p) // (order - 1)·A
	if p.Equal(zero) == 1 || rest.Add(rest, p).Equal(zero) != 1 {
		return nil, wire.Invalid("rendezvous key is not of prime order")
	}
	return p, nil
}

// blinded signs for one day's key.
type blinded struct {
	scalar *edwards25519.Scalar
	prefix [32]byte // RH' of A.2: the same on every day
	public sig.Public
}

// expand is the private half that RFC 8032 derives from a seed.
func expand(seed [32]byte) [64]byte { return sha512.Sum512(seed[:]) }

// blindPrivate blinds the expanded key of a, whose public half is pub.
func blindPrivate(key [64]byte, pub sig.Public, s []byte, day uint64) (b blinded, err error) {
	a, err := edwards25519.NewScalar().SetBytesWithClamping(key[:32])
	if err != nil {
		return b, err
	}
	h, err := factor(pub, s, day)
	if err != nil {
		return b, err
	}
	b.scalar = h.Multiply(h, a)
	sum := sha512.Sum512(append([]byte(blindHash), key[32:]...))
	copy(b.prefix[:], sum[:])
	copy(b.public[:], new(edwards25519.Point).ScalarBaseMult(b.scalar).Bytes())
	return b, nil
}

// sign signs label ‖ msg as RFC 8032 does. The prefix is one for all days, so that the nonce must not follow from
// the message alone: the day's key goes in, and fresh randomness beside it.
func (b blinded) sign(label string, msg []byte, rnd io.Reader) (out sig.Signature, err error) {
	var hedge [32]byte
	if _, err := io.ReadFull(rnd, hedge[:]); err != nil {
		return out, fmt.Errorf("read randomness: %w", err)
	}
	r, err := wide(b.prefix[:], hedge[:], b.public[:], []byte(label), msg)
	if err != nil {
		return out, err
	}
	copy(out[:32], new(edwards25519.Point).ScalarBaseMult(r).Bytes())
	k, err := wide(out[:32], b.public[:], []byte(label), msg)
	if err != nil {
		return out, err
	}
	copy(out[32:], k.MultiplyAdd(k, b.scalar, r).Bytes())
	return out, nil
}

func wide(parts ...[]byte) (*edwards25519.Scalar, error) {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	return edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
}

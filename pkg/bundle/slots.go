package bundle

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/mlkem"
	"crypto/sha256"
	"fmt"
	"slices"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	unit      = 64
	cardUnits = 19
	tagSize   = 16
	encSize   = mlkem.CiphertextSize768 + 32

	maxPrefix = 16 // sectors
	saltSize  = 32
)

// CardSlot is a device of somebody with whom no key is shared yet.
type CardSlot struct {
	Card        []byte // full card without its one-time key
	Device      [16]byte
	Agree       [32]byte // prekey halves of the device
	Encapsulate []byte
}

// CardKey opens a CardSlot.
type CardKey struct {
	Card        []byte
	Device      [16]byte
	Agree       [32]byte // private prekey halves
	Decapsulate [mlkem.SeedSize]byte
}

// Recipients are who can open a file.
type Recipients struct {
	Groups      []Key    // group keys K of sessions
	Passphrases [][]byte // Argon2id, 64 MiB each
	Cards       []CardSlot
}

func (r *Recipients) empty() bool {
	return len(r.Groups)+len(r.Passphrases)+len(r.Cards) == 0
}

// digest names the recipients in what follows from them.
func (r *Recipients) digest() [32]byte {
	var all [][]byte
	for _, k := range r.Groups {
		all = append(all, k[:])
	}
	for _, p := range r.Passphrases {
		s := sha256.Sum256(p)
		all = append(all, s[:])
	}
	for _, c := range r.Cards {
		s := sha256.Sum256(c.Card)
		all = append(all, append(s[:], c.Device[:]...))
	}
	slices.SortFunc(all, bytes.Compare)
	return sha256.Sum256(bytes.Join(all, nil))
}

// prefix returns how many sectors the slots take.
func (r *Recipients) prefix() (int, error) {
	units := 1 + len(r.Groups) + len(r.Passphrases) + cardUnits*len(r.Cards)
	for p := 1; p <= maxPrefix; p *= 2 {
		if units <= p*sectorBody/unit {
			return p, nil
		}
	}
	return 0, fmt.Errorf("%d recipients: make several bundles: %w", len(r.Groups)+len(r.Passphrases)+len(r.Cards), ErrLimit)
}

// stretch makes a key of a pass phrase: Argon2id (RFC 9106), 3 passes over 64 MiB, 4 lanes.
func stretch(pass, salt []byte) Key { return Key(argon2.IDKey(pass, salt, 3, 64<<10, 4, 32)) }

// dropKey is known to whoever holds the card.
func dropKey(card []byte) Key {
	s := sha256.Sum256(card)
	return derive(s[:], make([]byte, 32), wire.LabelBundleDrop)
}

func tagOf(k Key, salt []byte, more ...byte) (t [tagSize]byte) {
	m := mac(k[:], []byte(wire.LabelBundleTag), salt, more)
	copy(t[:], m[:])
	return t
}

// sharedSlot is one unit: tag ‖ F sealed under a key that follows from k.
func sharedSlot(k Key, salt []byte, file Key) []byte {
	t := tagOf(k, salt)
	sk := derive(k[:], salt, wire.LabelBundleSlot)
	aead, _ := chacha20poly1305.New(sk[:])
	return aead.Seal(t[:], make([]byte, 12), file[:], nil)
}

func openShared(k Key, salt, slot []byte) (file Key, ok bool) {
	sk := derive(k[:], salt, wire.LabelBundleSlot)
	aead, _ := chacha20poly1305.New(sk[:])
	out, err := aead.Open(nil, make([]byte, 12), slot[tagSize:unit], nil)
	if err != nil {
		return file, false
	}
	return Key(out), true
}

func cardInfo(salt []byte, device [16]byte) []byte {
	return append(append([]byte(wire.LabelBundle), salt...), device[:]...)
}

// mask makes a card's slot uniform: a KEM ciphertext is not.
func mask(drop Key, salt []byte, device [16]byte, b []byte) error {
	k := derive(drop[:], salt, wire.LabelBundleMask+string(device[:]))
	c, err := chacha20.NewUnauthenticatedCipher(k[:], make([]byte, 12))
	if err != nil {
		return err
	}
	c.XORKeyStream(b, b)
	return nil
}

// cardSlot is 19 units: tag ‖ masked HPKE (RFC 9180, X-Wing) of F ‖ pad.
func cardSlot(c *CardSlot, salt []byte, file Key) ([]byte, error) {
	pub, err := hpke.MLKEM768X25519().NewPublicKey(append(slices.Clone(c.Encapsulate), c.Agree[:]...))
	if err != nil {
		return nil, fmt.Errorf("prekeys of a card: %w", err)
	}
	box, err := hpke.Seal(pub, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), cardInfo(salt, c.Device), file[:])
	if err != nil {
		return nil, fmt.Errorf("seal to a card: %w", err)
	}
	drop := dropKey(c.Card)
	t := tagOf(drop, salt, c.Device[:]...)
	slot := make([]byte, cardUnits*unit)
	copy(slot, t[:])
	copy(slot[tagSize:], box)
	return slot, mask(drop, salt, c.Device, slot[tagSize:])
}

func openCard(k *CardKey, salt, slot []byte) (file Key, ok bool) {
	if len(slot) < cardUnits*unit {
		return file, false
	}
	b := slices.Clone(slot[tagSize : cardUnits*unit])
	if mask(dropKey(k.Card), salt, k.Device, b) != nil {
		return file, false
	}
	kem, err := mlkem.NewDecapsulationKey768(k.Decapsulate[:])
	if err != nil {
		return file, false
	}
	dh, err := ecdh.X25519().NewPrivateKey(k.Agree[:])
	if err != nil {
		return file, false
	}
	priv, err := hpke.NewHybridPrivateKey(kem, dh)
	if err != nil {
		return file, false
	}
	out, err := hpke.Open(priv, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), cardInfo(salt, k.Device), b[:encSize+48])
	if err != nil || len(out) != len(file) {
		return file, false
	}
	return Key(out), true
}

// slots returns all slots in an order that follows from the file key.
func (r *Recipients) slots(salt []byte, file Key) ([][]byte, error) {
	var out [][]byte
	for _, k := range r.Groups {
		out = append(out, sharedSlot(k, salt, file))
	}
	for _, p := range r.Passphrases {
		out = append(out, sharedSlot(stretch(p, salt), salt, file))
	}
	for i := range r.Cards {
		s, err := cardSlot(&r.Cards[i], salt, file)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	order := func(s []byte) []byte { m := mac(file[:], salt, s[:tagSize]); return m[:] }
	slices.SortFunc(out, func(a, b []byte) int { return bytes.Compare(order(a), order(b)) })
	return out, nil
}

package keystore

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/pars-network/pars/pkg/store/files"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	keysVersion = 1
	maxEntropy  = 32
	maxLabel    = 64
	maxCert     = 4096
	rootSize    = 64
)

// Action is what opening a profile does first.
type Action uint8

const (
	// JustOpen opens.
	JustOpen Action = 0
	// WipeOthers overwrites all other slots, then opens: for a duress passphrase.
	WipeOthers Action = 1
)

// Keys is what one profile knows. Nothing in it is derived from the phrase but Entropy, which is the phrase.
type Keys struct {
	DEK        files.Key // below it stands all of the store
	DeviceSign [32]byte  // Ed25519 seed of the device
	DeviceDH   [32]byte  // X25519 private key of the device
	NodeSeed   [32]byte  // Ed25519 seed of the libp2p key
	Entropy    []byte    // 16 to 32 bytes until the phrase is erased, then nil
	Account    [32]byte  // id32
	Flags      uint64
	OnOpen     Action
	Generation uint64 // counts Save
	Label      string // at most 64 bytes of UTF-8
	Cert       []byte // device certificate, at most 4,096 bytes; nil before there is one
	Root       []byte // public root of the account, 64 bytes: AK ‖ pqh; nil where it is not known
}

// NewKeys draws all random keys; the account is still to be filled in. A nil rnd is crypto/rand.
func NewKeys(rnd io.Reader) (*Keys, error) {
	k := &Keys{}
	for _, b := range [][]byte{k.DEK[:], k.DeviceSign[:], k.DeviceDH[:], k.NodeSeed[:]} {
		if _, err := io.ReadFull(random(rnd), b); err != nil {
			return nil, fmt.Errorf("draw keys: %w", err)
		}
	}
	return k, nil
}

func random(r io.Reader) io.Reader {
	if r == nil {
		return rand.Reader
	}
	return r
}

func (k *Keys) clone() *Keys {
	c := *k
	c.Entropy, c.Cert, c.Root = slices.Clone(k.Entropy), slices.Clone(k.Cert), slices.Clone(k.Root)
	return &c
}

func (k *Keys) check() error {
	switch {
	case k.DEK == files.Key{}:
		return fmt.Errorf("keys without a DEK: %w", wire.ErrInvalid)
	case len(k.Entropy) != 0 && (len(k.Entropy) < 16 || len(k.Entropy) > maxEntropy):
		return fmt.Errorf("entropy of %d bytes: %w", len(k.Entropy), wire.ErrInvalid)
	case len(k.Label) > maxLabel || !utf8.ValidString(k.Label):
		return fmt.Errorf("label: %w", wire.ErrInvalid)
	case len(k.Cert) > maxCert:
		return fmt.Errorf("certificate of %d bytes: %w", len(k.Cert), wire.ErrInvalid)
	case len(k.Root) != 0 && len(k.Root) != rootSize:
		return fmt.Errorf("root of %d bytes: %w", len(k.Root), wire.ErrInvalid)
	case k.OnOpen > WipeOthers:
		return fmt.Errorf("action %d: %w", k.OnOpen, wire.ErrInvalid)
	}
	return nil
}

// encode gives a canonical CBOR map, filled up with zeros to plainSize. Entropy (5), certificate (11) and
// root (12) may be absent.
func (k *Keys) encode() ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	pairs := 10
	for _, b := range [][]byte{k.Entropy, k.Cert, k.Root} {
		if len(b) > 0 {
			pairs++
		}
	}
	b := wire.AppendMap(make([]byte, 0, plainSize), pairs)
	b = wire.AppendUint(wire.AppendUint(b, 0), keysVersion)
	b = wire.AppendBytes(wire.AppendUint(b, 1), k.DEK[:])
	b = wire.AppendBytes(wire.AppendUint(b, 2), k.DeviceSign[:])
	b = wire.AppendBytes(wire.AppendUint(b, 3), k.DeviceDH[:])
	b = wire.AppendBytes(wire.AppendUint(b, 4), k.NodeSeed[:])
	if len(k.Entropy) > 0 {
		b = wire.AppendBytes(wire.AppendUint(b, 5), k.Entropy)
	}
	b = wire.AppendBytes(wire.AppendUint(b, 6), k.Account[:])
	b = wire.AppendUint(wire.AppendUint(b, 7), k.Flags)
	b = wire.AppendUint(wire.AppendUint(b, 8), uint64(k.OnOpen))
	b = wire.AppendUint(wire.AppendUint(b, 9), k.Generation)
	b = wire.AppendText(wire.AppendUint(b, 10), k.Label)
	if len(k.Cert) > 0 {
		b = wire.AppendBytes(wire.AppendUint(b, 11), k.Cert)
	}
	if len(k.Root) > 0 {
		b = wire.AppendBytes(wire.AppendUint(b, 12), k.Root)
	}
	return b[:plainSize], nil
}

// decodeKeys reads what encode wrote and nothing else.
func decodeKeys(b []byte) (*Keys, error) {
	if len(b) != plainSize {
		return nil, wire.Invalid("keys of %d bytes", len(b))
	}
	d := wire.NewDecoder(b)
	k, seen := &Keys{}, uint64(0)
	m := d.Map(13)
	for m.Next() {
		if m.Key > 12 {
			m.Unknown()
			break
		}
		seen |= 1 << m.Key
		k.decodeField(d, m.Key)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	if need := uint64(1<<11-1) &^ (1 << 5); seen&need != need {
		return nil, wire.Invalid("keys lack a field: %b", seen)
	}
	if len(bytes.TrimLeft(b[d.Offset():], "\x00")) > 0 {
		return nil, wire.Invalid("keys are followed by something")
	}
	return k, k.check()
}

func (k *Keys) decodeField(d *wire.Decoder, key uint64) {
	switch key {
	case 0:
		if v := d.Uint(keysVersion); v != keysVersion {
			d.Fail(wire.Invalid("keys of version %d", v))
		}
	case 1:
		d.Fixed(k.DEK[:])
	case 2:
		d.Fixed(k.DeviceSign[:])
	case 3:
		d.Fixed(k.DeviceDH[:])
	case 4:
		d.Fixed(k.NodeSeed[:])
	case 5:
		k.Entropy = slices.Clone(d.Bytes(16, maxEntropy))
	case 6:
		d.Fixed(k.Account[:])
	case 7:
		k.Flags = d.Uint(1<<64 - 1)
	case 8:
		k.OnOpen = Action(d.Uint(uint64(WipeOthers)))
	case 9:
		k.Generation = d.Uint(1<<64 - 1)
	case 10:
		k.Label = d.Text(maxLabel)
	case 11:
		k.Cert = slices.Clone(d.Bytes(1, maxCert))
	case 12:
		k.Root = slices.Clone(d.Bytes(rootSize, rootSize))
	}
}

package bundle

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"

	"github.com/pars-network/pars/pkg/wire"
)

// Key is a symmetric key of 32 bytes.
type Key [32]byte

// derive is HKDF-SHA-256 (RFC 5869).
func derive(secret, salt []byte, info string) (k Key) {
	out, err := hkdf.Key(sha256.New, secret, salt, info, len(k))
	if err != nil {
		panic("bundle: " + err.Error()) // only for lengths above 8,160
	}
	copy(k[:], out)
	return k
}

func mac(key []byte, parts ...[]byte) (out [32]byte) {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(out[:0])
	return out
}

// fileKeys are what follows from a file key F, which is another for each file.
type fileKeys struct {
	file   Key
	stream Key  // E; not used in open form
	sector Key  // S, the courier key
	heads  Key  // L: covers heads of sectors
	mac    Key  // M: checks sectors
	parity Key  // R: veils parity
	fill   Key  // of what stands between slots
	plain  bool // open form: nothing is encrypted but heads
	reader bool // file or stream are known
}

func keysOf(file Key) *fileKeys {
	k := courierKeys(derive(file[:], nil, wire.LabelBundleSector))
	k.file, k.reader = file, true
	k.stream = derive(file[:], nil, wire.LabelBundleStream)
	return k
}

// openMagic begins a file in open form.
const openMagic = "PARSB1\n\x00"

// openKeys are those of the open form: no secret is in them.
func openKeys(salt [32]byte) *fileKeys {
	k := courierKeys(derive(salt[:], nil, wire.LabelBundleOpen))
	k.plain, k.reader = true, true
	return k
}

// courierKeys verify, repair and split, and read nothing.
func courierKeys(s Key) *fileKeys {
	of := func(label string) Key { return derive(s[:], nil, label) }
	return &fileKeys{sector: s, fill: of(wire.LabelBundleFill), heads: of(wire.LabelBundleHeads), mac: of(wire.LabelBundleMAC), parity: of(wire.LabelBundleParity)}
}

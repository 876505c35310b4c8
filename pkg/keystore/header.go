package keystore

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"runtime/debug"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	slots      = 8
	slotSize   = 8192
	headerSize = 64
	fileSize   = headerSize + slots*slotSize
	magic      = "PARSKS1\x00"

	kdfNone  = 0
	kdfArgon = 1
)

// cost is how dear one try of a passphrase is.
type cost struct {
	kdf, lanes  byte
	passes, kib uint32
}

// Bounds of what is derived for: above them a file could take all memory, below them it could be guessed.
const (
	minKiB    = 19 << 10
	maxKiB    = 1 << 20
	maxPasses = 64
	maxLanes  = 16
)

// argon is RFC 9106's second option.
func argon() cost { return cost{kdf: kdfArgon, lanes: 4, passes: 3, kib: 64 << 10} }

// header is the clear front of the file: magic ‖ kdf ‖ lanes ‖ 0 0 ‖ passes u32 ‖ KiB u32 ‖ salt[32] ‖ 12 zero. It is
// part of what each slot authenticates, and stays for the life of the file.
type header struct {
	cost
	raw [headerSize]byte
}

func (h *header) salt() []byte { return h.raw[20:52] }

// newHeader writes a header over the front of file, whose random bytes become the salt.
func newHeader(file []byte, c cost) header {
	h := header{cost: c, raw: [headerSize]byte(file)}
	copy(h.raw[:], magic)
	h.raw[8], h.raw[9], h.raw[10], h.raw[11] = c.kdf, c.lanes, 0, 0
	binary.BigEndian.PutUint32(h.raw[12:], c.passes)
	binary.BigEndian.PutUint32(h.raw[16:], c.kib)
	clear(h.raw[52:])
	copy(file, h.raw[:])
	return h
}

// parseHeader tells a key file from a wiped and from a damaged one, before any memory is taken for it.
func parseHeader(file []byte) (header, error) {
	if wiped(file) {
		return header{}, ErrWiped
	}
	if len(file) != fileSize || string(file[:len(magic)]) != magic {
		return header{}, ErrDamaged
	}
	h := header{raw: [headerSize]byte(file)}
	h.cost = cost{h.raw[8], h.raw[9], binary.BigEndian.Uint32(h.raw[12:]), binary.BigEndian.Uint32(h.raw[16:])}
	zero := h.raw[10]|h.raw[11] == 0 && len(bytes.Trim(h.raw[52:], "\x00")) == 0
	if !zero || !h.cost.sane() {
		return header{}, ErrDamaged
	}
	return h, nil
}

func (c cost) sane() bool {
	if c.kdf == kdfNone {
		return c == cost{}
	}
	return c.kdf == kdfArgon && c.lanes >= 1 && c.lanes <= maxLanes &&
		c.passes >= 1 && c.passes <= maxPasses && c.kib >= minKiB && c.kib <= maxKiB
}

// wiped tells what Wipe leaves: none of the magic bytes stands and the header is not all one byte. Anything else that is
// not a key file is damage, on which nothing may be deleted.
func wiped(file []byte) bool {
	if len(file) < headerSize {
		return false
	}
	for i := range len(magic) {
		if file[i] == magic[i] {
			return false
		}
	}
	return len(bytes.Trim(file[:headerSize], string(file[:1]))) > 0
}

// derive gives the key of each slot. It costs one Argon2id, whose memory goes back to the system at once.
func (h *header) derive(pass, secret []byte) (keks [slots][32]byte) {
	var ikm []byte
	if h.kdf == kdfArgon {
		ikm = argon2.IDKey(norm.NFKC.Bytes(pass), h.salt(), h.passes, h.kib, h.lanes, 32)
		debug.FreeOSMemory()
	}
	ikm = append(ikm, secret...)
	for i := range keks {
		copy(keks[i][:], expand(ikm, h.salt(), wire.LabelSlot+string([]byte{byte(i)})))
	}
	clear(ikm)
	return keks
}

// expand is HKDF-SHA256 for 32 bytes.
func expand(ikm, salt []byte, info string) []byte {
	key, err := hkdf.Key(sha256.New, ikm, salt, info, 32)
	if err != nil {
		panic("keystore: HKDF gives 32 bytes") // cannot be: the length is fixed and small
	}
	return key
}

package envelope

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/wire"
)

// Layout of a body: suite ‖ mode ‖ kid[8] ‖ u32 n ‖ salt[4] ‖ ciphertext of the padded content.
const (
	Suite      = 0x01 // Ed25519, X25519+ML-KEM-768, XChaCha20-Poly1305, HKDF-SHA256, SHA-256
	ModeEpoch  = 1    // message keys from the epoch key
	headSize   = 14   // bytes before the salt
	saltSize   = 4
	MaxContent = 48 << 10
)

// Errors of Open, told apart because a reader acts on them: another key may open the body, a newer
// program may read it, nothing will.
var (
	ErrKey    = errors.New("sealed with a key that is not held")
	ErrNewer  = errors.New("needs a newer version")
	ErrOpen   = errors.New("body does not open")
	ErrTooBig = errors.New("content over its limit")
)

// Place is where a body stands: it opens nowhere else.
type Place struct {
	Author   [32]byte
	Seq      uint64
	Skeleton []byte // canonical map of the vertex without body hash and size
}

// Size returns the length of the body that holds n bytes of content.
func Size(n int) int { return headSize + saltSize + padded(n) + chacha20poly1305.Overhead }

// padded returns the length to which n bytes of content are padded, at least one byte more.
func padded(n int) int {
	step := 32
	switch n++; {
	case n > 1024:
		step = 1024
	case n > 256:
		step = 128
	}
	return (n + step - 1) / step * step
}

func (k *Keys) head() []byte {
	h := append([]byte{Suite, ModeEpoch}, k.KID[:]...)
	return append(h, 0, 0, 0, 0)
}

// messageKey is mk of mode 1.
func (k *Keys) messageKey(at Place) [32]byte {
	return MAC(k.Epoch[:], []byte(wire.LabelEpochMsg), at.Author[:], binary.BigEndian.AppendUint64(nil, at.Seq))
}

// cipherKey returns key and nonce of one body, and its associated data.
func cipherKey(mk, salt, head []byte, at Place) (key, nonce, ad []byte) {
	ad = append(append(make([]byte, 0, len(at.Skeleton)+headSize), at.Skeleton...), head...)
	sum := sha256.Sum256(ad)
	prk := MAC(salt, mk) // HKDF-Extract
	kn := Expand(prk[:], wire.LabelBody+string(sum[:]), chacha20poly1305.KeySize+chacha20poly1305.NonceSizeX)
	return kn[:chacha20poly1305.KeySize], kn[chacha20poly1305.KeySize:], ad
}

// Seal returns the body that holds content at its place. The 32 bytes read from rnd only salt it: a
// source that repeats itself cannot make two texts share a key and nonce.
func (k *Keys) Seal(at Place, content []byte, rnd io.Reader) ([]byte, error) {
	if len(content) > MaxContent {
		return nil, fmt.Errorf("seal %d bytes, limit %d: %w", len(content), MaxContent, ErrTooBig)
	}
	var fresh [32]byte
	if _, err := io.ReadFull(rnd, fresh[:]); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	body := append(make([]byte, 0, Size(len(content))), k.head()...)
	mk := k.messageKey(at)
	sum := sha256.Sum256(append(append([]byte(nil), at.Skeleton...), body...))
	salt := MAC(mk[:], []byte(wire.LabelSalt), fresh[:], sum[:], content)
	key, nonce, ad := cipherKey(mk[:], salt[:saltSize], body, at)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	plain := append(make([]byte, 0, padded(len(content))), content...)
	plain = append(plain, 0x80)
	plain = plain[:cap(plain)]
	return aead.Seal(append(body, salt[:saltSize]...), nonce, plain, ad), nil
}

// Open returns the content of a body at its place.
func (k *Keys) Open(at Place, body []byte) ([]byte, error) {
	if len(body) < headSize+saltSize+chacha20poly1305.Overhead+32 {
		return nil, fmt.Errorf("%w: %d bytes", ErrOpen, len(body))
	}
	if body[0] != Suite || body[1] != ModeEpoch {
		return nil, fmt.Errorf("%w: suite %d mode %d", ErrNewer, body[0], body[1])
	}
	head, salt := body[:headSize], body[headSize:headSize+saltSize]
	if string(head) != string(k.head()) {
		return nil, ErrKey
	}
	mk := k.messageKey(at)
	key, nonce, ad := cipherKey(mk[:], salt, head, at)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, body[headSize+saltSize:], ad)
	if err != nil {
		return nil, ErrOpen
	}
	return unpad(plain)
}

// unpad accepts the one padding that Seal writes.
func unpad(plain []byte) ([]byte, error) {
	n := len(plain)
	for n > 0 && plain[n-1] == 0 {
		n--
	}
	if n == 0 || plain[n-1] != 0x80 || padded(n-1) != len(plain) || n-1 > MaxContent {
		return nil, fmt.Errorf("%w: padding", ErrOpen)
	}
	return plain[:n-1], nil
}

package keystore

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/store/files"
)

const (
	nonceSize = chacha20poly1305.NonceSizeX
	tagSize   = chacha20poly1305.Overhead
	plainSize = slotSize - nonceSize - tagSize // 8,152
)

// slotOf is the place of slot i in the file.
func slotOf(file []byte, i int) []byte {
	return file[headerSize+i*slotSize:][:slotSize:slotSize]
}

func (h *header) ad(i int) []byte { return append(h.raw[:headerSize:headerSize], byte(i)) }

// seal writes k to its slot under a new nonce.
func (h *header) seal(rnd io.Reader, file []byte, i int, kek *[32]byte, k *Keys) error {
	plain, err := k.encode()
	if err != nil {
		return err
	}
	defer clear(plain)
	return box(rnd, slotOf(file, i), kek[:], plain, h.ad(i))
}

// open returns the content of slot i, or nil: an empty slot, another profile's and a damaged one look the same.
func (h *header) open(file []byte, i int, kek *[32]byte) *Keys {
	plain := unbox(slotOf(file, i), kek[:], h.ad(i))
	if plain == nil {
		return nil
	}
	defer clear(plain)
	k, err := decodeKeys(plain)
	if err != nil {
		return nil
	}
	return k
}

// unlock tries all slots, so that the time does not tell which one it was. nil: none opens.
func (h *header) unlock(file, pass, secret []byte) *Opened {
	if h.kdf == kdfNone && len(pass) > 0 {
		return nil
	}
	keks := h.derive(pass, secret)
	var found *Opened
	for i := range slots {
		if k := h.open(file, i, &keks[i]); k != nil && found == nil {
			found = &Opened{Keys: k, head: *h, slot: i, kek: keks[i]}
		}
	}
	clear(keks[:])
	return found
}

// box fills dst with nonce ‖ ciphertext ‖ tag.
func box(rnd io.Reader, dst, key, plain, ad []byte) error {
	nonce := dst[:nonceSize]
	if _, err := io.ReadFull(rnd, nonce); err != nil {
		return fmt.Errorf("seal keys: %w", err)
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return fmt.Errorf("seal keys: %w", err)
	}
	aead.Seal(nonce, nonce, plain, ad)
	return nil
}

// unbox returns the plain text, or nil.
func unbox(src, key, ad []byte) []byte {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil
	}
	plain, err := aead.Open(nil, src[:nonceSize], src[nonceSize:], ad)
	if err != nil {
		return nil
	}
	return plain
}

// Add puts another profile into a slot at random among those that are not opened. others are all profiles whose
// passphrases are known: one that is not named may be lost. It needs a file with passphrases.
func (o *Opened) Add(pass []byte, k *Keys, others ...*Opened) (*Opened, error) {
	file, h, err := load(o.fs)
	if err != nil {
		return nil, err
	}
	secret, err := o.sec.Secret()
	if err != nil {
		return nil, fmt.Errorf("add profile: %w", err)
	}
	if h.kdf == kdfNone || len(pass) == 0 {
		return nil, fmt.Errorf("add profile: only a file with passphrases holds several: %w", ErrPassphrase)
	}
	if h.unlock(file, pass, secret) != nil {
		return nil, fmt.Errorf("add profile: the passphrase opens another one: %w", ErrExists)
	}
	slot, err := pick(rand.Reader, append(others, o))
	if err != nil {
		return nil, err
	}
	n := &Opened{Keys: k.clone(), fs: o.fs, sec: o.sec, head: h, slot: slot, kek: h.derive(pass, secret)[slot]}
	var state files.Key
	if _, err := io.ReadFull(rand.Reader, state[:]); err != nil {
		return nil, fmt.Errorf("add profile: %w", err)
	}
	if err := n.writeState(state); err != nil {
		return nil, err
	}
	if err := h.seal(rand.Reader, file, slot, &n.kek, k); err != nil {
		return nil, err
	}
	return n, files.WriteAtomic(o.fs, fileKeys, file)
}

// pick draws a slot that none of these profiles has.
func pick(rnd io.Reader, used []*Opened) (int, error) {
	var open []int
	for i := range slots {
		taken := false
		for _, u := range used {
			taken = taken || u.slot == i
		}
		if !taken {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return 0, fmt.Errorf("all %d slots are in use: %w", slots, ErrExists)
	}
	var b [8]byte // so long that the remainder's bias is nothing
	if _, err := io.ReadFull(rnd, b[:]); err != nil {
		return 0, fmt.Errorf("pick slot: %w", err)
	}
	sum := 0
	for _, v := range b {
		sum = (sum*256 + int(v)) % len(open)
	}
	return open[sum], nil
}

// wipeOthers overwrites all slots and places but the profile's own.
func (o *Opened) wipeOthers(file []byte) error {
	for i := range slots {
		if i == o.slot {
			continue
		}
		if _, err := io.ReadFull(rand.Reader, slotOf(file, i)); err != nil {
			return fmt.Errorf("wipe other profiles: %w", err)
		}
	}
	if err := files.WriteAtomic(o.fs, fileKeys, file); err != nil {
		return err
	}
	return o.wipeOtherStates()
}

// Delay is how long to wait for the next attempt after n wrong passphrases before this one: 1, 2, 4 … 60 seconds. The
// count is of one program: on disk it would tell whoever finds it that somebody tried.
func Delay(n int) time.Duration {
	return min(time.Second<<min(n, 6), time.Minute)
}

// Package keystore keeps the keys of this device in two small files beside the store.
//
// keys holds up to eight profiles in slots that look the same full or empty; state.key holds the key of what must be
// forgotten soon. Both need a secret that the operating system keeps, and keys a passphrase too where one is set.
// A change rewrites its own slot and replaces the file: after a crash at any point the old or the new one opens.
// An Opened is not safe for concurrent use, and one process alone may write the files.
package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pars-network/pars/pkg/store/files"
)

var (
	// ErrNone means that there is no key file: the first start.
	ErrNone = errors.New("no key file")
	// ErrPassphrase is all that is told when no slot opens.
	ErrPassphrase = errors.New("wrong passphrase or damaged file")
	// ErrDamaged means that the file cannot be a key file any more; no passphrase was tried.
	ErrDamaged = errors.New("key file is damaged")
	// ErrWiped means that the key file was overwritten by Wipe. See Pending.
	ErrWiped = errors.New("keys were wiped")
	// ErrNoSecret means that the operating system has no secret for this file. It may be locked only: never wipe on it.
	ErrNoSecret = errors.New("the key store of the system holds no secret")
	// ErrExists means that a key file is there and was left alone.
	ErrExists = errors.New("key file exists")
)

const (
	fileKeys  = "keys"
	fileState = "state.key"
)

// Opened is one unlocked profile.
type Opened struct {
	// Keys is the content of the slot. Change a copy and Save it.
	Keys *Keys

	fs   files.FS
	sec  Secret
	head header
	slot int
	kek  [32]byte
}

// NeedsPassphrase tells whether Open will want one.
func NeedsPassphrase(f files.FS) (bool, error) {
	_, h, err := load(f)
	return h.kdf == kdfArgon, err
}

// Open unlocks the profile of this passphrase; nil where the file has none. Every slot is tried each time. A profile
// whose action says so has all others overwritten before Open returns.
func Open(f files.FS, sec Secret, pass []byte) (*Opened, error) {
	file, h, err := load(f)
	if err != nil {
		return nil, err
	}
	secret, err := sec.Secret()
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	o := h.unlock(file, pass, secret)
	if o == nil {
		return nil, fmt.Errorf("open keys: %w", ErrPassphrase)
	}
	o.fs, o.sec = f, sec
	if o.Keys.OnOpen == WipeOthers {
		if err := o.wipeOthers(file); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// load reads the key file and says what it is before anything is derived.
func load(f files.FS) ([]byte, header, error) {
	file, err := f.ReadFile(fileKeys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, header{}, ErrNone
	}
	if err != nil {
		return nil, header{}, fmt.Errorf("open keys: %w", err)
	}
	h, err := parseHeader(file)
	if err != nil {
		return nil, header{}, fmt.Errorf("open keys: %w", err)
	}
	return file, h, nil
}

// Save replaces the profile's slot; the other seven are copied as they are. The generation goes up by one.
func (o *Opened) Save(k *Keys) error {
	file, h, err := load(o.fs)
	if err != nil {
		return err
	}
	if h.raw != o.head.raw {
		return fmt.Errorf("save keys: another file stands there: %w", ErrDamaged)
	}
	next := k.clone()
	next.Generation = o.Keys.Generation + 1
	if err := o.head.seal(rand.Reader, file, o.slot, &o.kek, next); err != nil {
		return err
	}
	if err := files.WriteAtomic(o.fs, fileKeys, file); err != nil {
		return err
	}
	o.Keys = next
	return nil
}

// ErasePhrase drops the phrase's entropy from the slot.
func (o *Opened) ErasePhrase() error {
	k := o.Keys.clone()
	clear(k.Entropy)
	k.Entropy = nil
	old := o.Keys
	if err := o.Save(k); err != nil {
		return err
	}
	clear(old.Entropy)
	return nil
}

// Forget overwrites the keys in memory, as far as Go allows: the slices and arrays we own.
func (o *Opened) Forget() {
	clear(o.Keys.Entropy)
	*o.Keys = Keys{}
	o.kek = [32]byte{}
}

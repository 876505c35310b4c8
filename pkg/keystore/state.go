package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/pars-network/pars/pkg/store/files"
	"github.com/pars-network/pars/pkg/wire"
)

// state.key has one place a slot, in the same order, unused ones random: nonce 24, sealed key 32, tag 16.
const (
	placeSize = nonceSize + 32 + tagSize
	stateSize = slots * placeSize
)

func placeOf(file []byte, i int) []byte { return file[i*placeSize:][:placeSize:placeSize] }

// stateWrap is the key that seals the state key. A back-end that can delete keys puts a second secret behind the DEK;
// those here cannot.
func stateWrap(dek files.Key) []byte { return expand(dek[:], nil, wire.LabelState) }

func sealState(rnd io.Reader, file []byte, place int, dek, key files.Key) error {
	return box(rnd, placeOf(file, place), stateWrap(dek), key[:], []byte{byte(place)})
}

// StateKey returns the key of ratchets, prekeys and erasure keys.
func (o *Opened) StateKey() (files.Key, error) {
	file, err := o.loadState()
	if err != nil {
		return files.Key{}, err
	}
	plain := unbox(placeOf(file, o.slot), stateWrap(o.Keys.DEK), []byte{byte(o.slot)})
	if plain == nil {
		return files.Key{}, fmt.Errorf("open state key: %w", ErrDamaged)
	}
	return files.Key(plain), nil
}

func (o *Opened) loadState() ([]byte, error) {
	file, err := o.fs.ReadFile(fileState)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(file) != stateSize {
		return nil, fmt.Errorf("open state key: %w", ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("open state key: %w", err)
	}
	return file, nil
}

// NextStateKey replaces the state key. reseal must write what is to survive, sealed under new, as a second generation
// beside the first and have it durable when it returns; it must not touch the first. Whoever crashes in between finds
// the old key and the old generation, or the new key and the new one: the generation that opens is the one that counts,
// the other is to be deleted. After NextStateKey the caller deletes the old one.
func (o *Opened) NextStateKey(reseal func(old, new files.Key) error) error {
	old, err := o.StateKey()
	if err != nil {
		return err
	}
	var next files.Key
	if _, err := io.ReadFull(rand.Reader, next[:]); err != nil {
		return fmt.Errorf("draw state key: %w", err)
	}
	if err := reseal(old, next); err != nil {
		return fmt.Errorf("seal under the new state key: %w", err)
	}
	return o.writeState(next)
}

// writeState replaces the profile's own place.
func (o *Opened) writeState(key files.Key) error {
	file, err := o.loadState()
	if err != nil {
		return err
	}
	if err := sealState(rand.Reader, file, o.slot, o.Keys.DEK, key); err != nil {
		return err
	}
	return files.WriteAtomic(o.fs, fileState, file)
}

// wipeOtherStates overwrites all places but the profile's own.
func (o *Opened) wipeOtherStates() error {
	file, err := o.loadState()
	if err != nil {
		return err
	}
	for i := range slots {
		if i == o.slot {
			continue
		}
		if _, err := io.ReadFull(rand.Reader, placeOf(file, i)); err != nil {
			return fmt.Errorf("wipe other profiles: %w", err)
		}
	}
	return files.WriteAtomic(o.fs, fileState, file)
}

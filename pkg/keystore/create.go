package keystore

import (
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/store/files"
)

// Create writes the first profile: a new OS secret, then state.key, then keys, whose appearance is what counts. Without
// a passphrase the file stands on the OS secret alone. A file left by a finished Wipe is replaced, any other is ErrExists.
func Create(f files.FS, sec Secret, pass []byte, k *Keys, rnd io.Reader) error {
	c := cost{}
	if len(pass) > 0 {
		c = argon()
	}
	return create(f, sec, pass, k, random(rnd), c)
}

func create(f files.FS, sec Secret, pass []byte, k *Keys, rnd io.Reader, c cost) error {
	if err := free(f); err != nil {
		return err
	}
	secret, state := make([]byte, secretSize), files.Key{}
	file, places := make([]byte, fileSize), make([]byte, stateSize)
	for _, b := range [][]byte{secret, state[:], file, places} {
		if _, err := io.ReadFull(rnd, b); err != nil {
			return fmt.Errorf("create keys: %w", err)
		}
	}
	h := newHeader(file, c)
	slot, err := pick(rnd, nil)
	if err != nil {
		return err
	}
	kek := h.derive(pass, secret)[slot]
	if err := h.seal(rnd, file, slot, &kek, k); err != nil {
		return err
	}
	if err := sealState(rnd, places, slot, k.DEK, state); err != nil {
		return err
	}
	if err := sec.Put(secret); err != nil {
		return fmt.Errorf("create keys: %w", err)
	}
	if err := files.WriteAtomic(f, fileState, places); err != nil {
		return err
	}
	return files.WriteAtomic(f, fileKeys, file)
}

package node

import (
	"fmt"

	"github.com/pars-network/pars/pkg/cards"
	"github.com/pars-network/pars/pkg/keystore"
)

// learnRoot keeps the account's public root in the key file of a home that was made before it was kept there, as long as
// the phrase is on this device. The store is open: no other process changes the key file.
func (h *Home) learnRoot(secret keystore.Secret) error {
	if len(h.keys.Keys.Root) > 0 || len(h.keys.Keys.Entropy) != 32 {
		return nil
	}
	h.keys.Forget() // they were read before the store's lock was had: the phrase may have been erased since
	if err := h.unlock(secret); err != nil {
		return err
	}
	if len(h.keys.Keys.Root) > 0 || len(h.keys.Keys.Entropy) != 32 {
		return nil
	}
	root, err := rootOf([32]byte(h.keys.Keys.Entropy))
	if err != nil {
		return err
	}
	k := *h.keys.Keys
	k.Root = cards.RootBytes(root.Public())
	if err := h.keys.Save(&k); err != nil {
		return fmt.Errorf("keep the account's public key: %w", err)
	}
	return nil
}

// openCards opens the shelf of cards.
func (h *Home) openCards() error {
	state, err := h.keys.StateKey()
	if err != nil {
		return fmt.Errorf("open home %s: %w", h.cfg.Dir, err)
	}
	h.Cards, err = cards.OfDevice(h.keys.Keys, h.store, state, h.cfg.Rand)
	return err
}

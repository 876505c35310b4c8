package node

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/cards"
	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
)

// HomeConfig says which home to open.
type HomeConfig struct {
	Dir        string
	Profile    *profile.Profile
	Passphrase []byte // nil: none
	Phrase     string // for a new home: the account's 24 words; empty: a new account
	Phone      bool
	Limit      int64 // disk budget in bytes; 0: 8 GiB, 512 MiB on phones
	Log        *slog.Logger
	Clock      func() time.Time
	Rand       io.Reader
}

func (c HomeConfig) orDefault() HomeConfig {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Limit == 0 {
		c.Limit = 8 << 30
		if c.Phone {
			c.Limit = 512 << 20
		}
	}
	return c
}

// Errors of opening a home, in words that say what to do.
var (
	ErrNoHome     = fmt.Errorf("no home here: make it with pars-node init, or name another with --home: %w", store.ErrNotFound)
	ErrPassphrase = errors.New("wrong passphrase or damaged key file: give the passphrase with --passphrase-file")
	ErrWiped      = errors.New("this home was wiped; what was left of it is removed now")
)

// Home is an open home: its keys, its store and its sessions. One process has it at a time.
type Home struct {
	cfg      HomeConfig
	fs       store.FS
	keys     *keystore.Opened
	store    *store.Store
	Sessions *session.Sessions
	Cards    *cards.Shelf
	Created  bool

	chain *follower // of the node that runs on it; nil: none is followed
}

// HasHome reports whether there is a home in dir.
func HasHome(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "keys"))
	return err == nil
}

// Locked reports whether the home in dir opens with a passphrase only.
func Locked(dir string) bool {
	yes, err := keystore.NeedsPassphrase(store.OS(dir))
	return err == nil && yes
}

// OpenHome opens a home; with create it makes one where there is none. ErrBusy of pkg/store says that
// another process has it.
func OpenHome(cfg HomeConfig, create bool) (*Home, error) {
	cfg = cfg.orDefault()
	if err := cfg.Profile.RequireNetwork(); err != nil {
		return nil, err
	}
	h := &Home{cfg: cfg, fs: store.OS(cfg.Dir)}
	secret := keystore.File(h.fs)
	if keystore.Pending(h.fs) {
		if err := keystore.Wipe(h.fs, secret); err != nil {
			return nil, fmt.Errorf("finish the wipe: %w", err)
		}
		return nil, ErrWiped
	}
	if !HasHome(cfg.Dir) {
		if !create {
			return nil, fmt.Errorf("%s: %w", cfg.Dir, ErrNoHome)
		}
		if err := h.make(secret); err != nil {
			return nil, fmt.Errorf("make home %s: %w", cfg.Dir, err)
		}
		h.Created = true
	}
	if err := h.unlock(secret); err != nil {
		return nil, err
	}
	err := h.open()
	if err == nil {
		err = h.learnRoot(secret)
	}
	if err == nil {
		err = h.openCards()
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// make draws the keys of a new home, certifies this device and writes the key file.
func (h *Home) make(secret keystore.Secret) error {
	if err := os.MkdirAll(h.cfg.Dir, 0o700); err != nil {
		return err
	}
	k, err := keystore.NewKeys(h.cfg.Rand)
	if err != nil {
		return err
	}
	entropy, err := h.entropy()
	if err != nil {
		return err
	}
	root, err := rootOf(entropy)
	if err != nil {
		return err
	}
	agree, err := ecdh.X25519().NewPrivateKey(k.DeviceDH[:])
	if err != nil {
		return err
	}
	now := uint64(h.cfg.Clock().Unix())
	cert := &identity.Cert{Sign: sig.FromSeed(k.DeviceSign).Public(), Flags: identity.Grant, Made: now, Expires: now + identity.MaxCertLife}
	copy(cert.Agree[:], agree.PublicKey().Bytes())
	root.Certify(cert)
	k.Account, k.Entropy, k.Cert, k.Root = root.Public().Account().ID, entropy[:], cert.Encode(), cards.RootBytes(root.Public())
	return keystore.Create(h.fs, secret, h.cfg.Passphrase, k, h.cfg.Rand)
}

func (h *Home) entropy() (e [32]byte, err error) {
	if h.cfg.Phrase != "" {
		return identity.Entropy(h.cfg.Phrase)
	}
	_, err = io.ReadFull(h.cfg.Rand, e[:])
	return e, err
}

func rootOf(entropy [32]byte) (*identity.Root, error) {
	seed, err := identity.Seed(identity.Phrase(entropy), "")
	if err != nil {
		return nil, err
	}
	return identity.NewRoot(seed)
}

func (h *Home) unlock(secret keystore.Secret) (err error) {
	h.keys, err = keystore.Open(h.fs, secret, h.cfg.Passphrase)
	switch {
	case errors.Is(err, keystore.ErrPassphrase):
		return ErrPassphrase
	case err != nil:
		return fmt.Errorf("open home %s: %w", h.cfg.Dir, err)
	}
	return nil
}

// open opens store and sessions. A store that badger cannot open or read is mended first.
func (h *Home) open() error {
	dir := filepath.Join(h.cfg.Dir, "store")
	state, err := h.keys.StateKey()
	if err == nil {
		err = h.finishMend(dir)
	}
	if err == nil {
		err = h.openStore(dir, state)
	}
	if errors.Is(err, store.ErrCorrupt) {
		if err = h.mend(dir, err); err == nil {
			err = h.openStore(dir, state)
		}
	}
	if err != nil {
		return fmt.Errorf("open home %s: %w", h.cfg.Dir, err)
	}
	return nil
}

func (h *Home) openStore(dir string, state store.Key) error {
	engine, err := store.OpenBadger(dir, store.BadgerOptions{Phone: h.cfg.Phone, Log: func(s string) { h.cfg.Log.Debug("store", "what", s) }})
	if err != nil {
		return err
	}
	st, err := store.New(engine, store.Options{Key: h.keys.Keys.DEK, Rand: h.cfg.Rand, Limit: h.cfg.Limit, FreeSpace: store.FreeSpace(dir)})
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	id := h.cfg.Profile.NetID()
	h.Sessions, err = session.Open(session.Config{Store: st, State: state, Network: [4]byte(id[:4]), Rand: h.cfg.Rand})
	if err != nil {
		return errors.Join(err, st.Close())
	}
	h.store = st
	return nil
}

// Close closes the store and forgets the keys.
func (h *Home) Close() error {
	var err error
	if h.store != nil {
		err = h.store.Close()
	}
	if h.keys != nil {
		h.keys.Forget()
	}
	return err
}

// peerID is who this node is on the network.
func (h *Home) peerID() peer.ID {
	return peer.ID(dht.PeerOf(sig.FromSeed(h.keys.Keys.NodeSeed).Public()))
}

// Identity is who this home is.
type Identity struct {
	Account string `json:"account"`
	Device  string `json:"device"`
	PeerID  string `json:"peer_id"`
	NodeID  string `json:"node_id"`
	Created bool   `json:"created"`
}

// Identity returns the ids of account, device and node.
func (h *Home) Identity() (Identity, error) {
	id := h.peerID()
	cert, err := identity.DecodeCert(h.keys.Keys.Cert)
	if err != nil {
		return Identity{}, fmt.Errorf("read device certificate: %w", err)
	}
	sum := sha256.Sum256([]byte(id))
	return Identity{Account: identity.Account{Suite: cert.Suite, ID: cert.Account}.String(), Device: cert.Device().String(),
		PeerID: id.String(), NodeID: hex.EncodeToString(sum[:]), Created: h.Created}, nil
}

// Phrase returns the account's 24 words while this device still holds them; ErrNotFound after.
func (h *Home) Phrase() (string, error) {
	e := h.keys.Keys.Entropy
	if len(e) != 32 {
		return "", fmt.Errorf("the phrase is no longer on this device: %w", store.ErrNotFound)
	}
	return identity.Phrase([32]byte(e)), nil
}

// ErasePhrase erases the phrase from this device.
func (h *Home) ErasePhrase() error {
	if _, err := h.Phrase(); err != nil {
		return err
	}
	return h.keys.ErasePhrase()
}

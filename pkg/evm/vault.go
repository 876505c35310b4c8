package evm

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	vaultVersion = 1
	maxKeys      = 64
)

// Vault is a file with the keys and the queue of one chain, sealed under the key of the home. One process at a time
// has it: another waits for nothing and gets wire.ErrBusy. It is not safe for concurrent use.
//
// Bytes: version 1 | nonce 24 | XChaCha20-Poly1305 of cbor[[index, key]…, queue] under HKDF(DEK, "pars/evm/vault/v1"),
// the name of the file authenticated.
type Vault struct {
	Queue *queue.Queue

	files  Files
	name   string
	seal   [32]byte
	rand   io.Reader
	keys   []vaultKey
	unlock func()
}

type vaultKey struct {
	index uint32
	key   *wallet.Key
}

// OpenVault opens or begins the vault of a chain in a home, whose folder evm must exist. Close it.
func OpenVault(home string, files Files, dek [32]byte, chain uint64, rnd io.Reader) (*Vault, error) {
	v := &Vault{Queue: &queue.Queue{Chain: chain}, files: files, name: fmt.Sprintf("evm/%d.vault", chain), rand: rnd}
	k, err := hkdf.Key(sha256.New, dek[:], nil, wire.LabelEVMVault, 32)
	if err != nil {
		return nil, err
	}
	copy(v.seal[:], k)
	if v.unlock, err = lockFile(filepath.Join(home, filepath.FromSlash(v.name)+".lock")); err != nil {
		return nil, fmt.Errorf("wallet and queue are in use: %w", err)
	}
	if err := v.load(); err != nil {
		v.unlock()
		return nil, err
	}
	return v, nil
}

// Close lets others have the vault.
func (v *Vault) Close() { v.unlock() }

func (v *Vault) load() error {
	b, err := v.files.ReadFile(v.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	aead, err := chacha20poly1305.NewX(v.seal[:])
	if err != nil {
		return err
	}
	if len(b) < 1+aead.NonceSize() || b[0] != vaultVersion {
		return fmt.Errorf("%s is damaged, or of a later version: %w", v.name, wire.ErrCorrupt)
	}
	plain, err := aead.Open(nil, b[1:1+aead.NonceSize()], b[1+aead.NonceSize():], []byte(v.name))
	if err != nil {
		return fmt.Errorf("%s does not open with the key of this home: %w", v.name, wire.ErrCorrupt)
	}
	return v.decode(plain)
}

func (v *Vault) decode(plain []byte) error {
	d := wire.NewDecoder(plain)
	if d.Array(2) != 2 {
		d.Fail(wire.Invalid("vault"))
	}
	for range d.Array(maxKeys) {
		if d.Array(2) != 2 {
			d.Fail(wire.Invalid("key"))
		}
		index, raw := uint32(d.Uint(1<<32-1)), d.Bytes(32, 32)
		if d.Err() != nil {
			return d.Err()
		}
		k, err := wallet.FromBytes(raw)
		if err != nil {
			return err
		}
		v.keys = append(v.keys, vaultKey{index, k})
	}
	raw := d.Bytes(1, queue.MaxSize)
	if err := d.End(); err != nil {
		return err
	}
	q, err := queue.DecodeQueue(raw)
	if err == nil && q.Chain != v.Queue.Chain {
		err = ErrChain
	}
	v.Queue = q
	return err
}

// Save makes everything durable.
func (v *Vault) Save() error {
	aead, err := chacha20poly1305.NewX(v.seal[:])
	if err != nil {
		return err
	}
	plain := wire.AppendArray(wire.AppendArray(nil, 2), len(v.keys))
	for _, k := range v.keys {
		plain = wire.AppendBytes(wire.AppendUint(wire.AppendArray(plain, 2), uint64(k.index)), k.key.Bytes())
	}
	plain = wire.AppendBytes(plain, v.Queue.Encode())
	out := append(make([]byte, 0, len(plain)+64), vaultVersion)
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(v.rand, nonce); err != nil {
		return err
	}
	out = append(out, nonce...)
	return v.files.WriteAtomic(v.name, aead.Seal(out, nonce, plain, []byte(v.name)))
}

// Import adds a key and saves; one that is there already changes nothing.
func (v *Vault) Import(index uint32, k *wallet.Key) error {
	if v.key(k.Address()) != nil {
		return nil
	}
	if len(v.keys) >= maxKeys {
		return fmt.Errorf("the wallet has %d keys", len(v.keys))
	}
	v.keys = append(v.keys, vaultKey{index, k})
	return v.Save()
}

// BindingFile is where the binding of the node to a chain's stake is kept in a home. What it holds is public.
func BindingFile(chain uint64) string { return fmt.Sprintf("evm/%d.stake", chain) }

// KeepBinding keeps an encoded stake.Binding for the node of the home.
func (v *Vault) KeepBinding(b []byte) error {
	return v.files.WriteAtomic(BindingFile(v.Queue.Chain), b)
}

// Owned is one address of the wallet.
type Owned struct {
	Index   uint32
	Address Address
}

// Addresses lists the wallet in the order of import.
func (v *Vault) Addresses() []Owned {
	out := []Owned{}
	for _, k := range v.keys {
		out = append(out, Owned{k.index, Address(k.key.Address())})
	}
	return out
}

func (v *Vault) key(a common.Address) *wallet.Key {
	i := slices.IndexFunc(v.keys, func(k vaultKey) bool { return k.key.Address() == a })
	if i < 0 {
		return nil
	}
	return v.keys[i].key
}

// Key returns the key of an address, or of the first one for nil.
func (v *Vault) Key(a *Address) (*wallet.Key, error) {
	if a == nil && len(v.keys) > 0 {
		return v.keys[0].key, nil
	}
	if a != nil {
		if k := v.key(common.Address(*a)); k != nil {
			return k, nil
		}
	}
	return nil, fmt.Errorf("no such key in the wallet; make one with pars-evm wallet new: %w", wire.ErrNotFound)
}

package stake

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	version = 1
	// MaxLife is how long a binding may hold.
	MaxLife = 30 * 24 * time.Hour
	// Size is more than a binding has bytes.
	Size = 256
)

// Binding says that a node counts as an account's.
type Binding struct {
	Peer    sig.Public // Ed25519 key of the node
	Account evm.Address
	Expiry  uint64 // Unix seconds
	// ByAccount is r ‖ s ‖ v over the EIP-712 hash of PeerStake; ByPeer signs that hash under wire.LabelPeerStake.
	ByAccount [65]byte
	ByPeer    sig.Signature
}

// PeerID returns the libp2p peer id of a node key, as bytes.
func PeerID(k sig.Public) string { return idHead + string(k[:]) }

// idHead stands before an Ed25519 key in a peer id: identity multihash of a protobuf {type 1, 32 bytes}.
const idHead = "\x00\x24\x08\x01\x12\x20"

type field struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Typed returns the EIP-712 data that the account signs, for eth_signTypedData_v4 of any wallet.
func (b *Binding) Typed(p *profile.Profile) ([]byte, error) {
	if p.Chain == nil || p.Chain.Stake == nil {
		return nil, noRegistry(p)
	}
	type object map[string]any
	return json.Marshal(object{
		"types": map[string][]field{
			"EIP712Domain": {{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}, {"verifyingContract", "address"}},
			"PeerStake":    {{"peerId", "string"}, {"account", "address"}, {"chainId", "uint256"}, {"expiry", "uint256"}},
		},
		"primaryType": "PeerStake",
		"domain":      object{"name": "Pars", "version": "1", "chainId": p.ChainID, "verifyingContract": p.Chain.Stake.Contract},
		"message": object{"peerId": string(wire.AppendBase58(nil, []byte(PeerID(b.Peer)))), "account": "0x" + hex.EncodeToString(b.Account[:]),
			"chainId": strconv.FormatUint(p.ChainID, 10), "expiry": strconv.FormatUint(b.Expiry, 10)},
	})
}

func (b *Binding) typed(p *profile.Profile) (*wallet.Typed, error) {
	raw, err := b.Typed(p)
	if err != nil {
		return nil, err
	}
	return wallet.DecodeTyped(raw, p.ChainID)
}

// Bind signs a binding with both keys. It holds until expiry, at most MaxLife from when it is read.
func Bind(p *profile.Profile, node sig.Private, account *wallet.Key, expiry uint64) (*Binding, error) {
	b := &Binding{Peer: node.Public(), Account: evm.Address(account.Address()), Expiry: expiry}
	t, err := b.typed(p)
	if err != nil {
		return nil, err
	}
	by, err := account.SignTyped(t)
	if err != nil {
		return nil, err
	}
	copy(b.ByAccount[:], by)
	b.ByPeer = node.Sign(wire.LabelPeerStake, t.Hash[:])
	return b, nil
}

// Encode writes canonical CBOR: [1, peer key, account, expiry, by account, by peer].
func (b *Binding) Encode() []byte {
	out := wire.AppendBytes(wire.AppendUint(wire.AppendArray(nil, 6), version), b.Peer[:])
	out = wire.AppendUint(wire.AppendBytes(out, b.Account[:]), b.Expiry)
	return wire.AppendBytes(wire.AppendBytes(out, b.ByAccount[:]), b.ByPeer[:])
}

// DecodeBinding reads and checks a binding for the chain of a profile at a time. Errors wrap wire.ErrInvalid.
func DecodeBinding(raw []byte, p *profile.Profile, now time.Time) (*Binding, error) {
	if len(raw) > Size {
		return nil, wire.Invalid("binding of %d bytes", len(raw))
	}
	d, b := wire.NewDecoder(raw), &Binding{}
	if d.Array(6) != 6 || d.Uint(1<<32) != version {
		d.Fail(wire.Invalid("no binding of version %d", version))
	}
	d.Fixed(b.Peer[:])
	d.Fixed(b.Account[:])
	b.Expiry = d.Uint(1<<63 - 1)
	d.Fixed(b.ByAccount[:])
	d.Fixed(b.ByPeer[:])
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("binding: %w", err)
	}
	return b, b.check(p, now)
}

func (b *Binding) check(p *profile.Profile, now time.Time) error {
	end := time.Unix(int64(b.Expiry), 0)
	switch {
	case !end.After(now):
		return wire.Invalid("binding of %v ended at %v", b.Account, end.UTC().Format(time.RFC3339))
	case end.After(now.Add(MaxLife)):
		return wire.Invalid("binding of %v holds for more than %v", b.Account, MaxLife)
	}
	t, err := b.typed(p)
	if err != nil {
		return err
	}
	if !b.Peer.Canonical() || !sig.Verify(b.Peer, wire.LabelPeerStake, t.Hash[:], b.ByPeer) {
		return wire.Invalid("binding of %v is not signed by the node", b.Account)
	}
	by, err := wallet.SignerOf(t, b.ByAccount)
	if err != nil {
		return fmt.Errorf("binding: %w", err)
	}
	if evm.Address(by) != b.Account {
		return wire.Invalid("binding of %v is not signed by the account", b.Account)
	}
	return nil
}

// hashOf is keccak256 of parts.
func hashOf(parts ...[]byte) (h evm.Hash) { return evm.Hash(crypto.Keccak256(parts...)) }

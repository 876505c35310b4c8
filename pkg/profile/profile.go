// Package profile reads the constants of one network: its name, its chain and what its netid is made of.
//
// A profile is a strict JSON file; the built-in ones are such files too, and no constant of a network
// stands in code. Two nodes that hold different netids speak no common protocol and share no record.
package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/wire"
)

// Default is the name of the profile that is meant when none is named.
const Default = "pars-2026"

// ErrUnknown says that no built-in profile has the name asked for.
var ErrUnknown = errors.New("unknown profile")

// ErrNoNetwork says that a profile describes a chain only, with no network of nodes to join.
var ErrNoNetwork = errors.New("profile has no network")

// Profile is one network. Make it with Load or Parse, which check it.
type Profile struct {
	// Name is what the user calls the profile: 1 to 32 of a–z, 0–9 and hyphen.
	Name string `json:"name"`
	// ChainID is the EIP-155 number of the chain that belongs to it.
	ChainID uint64 `json:"chain_id"`
	// ShardBits says into how many topics the gossip of strangers is cut: 2 to its power. 0 to 8.
	ShardBits uint8 `json:"shard_bits,omitempty"`
	// StampBits is the work that one envelope of a stranger must show, in leading zero bits. 0 to 32.
	StampBits uint8 `json:"stamp_bits,omitempty"`
	// Network is nil where only a chain is described (ethereum, sepolia).
	Network *Network `json:"network,omitempty"`
	// Chain is nil where nothing is known of the chain but its number.
	Chain *Chain `json:"chain,omitempty"`
	// Bootstrap is how to find the first peers; nothing of it goes into the netid. It is nil where none is known.
	Bootstrap *Bootstrap `json:"bootstrap,omitempty"`
}

// Network holds what never changes in the life of a network; all of it goes into the netid.
type Network struct {
	// Name is 1 to 32 of a–z, 0–9 and hyphen.
	Name string `json:"name"`
	// GenesisTime is in Unix seconds.
	GenesisTime uint64 `json:"genesis_time"`
}

// RequireNetwork returns ErrNoNetwork with the profile's name where there is no network to join.
func (p *Profile) RequireNetwork() error {
	if p.Network == nil {
		return fmt.Errorf("%w: %s describes a chain only", ErrNoNetwork, p.Name)
	}
	return nil
}

// NetID returns SHA-256("pars/netid/v1" ‖ cbor{0 network name, 1 genesis time}). Of a profile without a
// network it is all zero; whoever is about to join one asks RequireNetwork first.
func (p *Profile) NetID() [32]byte {
	if p.Network == nil {
		return [32]byte{}
	}
	b := wire.AppendMap([]byte(wire.LabelNetid), 2)
	b = wire.AppendText(wire.AppendUint(b, 0), p.Network.Name)
	b = wire.AppendUint(wire.AppendUint(b, 1), p.Network.GenesisTime)
	return sha256.Sum256(b)
}

// NetID8 returns the first four bytes of the netid as eight hexadecimal digits.
func (p *Profile) NetID8() string {
	id := p.NetID()
	return hex.EncodeToString(id[:4])
}

// Protocol returns the protocol id of this network for a suffix such as "sync/1": /pars/<netid8>/sync/1.
func (p *Profile) Protocol(suffix string) string { return "/pars/" + p.NetID8() + "/" + suffix }

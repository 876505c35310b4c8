package profile

import (
	"encoding/hex"
	"math/big"
	"slices"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// Chain says how blocks of the chain are checked, and whom to ask for them. Nothing of it goes into the netid.
type Chain struct {
	// Finality is the kind of proof: "sync-committee", or "none" where nothing is published to check against.
	Finality string `json:"finality"`
	// Preset is "mainnet" or "minimal": the sizes of the beacon chain.
	Preset string `json:"preset,omitempty"`
	// SecondsPerSlot and GenesisTime (Unix seconds) turn slots into time.
	SecondsPerSlot uint64 `json:"seconds_per_slot,omitempty"`
	GenesisTime    uint64 `json:"genesis_time,omitempty"`
	// GenesisRoot is genesis_validators_root, 0x and 64 digits.
	GenesisRoot string `json:"genesis_validators_root,omitempty"`
	// Forks are the beacon chain's, ascending. One that the program does not know ends what it can check.
	Forks []Fork `json:"forks,omitempty"`
	// Execution gives the Unix second of each fork of the EVM from shanghai on. Empty: that of a chain known by its id.
	Execution []ExecutionFork `json:"execution,omitempty"`
	// Threshold is the least number of signers of a head; 0 is two thirds of the committee.
	Threshold uint64 `json:"threshold,omitempty"`
	// WSPeriod is the weak-subjectivity period in seconds: an older checkpoint is refused.
	WSPeriod uint64 `json:"ws_period,omitempty"`
	// Checkpoint is a block root that is trusted when no other is known, 0x and 64 digits.
	Checkpoint string `json:"checkpoint,omitempty"`
	// Beacon and RPC are base URLs of servers that are asked and never believed.
	Beacon []string `json:"beacon,omitempty"`
	RPC    []string `json:"rpc,omitempty"`
	// Precompiles are contracts that the chain's nodes carry in their code, beside Ethereum's own.
	Precompiles []Precompile `json:"precompiles,omitempty"`
	// ENSRegistry is the contract that names are looked up in (EIP-137), 0x and 40 digits.
	ENSRegistry string `json:"ens_registry,omitempty"`
	// Deposit is where a validator's stake is paid. Nil: there are none to become.
	Deposit *Deposit `json:"deposit,omitempty"`
	// Stake is where relays stake. Nil: none of them is known by a stake.
	Stake *Stake `json:"stake,omitempty"`
}

// Stake is a registry of stakes.
type Stake struct {
	// Contract is its address, 0x and 40 digits. It answers stakeOf(address) with one word, in wei.
	Contract string `json:"contract"`
	// Slot, where it is told, is that of the mapping from address to wei in the contract's storage: one proof in place
	// of a call.
	Slot *uint64 `json:"slot,omitempty"`
	// Unit is how many wei give a score of 1, a decimal number; Cap is the most.
	Unit string `json:"unit"`
	Cap  uint64 `json:"cap"`
}

// Deposit is the deposit contract of a beacon chain.
type Deposit struct {
	// Contract is its address, 0x and 40 digits.
	Contract string `json:"contract"`
	// ForkVersion is GENESIS_FORK_VERSION, under which deposits are signed: 0x and 8 digits.
	ForkVersion string `json:"fork_version"`
}

// Fork is one upgrade of the beacon chain.
type Fork struct {
	Name    string `json:"name"`
	Epoch   uint64 `json:"epoch"`
	Version string `json:"version"` // 0x and 8 digits
}

// ExecutionFork is one upgrade of the EVM.
type ExecutionFork struct {
	Name string `json:"name"` // shanghai, cancun, prague, osaka
	Time uint64 `json:"time"` // Unix seconds
}

// Precompile is one contract in the nodes' code. Key is stable, the address is not.
type Precompile struct {
	Key     string `json:"key"`
	Address string `json:"address"` // 0x and 40 digits
	// In and Out are a known question and its answer, 0x and digits. Without them only mldsa44, mldsa65 and mldsa87,
	// whose question is made, can be probed.
	In  string `json:"in,omitempty"`
	Out string `json:"out,omitempty"`
}

// Kinds of finality.
const (
	FinalityNone = "none"
	FinalitySync = "sync-committee"
)

const maxList = 64

func (c *Chain) check() error {
	switch {
	case c.Finality != FinalityNone && c.Finality != FinalitySync:
		return wire.Invalid("finality %q is neither %s nor %s", c.Finality, FinalitySync, FinalityNone)
	case max(len(c.Forks), len(c.Execution), len(c.Beacon), len(c.RPC), len(c.Precompiles)) > maxList:
		return wire.Invalid("a list of the chain has more than %d entries", maxList)
	case c.Checkpoint != "" && !isHex(c.Checkpoint, 32):
		return wire.Invalid("checkpoint is not 0x and 64 digits")
	case c.ENSRegistry != "" && !isHex(c.ENSRegistry, 20):
		return wire.Invalid("ens_registry is not 0x and 40 digits")
	case c.Deposit != nil && (!isHex(c.Deposit.Contract, 20) || !isHex(c.Deposit.ForkVersion, 4)):
		return wire.Invalid("deposit needs a contract, 0x and 40 digits, and a fork_version, 0x and 8 digits")
	}
	if err := c.Stake.check(); err != nil {
		return err
	}
	for _, p := range c.Precompiles {
		if !plainName(p.Key) || !isHex(p.Address, 20) {
			return wire.Invalid("precompile %.40q needs a key and an address", p.Key)
		}
	}
	for i, f := range c.Execution {
		if i > 0 && f.Time < c.Execution[i-1].Time {
			return wire.Invalid("execution forks are not in order")
		}
	}
	if c.Finality == FinalityNone {
		return nil
	}
	return c.checkSync()
}

func (s *Stake) check() error {
	if s == nil {
		return nil
	}
	unit, ok := new(big.Int).SetString(s.Unit, 10)
	switch {
	case !isHex(s.Contract, 20):
		return wire.Invalid("stake: contract is not 0x and 40 digits")
	case !ok || unit.Sign() <= 0 || unit.BitLen() > 256 || unit.String() != s.Unit:
		return wire.Invalid("stake: unit is no number of wei")
	case s.Cap == 0 || s.Cap > 10:
		return wire.Invalid("stake: cap is missing or above 10")
	}
	return nil
}

func (c *Chain) checkSync() error {
	switch {
	case c.Preset != "mainnet" && c.Preset != "minimal":
		return wire.Invalid("preset %q is neither mainnet nor minimal", c.Preset)
	case c.SecondsPerSlot == 0 || c.SecondsPerSlot > 3600:
		return wire.Invalid("seconds_per_slot is missing or above 3600")
	case c.GenesisTime == 0 || c.WSPeriod == 0:
		return wire.Invalid("genesis_time or ws_period is missing or 0")
	case !isHex(c.GenesisRoot, 32):
		return wire.Invalid("genesis_validators_root is not 0x and 64 digits")
	case len(c.Forks) == 0:
		return wire.Invalid("forks are missing")
	}
	for i, f := range c.Forks {
		if !plainName(f.Name) || !isHex(f.Version, 4) || i > 0 && f.Epoch < c.Forks[i-1].Epoch {
			return wire.Invalid("fork %.40q needs a name, a version of 4 bytes and an epoch in order", f.Name)
		}
	}
	if slices.ContainsFunc(c.Forks, func(f Fork) bool { return f.Epoch == 0 }) {
		return nil
	}
	return wire.Invalid("no fork holds from epoch 0 on")
}

func isHex(s string, n int) bool {
	digits, ok := strings.CutPrefix(s, "0x")
	b, err := hex.DecodeString(digits)
	return ok && err == nil && len(b) == n && strings.ToLower(digits) == digits
}

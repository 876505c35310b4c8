//go:build parsfull

package full

import (
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/params"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/wire"
)

// MaxGenesis is the largest genesis file in bytes.
const MaxGenesis = 32 << 20

// Genesis is the first block of a chain, with the rules that hold from there on.
type Genesis struct{ block *core.Genesis }

// KnownGenesis is that of Ethereum or Sepolia; nil for a chain whose genesis is not built in.
func KnownGenesis(chain uint64) *Genesis {
	switch chain {
	case params.MainnetChainConfig.ChainID.Uint64():
		return &Genesis{core.DefaultGenesisBlock()}
	case params.SepoliaChainConfig.ChainID.Uint64():
		return &Genesis{core.DefaultSepoliaGenesisBlock()}
	}
	return nil
}

// DecodeGenesis reads the genesis file of geth for a chain.
func DecodeGenesis(b []byte, chain uint64) (*Genesis, error) {
	g := &core.Genesis{}
	if len(b) > MaxGenesis {
		return nil, wire.Invalid("genesis of %d bytes, at most %d", len(b), MaxGenesis)
	}
	if err := json.Unmarshal(b, g); err != nil {
		return nil, wire.Invalid("genesis: %v", err)
	}
	switch c := g.Config; {
	case c == nil || c.ChainID == nil:
		return nil, wire.Invalid("genesis names no chain")
	case !c.ChainID.IsUint64() || c.ChainID.Uint64() != chain:
		return nil, fmt.Errorf("genesis is of chain %v, the profile is %d: %w", c.ChainID, chain, evm.ErrChain)
	case c.TerminalTotalDifficulty == nil || c.Clique != nil:
		return nil, wire.Invalid("genesis is of a chain without a beacon chain")
	}
	if err := g.Config.CheckConfigForkOrder(); err != nil {
		return nil, wire.Invalid("genesis: %v", err)
	}
	return &Genesis{g}, nil
}

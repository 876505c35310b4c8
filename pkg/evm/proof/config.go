package proof

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/params"

	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

// ConfigOf returns the rules of a profile's chain: the forks it lists, or those that go-ethereum knows of a chain
// with its number.
func ConfigOf(p *profile.Profile) (*params.ChainConfig, error) {
	if p.Chain == nil || len(p.Chain.Execution) == 0 {
		switch p.ChainID {
		case params.MainnetChainConfig.ChainID.Uint64():
			return params.MainnetChainConfig, nil
		case params.SepoliaChainConfig.ChainID.Uint64():
			return params.SepoliaChainConfig, nil
		}
		return nil, wire.Invalid("profile %s does not list the forks of its EVM", p.Name)
	}
	zero := func() *big.Int { return new(big.Int) }
	c := &params.ChainConfig{ChainID: new(big.Int).SetUint64(p.ChainID), HomesteadBlock: zero(), EIP150Block: zero(), EIP155Block: zero(),
		EIP158Block: zero(), ByzantiumBlock: zero(), ConstantinopleBlock: zero(), PetersburgBlock: zero(), IstanbulBlock: zero(),
		MuirGlacierBlock: zero(), BerlinBlock: zero(), LondonBlock: zero(), TerminalTotalDifficulty: zero(),
		BlobScheduleConfig: &params.BlobScheduleConfig{Cancun: params.DefaultCancunBlobConfig, Prague: params.DefaultPragueBlobConfig}}
	for _, f := range p.Chain.Execution {
		at := f.Time
		switch f.Name {
		case "shanghai":
			c.ShanghaiTime = &at
		case "cancun":
			c.CancunTime = &at
		case "prague":
			c.PragueTime = &at
		case "osaka":
			c.OsakaTime = &at
		default:
			return nil, wire.Invalid("fork %s of the EVM is not known here", f.Name)
		}
	}
	return c, nil
}

// Foreign returns the addresses of a profile's precompiles: contracts that no EVM here can run.
func Foreign(p *profile.Profile) []common.Address {
	if p.Chain == nil {
		return nil
	}
	var out []common.Address
	for _, c := range p.Chain.Precompiles {
		out = append(out, common.HexToAddress(c.Address))
	}
	return out
}

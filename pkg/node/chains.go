package node

import (
	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/ens"
)

// chains lets first peers be looked for by names of Handshake and ENS, where the profile has such names.
func (n *Node) chains(s *bootstrap.Setup) error {
	if s.Asks("hns") {
		chain, err := bootstrap.NewHNSChain(n.Profile.Bootstrap, s.Memory, n.clock)
		if err != nil {
			return err
		}
		s.HNS = &bootstrap.HNS{Prove: chain.Prove, Now: n.clock}
	}
	if s.ENS = n.ENS; s.ENS != nil || !s.Asks("ens") {
		return nil
	}
	proven, err := n.chain.ens()
	if proven != nil || err != nil {
		s.ENS = proven
		return err
	}
	c := n.Profile.Chain
	if c == nil || len(c.RPC) == 0 || c.ENSRegistry == "" {
		s.NoENS = "the profile names no registry, or no server of its chain"
		return nil
	}
	registry, err := ens.ParseAddress(c.ENSRegistry)
	if err != nil {
		return err
	}
	// what the server says is not proven; a list in it is good for its signatures, all else is a hint
	s.ENS = &ens.Source{Resolver: &ens.Resolver{Caller: &ens.ChainRPC{RPC: ens.RPC{URL: c.RPC[0]}, Chain: n.Profile.ChainID}, Registry: registry}}
	return nil
}

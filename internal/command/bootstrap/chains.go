package bootstrap

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/ens"
	"github.com/pars-network/pars/pkg/bootstrap/hns"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/store/files"
)

// chains lets the setup ask by Handshake and ENS, as far as there is somebody to ask.
func chains(c *urfave.Context, s *bootstrap.Setup, home string) error {
	chain, err := bootstrap.NewHNSChain(s.Profile.Bootstrap, folder{filepath.Join(home, "cache")}, s.Now)
	if err != nil {
		return cli.Usagef("profile %s: %v", s.Profile.Name, err)
	}
	chain.Tell = func(r *hns.Report) { hnsTell(c, r) }
	if s.Dialer != nil {
		chain.Client.Dialer = s.Dialer
	}
	s.HNS = &bootstrap.HNS{Prove: chain.Prove, Dialer: s.Dialer, Now: s.Now}
	if !s.Asks("ens") {
		return nil
	}
	p := s.Profile
	if p.Chain == nil || p.Chain.ENSRegistry == "" {
		if p, err = profile.Load("ethereum", os.ReadFile); err != nil {
			return err
		}
	}
	registry, err := ens.ParseAddress(p.Chain.ENSRegistry)
	if err != nil {
		return cli.Usagef("profile %s: registry: %v", p.Name, err)
	}
	caller, proven, err := stateOf(c, p, home)
	if err != nil {
		return err
	}
	if caller == nil {
		s.NoENS = fmt.Sprintf("nothing of the chain %s is held or can be asked; name a server with --rpc, or begin with pars-evm sync", p.Name)
		return nil
	}
	s.ENS = &ens.Source{Resolver: &ens.Resolver{Caller: caller, Registry: registry}, Proven: proven}
	return nil
}

// stateOf runs contracts on state that the light client of the home proves, where it has begun; else on the word of the first
// server; nil where there is none.
func stateOf(c *urfave.Context, p *profile.Profile, home string) (caller ens.Caller, proven bool, err error) {
	urls := append(c.StringSlice("rpc"), p.Chain.RPC...)
	if len(urls) == 0 {
		return nil, false, nil
	}
	if p.Chain.Finality != "none" {
		cl, err := light(c, p, home, urls)
		if err != nil {
			cli.Warnf(c, "names of ENS stay unproven: %v", err)
		} else if cl != nil {
			return cl, true, nil
		}
	}
	return &ens.ChainRPC{RPC: ens.RPC{URL: urls[0]}, Chain: p.ChainID}, false, nil
}

// light opens the light client of pars-evm; nil where it was never begun.
func light(c *urfave.Context, p *profile.Profile, home string, urls []string) (*provenState, error) {
	cl := &evm.Client{Profile: p, Files: held{files.OS(home)}, Now: time.Now}
	if err := cl.Open(); err != nil {
		return nil, err
	}
	if _, begun := cl.Head(); !begun && p.Chain.Checkpoint == "" {
		return nil, nil
	}
	h := evm.NewHTTP()
	for _, u := range append(c.StringSlice("beacon"), p.Chain.Beacon...) {
		b, err := evm.NewBeacon(u, h, cl.Spec())
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		cl.Sources = append(cl.Sources, b)
	}
	for _, u := range urls {
		r, err := evm.NewRPC(u, h)
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		cl.RPCs = append(cl.RPCs, r)
	}
	return &provenState{Calls: evm.Calls{Client: cl}}, nil
}

// held are the files of a home.
type held struct{ files.FS }

// WriteAtomic replaces a file.
func (f held) WriteAtomic(name string, b []byte) error { return files.WriteAtomic(f.FS, name, b) }

// provenState brings the head up to date before the first call. A head that is fresh without that will do.
type provenState struct {
	evm.Calls
	once sync.Once
	sync error
}

// Call runs a contract.
func (p *provenState) Call(ctx context.Context, to [20]byte, data []byte) ([]byte, error) {
	p.once.Do(func() { p.sync = p.Client.Sync(ctx) })
	b, err := p.Calls.Call(ctx, to, data)
	if err != nil && p.sync != nil {
		return b, fmt.Errorf("%w (%w)", err, p.sync)
	}
	return b, err
}

package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/hns"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

// maxTipAge is how old the newest block may be for the chain to speak of today.
const maxTipAge = 24 * time.Hour

// HNSChain proves names of Handshake over headers that it keeps in a Memory. Set the fields. It is safe for concurrent use;
// one question waits for the other.
type HNSChain struct {
	// Client asks; its Saved is set here.
	Client hns.Client
	Memory Memory
	// Tell is given what a sync or a proof found amiss; it may be nil.
	Tell func(*hns.Report)

	mu sync.Mutex // guards what is in Memory
}

// NewHNSChain is that of a profile's constants and peers.
func NewHNSChain(p *profile.Bootstrap, m Memory, now func() time.Time) (*HNSChain, error) {
	name := p.HNS.Chain
	if name == "" {
		name = "main"
	}
	n, err := hns.LoadNetwork(name)
	if err != nil {
		return nil, err
	}
	peers := p.HNS.Peers
	if len(peers) == 0 {
		for _, i := range shuffled(nil, len(n.Seeds)) { // so that no server sees all users first
			peers = append(peers, n.Seeds[i])
		}
	}
	return &HNSChain{Memory: m, Client: hns.Client{Network: n, Peers: peers, Now: now, Enough: p.HNS.Agree}}, nil
}

// Name is the name of the chain's state in a Memory.
func (c *HNSChain) Name() string { return "hns-" + c.Client.Network.ID().String()[:8] }

// Prove syncs, and has a peer prove what the chain holds under a last label: see HNS.
func (c *HNSChain) Prove(ctx context.Context, name string) (*hns.Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	chain, err := c.load()
	if err != nil {
		return nil, err
	}
	cl := c.Client
	cl.Saved = func(chain *hns.Chain) error { return c.Memory.Save(c.Name(), chain.Encode()) }
	chain, report, err := cl.Sync(ctx, chain)
	c.tell(report)
	if err != nil {
		return nil, err
	}
	if age := cl.Now().Sub(time.Unix(int64(chain.Tip().Time), 0)); age > maxTipAge {
		return nil, fmt.Errorf("the newest block of Handshake that its peers have is %v old: %w", age.Round(time.Minute), context.DeadlineExceeded)
	}
	report = &hns.Report{}
	a, err := cl.Resolve(ctx, chain, name, report)
	c.tell(report)
	return a, err
}

func (c *HNSChain) tell(r *hns.Report) {
	if c.Tell != nil && r != nil {
		c.Tell(r)
	}
}

// load reads what is kept. What does not verify is begun anew, at the checkpoint of the program.
func (c *HNSChain) load() (*hns.Chain, error) {
	b, err := c.Memory.Load(c.Name())
	if err == nil {
		if chain, derr := hns.DecodeState(c.Client.Network, b); derr == nil {
			return chain, nil
		}
	} else if !errors.Is(err, wire.ErrNotFound) {
		return nil, err
	}
	return hns.NewChain(c.Client.Network)
}

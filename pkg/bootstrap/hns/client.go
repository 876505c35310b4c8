package hns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// Limits of a Client.
const (
	// Enough is how many peers of different networks must have answered for a tip to be more than one peer's word.
	Enough = 3
	// Timeout is how long a peer has for one answer unless the Client says otherwise.
	Timeout = 20 * time.Second

	maxAsked   = 16      // peers that are dialled
	maxFollows = 1 << 20 // headers taken from one peer in one call
)

// Client asks peers. Set the fields; it keeps nothing between calls.
type Client struct {
	Network *Network
	Dialer  Dialer   // nil: the system's
	Peers   []string // HOST or HOST:PORT, asked in this order
	Now     func() time.Time
	Timeout time.Duration // for one answer; 0: Timeout
	Enough  int           // peers that must agree; 0: Enough
	// Progress is told the height reached and the height that the peer claims. It may be nil.
	Progress func(height, claimed uint32)
	// Saved is called with what is checked so far, after each answer that brought something new. It may be nil.
	Saved func(*Chain) error
}

// Report says what a Sync found.
type Report struct {
	New      int  // headers that were not known
	Agree    int  // peers of different networks that have nothing above our tip
	Replaced bool // a branch from below what was held had more work, and was taken: somebody has lied, then or now
	Clock    bool // a peer has blocks that lie in the future: it lies, or the clock is behind
	Refused  []Refusal
}

// Refusal is a peer that was left, and why. A peer that only did not answer has an error that wraps no wire.ErrInvalid.
type Refusal struct {
	Peer string
	Err  error
}

// Lied reports whether any peer sent what does not verify.
func (r *Report) Lied() bool {
	for _, f := range r.Refused {
		if errors.Is(f.Err, wire.ErrInvalid) {
			return true
		}
	}
	return false
}

// Sync asks the peers for what follows on the chain until Enough agree or none is left, and returns the chain with the most
// work: as a rule the one given. An error means that no peer answered with anything that holds.
func (c *Client) Sync(ctx context.Context, chain *Chain) (*Chain, *Report, error) {
	report := &Report{}
	groups := map[string]bool{}
	var local error
	err := c.each(ctx, report, func(p *Peer) (done bool, err error) {
		before := chain.Tip()
		next, err := c.follow(ctx, p, chain, report)
		if next != nil {
			report.Replaced = report.Replaced || next != chain
			chain = next
		}
		if chain.Tip() != before {
			clear(groups) // those asked before may not have it
			report.Agree = 0
		}
		if err != nil {
			return false, err
		}
		groups[group(p.Addr)] = true
		report.Agree = len(groups)
		if c.Saved != nil {
			if local = c.Saved(chain); local != nil {
				return true, nil
			}
		}
		return report.Agree >= c.enough(), nil
	})
	switch {
	case local != nil:
		return chain, report, local
	case ctx.Err() != nil:
		return chain, report, ctx.Err()
	case report.Agree > 0:
		return chain, report, nil
	case err == nil:
		err = errors.New("no peer was named")
	}
	return chain, report, err
}

// follow takes headers from one peer until it has no more. A branch that leaves ours too deep is followed on a chain of its
// own, from the checkpoint on; it replaces ours if in the end it has more work.
func (c *Client) follow(ctx context.Context, p *Peer, ours *Chain, report *Report) (*Chain, error) {
	chain := ours
	for taken := 0; taken < maxFollows; {
		list, err := c.headers(ctx, p, chain)
		if err != nil {
			return nil, err
		}
		fresh, err := c.take(chain, list, report)
		taken += len(list)
		report.New += fresh
		if chain == ours && apart(err, list, ours) {
			if chain, err = NewChain(c.Network); err != nil {
				return nil, err
			}
			continue
		}
		if errors.Is(err, ErrOrphan) || errors.Is(err, ErrDeep) {
			err = fmt.Errorf("%w: its chain has nothing to do with ours: %w", wire.ErrInvalid, err)
		}
		if err != nil {
			return nil, fmt.Errorf("peer %s: %w", p.Addr, err)
		}
		if c.Progress != nil {
			c.Progress(chain.Tip().Height, p.Height)
		}
		if fresh > 0 && chain == ours && c.Saved != nil {
			if err := c.Saved(chain); err != nil {
				return nil, err
			}
		}
		if len(list) < maxHeaders || fresh == 0 {
			break
		}
	}
	if chain.Work().Cmp(ours.Work()) > 0 {
		return chain, nil
	}
	return ours, nil
}

// apart reports whether the headers leave our chain below what is held of it.
func apart(err error, list []*Header, ours *Chain) bool {
	return errors.Is(err, ErrDeep) || errors.Is(err, ErrOrphan) && len(list) > 0 && list[0].Prev == ours.Anchor()
}

// take adds headers. Those that the clock does not allow yet end the list without a fault.
func (c *Client) take(chain *Chain, list []*Header, report *Report) (fresh int, err error) {
	now := c.Now()
	defer chain.Trim()
	for _, h := range list {
		ok, err := chain.Add(h, now)
		if errors.Is(err, ErrFuture) {
			report.Clock = true
			return fresh, nil
		}
		if err != nil {
			return fresh, err
		}
		if ok {
			fresh++
		}
	}
	return fresh, nil
}

func (c *Client) headers(ctx context.Context, p *Peer, chain *Chain) ([]*Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	return p.Headers(ctx, chain.Locator())
}

func (c *Client) enough() int {
	if c.Enough > 0 {
		return c.Enough
	}
	return Enough
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return Timeout
}

// Answer is what the chain says of a name.
type Answer struct {
	Name     string
	Block    Block // whose root it was proven under
	State    *NameState
	Resource *Resource // nil where the name has nothing to say
	Proof    *Proof
}

// Slip returns the answer as something to carry to others.
func (a *Answer) Slip() *Slip { return &Slip{a.Name, a.Block.Height, a.Block.Tree, a.Proof} }

// Resolve has a peer prove what stands under a name, below the root that Chain.Safe names. A name of which the chain has
// nothing is wire.ErrNotFound, proven too, and the answer has the proof. The first proof that holds is enough; peers that lied are
// told in report, which may be nil.
func (c *Client) Resolve(ctx context.Context, chain *Chain, name string, report *Report) (*Answer, error) {
	name, key, err := Key(name)
	if err != nil {
		return nil, err
	}
	block, ok := chain.Safe()
	if !ok {
		return nil, fmt.Errorf("resolve %s: %w: the chain is too short to have a root", name, wire.ErrNotFound)
	}
	if report == nil {
		report = &Report{}
	}
	var answer *Answer
	var absent error
	err = c.each(ctx, report, func(p *Peer) (done bool, err error) {
		ctx, cancel := context.WithTimeout(ctx, c.timeout())
		defer cancel()
		proof, value, err := p.Prove(ctx, block.Tree, key)
		if err != nil {
			return false, err
		}
		answer, absent = read(name, block, proof, value)
		return true, nil
	})
	if answer != nil {
		return answer, absent
	}
	if err == nil {
		err = errors.New("no peer was named")
	}
	return nil, fmt.Errorf("resolve %s: %w", name, err)
}

// read decodes what was proven. An error is about the name, not about who proved it.
func read(name string, block Block, proof *Proof, value []byte) (*Answer, error) {
	a := &Answer{Name: name, Block: block, Proof: proof}
	if value == nil {
		return a, fmt.Errorf("resolve %s: %w: the chain proves that nobody has it", name, wire.ErrNotFound)
	}
	var err error
	if a.State, err = DecodeNameState(value); err == nil && a.State.Name != name {
		err = wire.Invalid("the chain holds another name there")
	}
	if err == nil && len(a.State.Data) > 0 {
		a.Resource, err = DecodeResource(a.State.Data)
	}
	if err != nil {
		return a, fmt.Errorf("resolve %s: %w", name, err)
	}
	if a.Resource == nil {
		return a, fmt.Errorf("resolve %s: %w: its owner has published nothing", name, wire.ErrNotFound)
	}
	return a, nil
}

// each dials the peers, all at once, and calls use for those that answer, one after the other, until it says done. Whoever
// fails is entered into report; the errors of all are returned.
func (c *Client) each(ctx context.Context, report *Report, use func(*Peer) (done bool, err error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type dialled struct {
		addr string
		peer *Peer
		err  error
	}
	list := c.Peers[:min(len(c.Peers), maxAsked)]
	answers := make(chan dialled, len(list))
	var wait sync.WaitGroup
	for _, addr := range list {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, c.timeout())
			defer cancel()
			p, err := Dial(ctx, c.Network, c.dialer(), addr, c.Now())
			answers <- dialled{addr, p, err}
		})
	}
	var errs []error
	done := false
	for range list {
		a := <-answers
		if a.peer != nil && !done && ctx.Err() == nil {
			done, a.err = use(a.peer)
		}
		if a.peer != nil {
			a.peer.Close()
		}
		if done {
			cancel() // those that are still dialled
		} else if a.err != nil {
			report.Refused = append(report.Refused, Refusal{a.addr, a.err})
			errs = append(errs, a.err)
		}
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (c *Client) dialer() Dialer {
	if c.Dialer != nil {
		return c.Dialer
	}
	return &net.Dialer{}
}

// group is the part of an address that one operator is likely to hold: /16 of IPv4, /32 of IPv6, else the name. Every loopback address is one of its own.
func group(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return strings.ToLower(host)
	}
	if a = a.Unmap(); a.IsLoopback() {
		return addr
	}
	bits := 32
	if a.Is4() {
		bits = 16
	}
	p, _ := a.Prefix(bits) // the number of bits fits
	return p.String()
}

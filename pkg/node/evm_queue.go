package node

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/evm/teller"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	vaultFor = 5 * time.Second // another program may have the vault
	askedFor = 10 * time.Second
)

// vault opens wallet and queue, for as long as f takes: in between, other programs of the home may.
func (f *follower) vault(do func(*evm.Vault) error) error {
	f.vaultMu.Lock()
	defer f.vaultMu.Unlock()
	h := f.n.home
	for end := time.Now().Add(vaultFor); ; {
		v, err := evm.OpenVault(h.cfg.Dir, homeFiles{h.fs}, h.keys.Keys.DEK, f.cfg.Profile.ChainID, h.cfg.Rand)
		if err == nil {
			defer v.Close()
			err = do(v)
			f.note(v.Queue)
			return err
		}
		if !errors.Is(err, wire.ErrBusy) || time.Now().After(end) {
			return err
		}
		select {
		case <-f.n.ctx.Done():
			return f.n.ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// note counts the queue for who looks at the node.
func (f *follower) note(q *queue.Queue) {
	by := map[string]int{}
	for _, e := range q.Entries {
		by[e.State.String()]++
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = by
}

// underWay counts entries that something can still happen to; mu is held.
func (f *follower) underWay() (n int) {
	for s := queue.Draft; s <= queue.Unclear; s++ {
		if !s.Ended() && s != queue.Unclear {
			n += f.queue[s.String()]
		}
	}
	return n
}

// hasVault reports whether there is anything to open.
func (f *follower) hasVault() bool {
	_, err := f.n.home.fs.ReadFile("evm/" + strconv.FormatUint(f.cfg.Profile.ChainID, 10) + ".vault")
	return !errors.Is(err, fs.ErrNotExist)
}

// countQueue looks at the queue as it was left.
func (f *follower) countQueue() {
	if !f.hasVault() {
		return
	}
	if err := f.vault(func(*evm.Vault) error { return nil }); err != nil {
		f.n.log.Warn("queue", "why", err)
	}
}

// pump brings the queue to where the verified chain puts it, and sends what is due.
func (f *follower) pump(ctx context.Context) error {
	if _, begun := f.c.Head(); !begun || !f.hasVault() {
		return nil
	}
	return f.vault(func(v *evm.Vault) error {
		if len(v.Queue.Entries) == 0 {
			return nil
		}
		return f.c.Pump(ctx, v)
	})
}

// chainDesk answers the programs of the home.
type chainDesk struct{ n *Node }

func (c chainDesk) follower() (*follower, error) {
	if c.n == nil || c.n.chain == nil {
		return nil, errNoChain()
	}
	return c.n.chain, nil
}

func (c chainDesk) Chain(context.Context) (teller.Chain, error) {
	f, err := c.follower()
	if err != nil {
		return teller.Chain{}, err
	}
	id := f.c.Spec().ID()
	return teller.Chain{ID: f.cfg.Profile.ChainID, Tag: [8]byte(id[:8])}, nil
}

func (c chainDesk) Ask(ctx context.Context, q teller.Question) (teller.Answer, error) {
	f, err := c.follower()
	if err != nil {
		return teller.Answer{}, err
	}
	pieces, status := f.own.Answer(ctx, "", q.Protocol, q.Ask)
	return teller.Answer{Pieces: pieces, Status: status}, nil
}

func (c chainDesk) Queue(_ context.Context, emit func(teller.Entry) error) error {
	f, err := c.follower()
	if err != nil {
		return err
	}
	var list []teller.Entry
	err = f.vault(func(v *evm.Vault) error {
		for _, e := range v.Queue.Entries {
			list = append(list, teller.EntryOf(e))
		}
		return nil
	})
	for _, e := range list {
		if err == nil {
			err = emit(e)
		}
	}
	return err
}

func (c chainDesk) Send(ctx context.Context, q teller.Sending) (teller.Done, error) {
	return c.change(ctx, q.Queue)
}

func (c chainDesk) Edit(ctx context.Context, q teller.Editing) (teller.Done, error) {
	return c.change(ctx, func(v *evm.Vault) (*queue.Entry, error) { return q.Apply(v, c.n.chain.c.BaseFee()) })
}

func (c chainDesk) Run(ctx context.Context) (teller.Done, error) {
	return c.change(ctx, func(*evm.Vault) (*queue.Entry, error) { return nil, nil })
}

// change commits what is done to the queue, then tries to send. What cannot be sent now waits.
func (c chainDesk) change(ctx context.Context, do func(*evm.Vault) (*queue.Entry, error)) (out teller.Done, err error) {
	f, err := c.follower()
	if err != nil {
		return out, err
	}
	err = f.vault(func(v *evm.Vault) error {
		e, err := do(v)
		if err == nil {
			err = v.Save()
		}
		if err != nil {
			return err
		}
		if why := f.attempt(ctx, v); why != nil {
			out.Why = why.Error()
		}
		if e != nil {
			row := teller.EntryOf(e)
			out.Entry = &row
		}
		return nil
	})
	f.kick()
	return out, err
}

var errOffline = errors.New("this node runs without a network")

// attempt brings the head up to date and sends what is due.
func (f *follower) attempt(ctx context.Context, v *evm.Vault) error {
	if f.n.Offline {
		return errOffline
	}
	ctx, cancel := context.WithTimeout(ctx, askedFor)
	defer cancel()
	fresh{f}.look(ctx)
	if len(v.Queue.Entries) == 0 {
		return nil
	}
	return f.c.Pump(ctx, v)
}

package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	roleEvery = 12 * time.Hour // a role is told of
	roleMin   = 15 * time.Second
	roleMax   = 10 * time.Minute // at most between attempts while nobody took it
	maxRoles  = 16
)

var rolesName = []byte("roles")

// ErrRole says that a node cannot serve in a role.
var ErrRole = errors.New("this node cannot serve in that role")

// errNotNow says why the card of a role is not shown: the mode or the network does not allow it.
var errNotNow = errors.New("not served at present")

// roles are what this node does for strangers. The hash table is told of each twice a day; who asks is shown its card.
type roles struct {
	n     *Node
	cards *dht.Services

	mu   sync.Mutex // guards below
	told map[dht.Role]*pace
	kept []dht.Role // asked for by a person, over restarts
}

func newRoles(n *Node) (*roles, error) {
	r := &roles{n: n, told: map[dht.Role]*pace{}, cards: &dht.Services{Host: n.host, NetID: n.Profile.NetID(), Now: n.clock}}
	if err := r.cards.Start(); err != nil {
		return nil, err
	}
	b, err := n.home.setting(rolesName)
	if err != nil {
		return r, nil
	}
	d := wire.NewDecoder(b)
	for range d.Array(maxRoles) {
		r.kept = append(r.kept, dht.Role(d.Text(64)))
	}
	if d.End() != nil {
		n.log.Warn("roles are damaged on disk: announce them again")
		r.kept = nil
	}
	for _, role := range r.kept {
		if terms := r.own(role); terms != nil {
			if err := r.serve(role, terms); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func (r *roles) close() {
	if r != nil {
		r.cards.Close()
	}
}

// Serve tells the hash table that this node serves in a role, and shows its card to who asks, until Withdraw. terms say
// what the card does: of the evm roles chain, head and oldest state. It is called while the node runs.
func (n *Node) Serve(role dht.Role, terms dht.Terms) error {
	if n.roles == nil {
		return fmt.Errorf("without the hash table: %w", ErrRole)
	}
	return n.roles.serve(role, terms)
}

// Withdraw ends what Serve began.
func (n *Node) Withdraw(role dht.Role) {
	if r := n.roles; r != nil {
		r.mu.Lock()
		delete(r.told, role)
		r.mu.Unlock()
		r.cards.Withdraw(role)
	}
}

func (r *roles) serve(role dht.Role, terms dht.Terms) error {
	if !slices.Contains(dht.Roles(r.n.Profile.ChainID), role) {
		return fmt.Errorf("role %q is not of this network: %w", role, ErrRole)
	}
	if err := r.cards.Serve(role, terms); err != nil {
		return err
	}
	r.mu.Lock()
	r.told[role] = &pace{}
	r.mu.Unlock()
	r.n.presence.kick()
	return nil
}

// own returns the terms of a role that every node can serve in, or nil.
func (r *roles) own(role dht.Role) dht.Terms {
	n := r.n
	switch role {
	case "seeder":
		return func(context.Context) (*dht.ChainCard, error) {
			if !n.presence.dht.Load().Server {
				return nil, fmt.Errorf("the hash table only asks: %w", errNotNow)
			}
			return nil, nil
		}
	case "courier":
		if n.mail == nil {
			return nil
		}
		return func(context.Context) (*dht.ChainCard, error) {
			if !n.mode().Limits().Strangers {
				return nil, fmt.Errorf("nothing is carried for strangers: %w", errNotNow)
			}
			return nil, nil
		}
	}
	return nil
}

// step tells of what is due.
func (r *roles) step(ctx context.Context) {
	if r == nil {
		return
	}
	var due []dht.Role
	now := r.n.clock()
	r.mu.Lock()
	for role, p := range r.told {
		if p.due(now, roleMin, roleMax, r.n.jitter) {
			due = append(due, role)
		}
	}
	r.mu.Unlock()
	for _, role := range due {
		if _, err := r.tell(ctx, role); err != nil && ctx.Err() == nil {
			r.n.log.Debug("role not told", "role", role, "why", err)
		}
	}
}

// tell stores the role with the nodes around its key, if its card can be shown now.
func (r *roles) tell(ctx context.Context, role dht.Role) (acks int, err error) {
	if _, err := r.cards.Card(ctx, role); err != nil {
		return 0, err
	}
	if acks, err = r.n.presence.dht.Load().Provide(ctx, role); acks == 0 {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.told[role]; p != nil {
		p.wait, p.next = 0, r.n.clock().Add(roleEvery)
	}
	return acks, nil
}

// keep remembers a role over restarts.
func (r *roles) keep(role dht.Role) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.kept, role) {
		return nil
	}
	kept := append(slices.Clone(r.kept), role)
	b := wire.AppendArray(nil, len(kept))
	for _, role := range kept {
		b = wire.AppendText(b, string(role))
	}
	if err := r.n.home.saveSetting(rolesName, b); err != nil {
		return fmt.Errorf("keep the role: %w", err)
	}
	r.kept = kept
	return nil
}

// AnnounceRole makes the running node serve in a role, from now on and after restarts, and tells the hash table.
func (l *local) AnnounceRole(ctx context.Context, name string) (Announced, error) {
	if _, err := l.inTable(); err != nil {
		return Announced{}, err
	}
	role, err := dht.ParseRole(name)
	if err != nil {
		return Announced{}, err
	}
	r := l.n.roles
	r.mu.Lock()
	_, served := r.told[role]
	r.mu.Unlock()
	if terms := r.own(role); !served && terms == nil {
		return Announced{}, fmt.Errorf("%w: it can as seeder, as courier where it keeps mail, and as gateway of a chain that it follows; a relay is pars-gossip relay: %w", ErrRole, store.ErrNotFound)
	} else if !served {
		if err := r.serve(role, terms); err != nil {
			return Announced{}, err
		}
	}
	if r.own(role) != nil {
		if err := r.keep(role); err != nil {
			return Announced{}, err
		}
	}
	acks, err := r.tell(ctx, role)
	if err != nil {
		return Announced{}, err
	}
	return Announced{Role: string(role), Acks: acks, Next: l.now().Add(roleEvery).UTC()}, nil
}

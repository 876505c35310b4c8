package stake

import (
	"context"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

// Chain is what is used of *evm.Client.
type Chain interface {
	Call(ctx context.Context, to evm.Address, data []byte, tag evm.Tag) (evm.Result, error)
	Storage(ctx context.Context, addr evm.Address, slot evm.Hash, tag evm.Tag) (evm.Hash, evm.Mark, error)
}

// maxKept bounds what is remembered; the oldest answer goes first.
const maxKept = 4096

// Registry reads the contract that a profile names. Set the fields; it is safe for concurrent use.
type Registry struct {
	Profile *profile.Profile
	Chain   Chain
	Now     func() time.Time

	mu   sync.Mutex // guards kept
	kept map[evm.Address]kept
}

type kept struct {
	stake Stake
	at    time.Time
}

// Stake is what an account has in the registry.
type Stake struct {
	Wei *big.Int
	// Score is Wei in units of the profile, at most its cap.
	Score float64
	evm.Mark
}

func noRegistry(p *profile.Profile) error {
	return fmt.Errorf("profile %s names no stake registry: %w", p.Name, wire.ErrNotFound)
}

// StakeOf reads the stake of an account under the final head, at most once an epoch of the beacon chain.
func (r *Registry) StakeOf(ctx context.Context, a evm.Address) (Stake, error) {
	if r.Profile.Chain == nil || r.Profile.Chain.Stake == nil {
		return Stake{}, noRegistry(r.Profile)
	}
	now := r.Now()
	r.mu.Lock()
	k, ok := r.kept[a]
	r.mu.Unlock()
	if age := now.Sub(k.at); ok && age >= 0 && age < r.epoch() {
		return k.stake, nil
	}
	s, err := r.read(ctx, a)
	if err != nil {
		return Stake{}, fmt.Errorf("stake of %v: %w", a, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil {
		r.kept = map[evm.Address]kept{}
	}
	if len(r.kept) >= maxKept {
		r.forget()
	}
	r.kept[a] = kept{s, now}
	return s, nil
}

// forget drops the oldest answer; mu is held.
func (r *Registry) forget() {
	var oldest evm.Address
	var at time.Time
	for a, k := range r.kept {
		if at.IsZero() || k.at.Before(at) {
			oldest, at = a, k.at
		}
	}
	delete(r.kept, oldest)
}

func (r *Registry) epoch() time.Duration {
	slots := 32
	if r.Profile.Chain.Preset == "minimal" {
		slots = 8
	}
	return time.Duration(slots) * time.Duration(r.Profile.Chain.SecondsPerSlot) * time.Second
}

func (r *Registry) read(ctx context.Context, a evm.Address) (s Stake, err error) {
	p := r.Profile.Chain.Stake
	to, err := evm.ParseAddress(p.Contract)
	if err != nil {
		return s, err
	}
	var word evm.Hash
	if p.Slot != nil {
		word, s.Mark, err = r.Chain.Storage(ctx, to, slotOf(a, *p.Slot), "finalized")
	} else {
		word, s.Mark, err = r.call(ctx, to, a)
	}
	if err != nil {
		return s, err
	}
	s.Wei = new(big.Int).SetBytes(word[:])
	s.Score = scoreOf(s.Wei, p)
	return s, nil
}

// slotOf is where Solidity keeps the value of an address in the mapping at a slot.
func slotOf(a evm.Address, mapping uint64) evm.Hash {
	var key, base evm.Hash
	copy(key[12:], a[:])
	new(big.Int).SetUint64(mapping).FillBytes(base[:])
	return hashOf(key[:], base[:])
}

// call asks stakeOf(address), whose answer is one word.
func (r *Registry) call(ctx context.Context, to, a evm.Address) (word evm.Hash, m evm.Mark, err error) {
	sel := hashOf([]byte("stakeOf(address)"))
	data := append(append(sel[:4:4], make([]byte, 12)...), a[:]...)
	out, err := r.Chain.Call(ctx, to, data, "finalized")
	if err != nil {
		return word, m, err
	}
	if len(out.Return) != len(word) {
		return word, m, wire.Invalid("the registry answers %d bytes where a number has 32: no registry at %v?", len(out.Return), to)
	}
	return evm.Hash(out.Return), out.Mark, nil
}

func scoreOf(wei *big.Int, p *profile.Stake) float64 {
	unit, ok := new(big.Float).SetString(p.Unit)
	if !ok || unit.Sign() <= 0 {
		return 0
	}
	f, _ := new(big.Float).Quo(new(big.Float).SetInt(wei), unit).Float64()
	return min(f, float64(p.Cap))
}

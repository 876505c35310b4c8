package evm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pars-network/pars/pkg/evm/light"
)

// Shelf keeps verified containers to be given to others: the best update of each of the last 16 periods, which is more
// than the weak-subjectivity period, the checkpoint that was begun at, and the newest finality and optimistic updates.
// It is a Source, and Client.Keep of who follows. It is safe for concurrent use.
type Shelf struct {
	Spec  *light.Spec
	Files Files // of updates and the checkpoint, under Dir; nil: memory alone
	Dir   string

	mu      sync.Mutex // guards below
	loaded  bool
	updates map[uint64][]byte
	boot    []byte
	newest  map[light.Kind][]byte
}

// Name is that of the shelf.
func (s *Shelf) Name() string { return "kept here" }

// slot is the file of a period: old ones make room.
func (s *Shelf) file(period uint64) string {
	return s.Dir + "/update-" + strconv.FormatUint(period%MaxUpdates, 10) + ".ssz"
}

// load reads what is kept; the caller holds mu. What does not read is left out.
func (s *Shelf) load() {
	if s.loaded {
		return
	}
	s.loaded, s.updates, s.newest = true, map[uint64][]byte{}, map[light.Kind][]byte{}
	if s.Files == nil {
		return
	}
	for i := range uint64(MaxUpdates) {
		b, err := s.Files.ReadFile(s.file(i))
		if err != nil {
			continue
		}
		if u, err := s.Spec.DecodeUpdate(b); err == nil {
			s.updates[s.Spec.Period(u.Attested.Beacon.Slot)] = b
		}
	}
	if b, err := s.Files.ReadFile(s.Dir + "/bootstrap.ssz"); err == nil {
		if _, err := s.Spec.DecodeBootstrap(b); err == nil {
			s.boot = b
		}
	}
}

// Keep takes a container that verified, under the name that FileOf gives it.
func (s *Shelf) Keep(name string, ssz []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	switch {
	case strings.HasPrefix(name, "bootstrap-"):
		s.boot = ssz
		return s.write(s.Dir+"/bootstrap.ssz", ssz)
	case strings.HasPrefix(name, "update-"):
		return s.update(ssz)
	case name == FileOf(light.KindFinality, ""):
		s.newest[light.KindFinality] = ssz
	case name == FileOf(light.KindOptimistic, ""):
		s.newest[light.KindOptimistic] = ssz
	}
	return nil
}

func (s *Shelf) write(name string, b []byte) error {
	if s.Files == nil {
		return nil
	}
	return s.Files.WriteAtomic(name, b)
}

func (s *Shelf) update(ssz []byte) error {
	u, err := s.Spec.DecodeUpdate(ssz)
	if err != nil {
		return err
	}
	p := s.Spec.Period(u.Attested.Beacon.Slot)
	if old := s.updates[p]; old != nil {
		if o, err := s.Spec.DecodeUpdate(old); err == nil && !s.Spec.Better(u, o) {
			return nil
		}
	}
	s.updates[p] = ssz
	maps.DeleteFunc(s.updates, func(q uint64, _ []byte) bool { return q+MaxUpdates <= p })
	return s.write(s.file(p), ssz)
}

// Bootstrap gives the checkpoint that was begun at.
func (s *Shelf) Bootstrap(_ context.Context, root Hash) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	if s.boot != nil {
		if b, err := s.Spec.DecodeBootstrap(s.boot); err == nil && Hash(b.Header.Beacon.Root()) == root {
			return s.boot, nil
		}
	}
	return nil, fmt.Errorf("bootstrap of %v: %w", root, ErrNone)
}

// Updates gives those of periods in a row.
func (s *Shelf) Updates(_ context.Context, period uint64, n int) (out [][]byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	for i := range n {
		b := s.updates[period+uint64(i)]
		if b == nil {
			break
		}
		out = append(out, b)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("update of period %d: %w", period, ErrNone)
	}
	return out, nil
}

// Finality gives the newest.
func (s *Shelf) Finality(context.Context) ([]byte, error) { return s.one(light.KindFinality) }

// Optimistic gives the newest.
func (s *Shelf) Optimistic(context.Context) ([]byte, error) { return s.one(light.KindOptimistic) }

func (s *Shelf) one(k light.Kind) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	if b := s.newest[k]; b != nil {
		return b, nil
	}
	return nil, ErrNone
}

// Container is one with its kind.
type Container struct {
	Kind light.Kind
	SSZ  []byte
}

// All lists what a courier should carry: updates by period, then the newest finality and optimistic updates.
func (s *Shelf) All() (out []Container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	for _, p := range slices.Sorted(maps.Keys(s.updates)) {
		out = append(out, Container{light.KindUpdate, s.updates[p]})
	}
	for _, k := range []light.Kind{light.KindFinality, light.KindOptimistic} {
		if b := s.newest[k]; b != nil {
			out = append(out, Container{k, b})
		}
	}
	return out
}

// Chained asks the sources in their order until one has something.
type Chained []Source

// Name is that of the first.
func (c Chained) Name() string { return c[0].Name() }

func first[T any](c Chained, f func(Source) (T, error)) (out T, err error) {
	err = ErrNone
	for _, s := range c {
		if out, err = f(s); err == nil {
			return out, nil
		}
	}
	return out, err
}

// Bootstrap asks in turn.
func (c Chained) Bootstrap(ctx context.Context, root Hash) ([]byte, error) {
	return first(c, func(s Source) ([]byte, error) { return s.Bootstrap(ctx, root) })
}

// Updates asks in turn.
func (c Chained) Updates(ctx context.Context, period uint64, n int) ([][]byte, error) {
	return first(c, func(s Source) ([][]byte, error) { return s.Updates(ctx, period, n) })
}

// Finality asks in turn.
func (c Chained) Finality(ctx context.Context) ([]byte, error) {
	return first(c, func(s Source) ([]byte, error) { return s.Finality(ctx) })
}

// Optimistic asks in turn.
func (c Chained) Optimistic(ctx context.Context) ([]byte, error) {
	return first(c, func(s Source) ([]byte, error) { return s.Optimistic(ctx) })
}

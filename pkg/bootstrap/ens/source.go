package ens

import (
	"context"
	"sync"
)

// Source reads texts by name, as roads to the first peers do; each name is looked for once. It is safe for concurrent use.
type Source struct {
	Resolver *Resolver
	// Proven says that the Resolver's Caller runs contracts on proven state.
	Proven bool

	mu    sync.Mutex // guards found
	found map[string]*Found
}

// Text returns a text record. It is proven where the state is and no gateway was asked for it.
func (s *Source) Text(ctx context.Context, name, key string) (text string, proven bool, err error) {
	f, err := s.find(ctx, name)
	if err != nil {
		return "", false, err
	}
	asked := *f // the gateways of this text alone
	text, err = s.Resolver.Text(ctx, &asked, key)
	return text, s.Proven && len(asked.Offchain) == 0, err
}

func (s *Source) find(ctx context.Context, name string) (*Found, error) {
	s.mu.Lock()
	f := s.found[name]
	s.mu.Unlock()
	if f != nil {
		return f, nil
	}
	f, err := s.Resolver.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil {
		s.found = map[string]*Found{}
	}
	s.found[name] = f
	return f, nil
}

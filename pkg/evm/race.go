package evm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/proof"
)

const (
	atOnce   = 2
	liesFor  = time.Hour
	slowFor  = time.Minute
	waitMore = 300 * time.Millisecond
)

// penalties remembers who is not asked for a while. It is safe for concurrent use; the zero value is empty.
type penalties struct {
	mu    sync.Mutex // guards until
	until map[string]time.Time
}

func (p *penalties) add(name string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = map[string]time.Time{}
	}
	p.until[name] = until
}

// order puts those with a penalty last: they are asked when nobody else is left.
func order[T any](p *penalties, list []T, name func(T) string, now time.Time) []T {
	p.mu.Lock()
	defer p.mu.Unlock()
	var good, bad []T
	for _, s := range list {
		if now.Before(p.until[name(s)]) {
			bad = append(bad, s)
		} else {
			good = append(good, s)
		}
	}
	return append(good, bad...)
}

// punish leaves a server alone for a while after a fault: long after a lie, shortly after slowness.
func (p *penalties) punish(name string, err error, now time.Time) {
	switch {
	case blames(err):
		p.add(name, now.Add(liesFor))
	case err != nil && !errors.Is(err, ErrNone) && !errors.Is(err, light.ErrFuture) && !errors.Is(err, context.Canceled):
		p.add(name, now.Add(slowFor))
	}
}

// punish is that of penalties, and tells who lied.
func (c *Client) punish(name string, err error) {
	if c.bad.punish(name, err, c.Now()); c.Blame != nil && blames(err) {
		c.Blame(name, err)
	}
}

// Peer is one whom a transport of one's own reaches: it delivers what the beacon chain and the execution chain do.
type Peer interface {
	Source
	proof.Asker
}

func (c *Client) peers() []Peer {
	if c.Peers == nil {
		return nil
	}
	return c.Peers()
}

type outcome struct {
	from Source
	got  [][]byte
	err  error
}

// race asks two sources at a time until one delivers what take accepts. With all it waits a little for the others
// after the first, and takes what they have too. The error joins what each source failed with.
func (c *Client) race(ctx context.Context, all bool, get func(context.Context, Source) ([][]byte, error), take func([]byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	sources := c.Sources
	for _, p := range c.peers() {
		sources = append(sources[:len(sources):len(sources)], p)
	}
	if c.Lights != nil {
		sources = append(sources[:len(sources):len(sources)], c.Lights()...)
	}
	todo := order(&c.bad, sources, Source.Name, c.Now())
	results := make(chan outcome, len(todo))
	running := 0
	start := func() {
		if len(todo) == 0 {
			return
		}
		s := todo[0]
		todo, running = todo[1:], running+1
		wg.Go(func() {
			got, err := get(ctx, s)
			results <- outcome{s, got, err}
		})
	}
	for range atOnce {
		start()
	}
	var errs []error
	var late <-chan time.Time
	for won := false; running > 0; {
		select {
		case <-late:
			return nil
		case r := <-results:
			running--
			err := c.judge(r, take)
			switch {
			case err == nil && !all:
				return nil
			case err == nil:
				won, todo = true, nil
				late = time.After(waitMore)
			default:
				errs = append(errs, fmt.Errorf("%s: %w", r.from.Name(), err))
				start()
			}
			if won && running == 0 {
				return nil
			}
		}
	}
	if len(errs) == 0 {
		return fmt.Errorf("no source to ask; name one with --beacon: %w", ErrNone)
	}
	return errors.Join(errs...)
}

func (c *Client) judge(r outcome, take func([]byte) error) error {
	err, before := r.err, c.mark()
	for _, b := range r.got {
		if err != nil {
			break
		}
		switch err = take(b); {
		case errors.Is(err, light.ErrIrrelevant):
			err = nil
		case errors.Is(err, light.ErrFuture):
			c.early(r.from.Name(), b)
		}
	}
	c.moves(before, r.from.Name())
	if err == nil && len(r.got) == 0 {
		err = ErrNone
	}
	c.punish(r.from.Name(), err)
	return err
}

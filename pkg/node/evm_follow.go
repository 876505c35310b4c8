package node

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/light"
)

const (
	thriftyEvery = 10 * time.Minute // between questions where they cost
	failedMax    = time.Minute      // at most between attempts while nobody answers
	closedEvery  = time.Minute      // how often a closed door is looked at
)

// run follows until ctx ends.
func (f *follower) run(ctx context.Context) {
	var failed time.Duration
	for {
		wait, err := f.step(ctx)
		if err != nil {
			failed = min(max(2*failed, time.Second), failedMax)
			wait = min(wait, failed)
		} else {
			failed = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
			failed = 0
		case <-time.After(wait):
		}
	}
}

// step brings head and queue up to date and says when to come again.
func (f *follower) step(ctx context.Context) (time.Duration, error) {
	f.stepMu.Lock()
	defer f.stepMu.Unlock()
	if !f.n.awake() {
		return closedEvery, nil
	}
	f.carried()
	f.seek(ctx)
	mode := f.n.mode()
	wait, err := f.slot(), error(nil)
	switch thrifty := mode.Limits().WakeEvery > 0 || mode.Drains; {
	case thrifty && f.c.Fresh(thriftyEvery):
		wait = thriftyEvery / 2
	case thrifty:
		err = f.c.SyncFinality(ctx)
		wait = thriftyEvery / 2
	case f.c.Fresh(f.soon()): // gossip brought it
	default:
		err = f.c.Sync(ctx)
	}
	if err != nil && ctx.Err() == nil {
		f.n.log.Debug("chain", "state", f.c.State(), "why", err)
	}
	f.announce()
	if perr := f.pump(ctx); perr != nil && ctx.Err() == nil {
		f.n.log.Debug("transactions wait", "why", perr)
	}
	if errors.Is(err, evm.ErrConflict) || errors.Is(err, evm.ErrNoCheckpoint) || errors.Is(err, evm.ErrOldCheckpoint) {
		return closedEvery, nil // a person has to help
	}
	return wait, err
}

func (f *follower) perSlot() time.Duration {
	return time.Duration(f.c.Spec().SecondsPerSlot) * time.Second
}

// soon is the age up to which a head need not be asked for: that of the slot before, in the middle of a slot.
func (f *follower) soon() time.Duration { return 7 * f.perSlot() / 4 }

// slot is the time to the middle of the next slot.
func (f *follower) slot() time.Duration {
	per := f.perSlot()
	since := f.n.clock().Sub(time.Unix(int64(f.c.Spec().GenesisTime), 0)) % per
	return (per-since)%per + per/2
}

// keep puts what verified on the shelf, and to what is passed on.
func (f *follower) keep(name string, ssz []byte) error {
	for _, k := range []light.Kind{light.KindFinality, light.KindOptimistic} {
		if name == evm.FileOf(k, "") {
			select {
			case f.heard <- evm.Container{Kind: k, SSZ: ssz}:
			default: // newer ones wait already
			}
		}
	}
	return f.shelf.Keep(name, ssz)
}

// carried takes what bundles put into the home. What is no news costs one look at a file.
func (f *follower) carried() {
	dir := filepath.Join(f.n.home.cfg.Dir, "evm", "carried")
	list, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, k := range []light.Kind{light.KindUpdate, light.KindFinality, light.KindOptimistic} {
		for _, e := range list {
			if kindOfFile(e) == k {
				f.carriedFile(filepath.Join(dir, e.Name()), k)
			}
		}
	}
}

// kindOfFile tells the kind of a container by the name that light.FileOf gives; 0: none.
func kindOfFile(e fs.DirEntry) light.Kind {
	for _, k := range []light.Kind{light.KindFinality, light.KindOptimistic} {
		if e.Name() == light.FileOf(k, "") {
			return k
		}
	}
	digits, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".ssz"), "update-")
	if _, err := strconv.ParseUint(digits, 10, 64); ok && err == nil {
		return light.KindUpdate
	}
	return 0
}

func (f *follower) carriedFile(name string, k light.Kind) {
	info, err := os.Stat(name)
	if err != nil || info.Size() > int64(f.c.Spec().MaxSize(k)) {
		return
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return
	}
	fresh, err := f.c.Offer(k, b, "bundle")
	if err != nil {
		f.n.log.Debug("update of a bundle", "file", filepath.Base(name), "why", err)
	}
	if fresh {
		f.n.log.Info("a bundle brought a newer head")
	}
}

// fresh is the light client of this node as a source for its own programs: it looks for news before it answers.
type fresh struct{ f *follower }

// Name is that of the node.
func (s fresh) Name() string { return "node" }

// all are the shelf, servers and peers.
func (s fresh) all() evm.Chained {
	out := append(evm.Chained{s.f.shelf}, s.f.c.Sources...)
	for _, p := range s.f.peers() {
		out = append(out, p)
	}
	return append(out, s.f.lights()...)
}

// look brings the head up to date where it is older than a slot; with an error the old one is told.
func (s fresh) look(ctx context.Context) {
	if !s.f.n.Offline && !s.f.c.Fresh(s.f.soon()) {
		if err := s.f.c.Sync(ctx); err != nil {
			s.f.n.log.Debug("chain", "why", err)
		}
	}
}

// Bootstrap asks everybody.
func (s fresh) Bootstrap(ctx context.Context, root evm.Hash) ([]byte, error) {
	return s.all().Bootstrap(ctx, root)
}

// Updates asks everybody.
func (s fresh) Updates(ctx context.Context, period uint64, n int) ([][]byte, error) {
	s.look(ctx)
	return s.all().Updates(ctx, period, n)
}

// Finality is the newest that verified here.
func (s fresh) Finality(ctx context.Context) ([]byte, error) {
	s.look(ctx)
	return s.all().Finality(ctx)
}

// Optimistic is the newest that verified here.
func (s fresh) Optimistic(ctx context.Context) ([]byte, error) {
	s.look(ctx)
	return s.all().Optimistic(ctx)
}

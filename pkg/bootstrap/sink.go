package bootstrap

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/wire"
)

// Sink takes what a road brings, checks it, and keeps the score of the road. Its methods may be called from several
// goroutines of the road.
type Sink struct {
	run  *run
	road Road

	mu     sync.Mutex // guards report
	report Report
}

// Count adds to what the road cost.
func (s *Sink) Count(queries, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Queries += queries
	s.report.Bytes += bytes
}

// At is told how far the road has come: connect, tls, answer, dnssec, proof, signature, time, rollback.
func (s *Sink) At(stage, verdict string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Stage = stage
	if verdict != "" {
		s.report.Verdict = verdict
	}
}

// Root checks a root. nil says that its leaves are wanted; what is remembered of it is on the disk by then.
func (s *Sink) Root(r *list.Root) error {
	err := s.run.root(s.road, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Seq, s.report.Stage = r.Seq, "signature"
	var refused *list.Refusal
	if errors.As(err, &refused) {
		switch refused.Reason {
		case list.Expired, list.BadClock:
			s.report.Stage = "time"
		case list.Rollback, list.Older, list.Equivocation:
			s.report.Stage = "rollback"
		}
	}
	return err
}

func (s *Sink) root(b []byte) (*list.Root, error) {
	r, err := list.DecodeRoot(b)
	if err != nil {
		return nil, err
	}
	return r, s.Root(r)
}

// Leaf checks a leaf of a root that was taken and keeps its peers.
func (s *Sink) Leaf(r *list.Root, l *list.Leaf) error { return s.run.leaf(r, l) }

// Rotation takes the next trust set of a line.
func (s *Sink) Rotation(r *list.Rotation) error { return s.run.rotate(r) }

// Hints keeps peers of no proof.
func (s *Sink) Hints(peers []Peer) { s.peers(Hinted, "", peers) }

func (s *Sink) peers(class Class, by string, peers []Peer) {
	for i := range peers {
		peers[i].Class, peers[i].By, peers[i].Road = class, by, s.road.Name
		if peers[i].Source == "" {
			peers[i].Source = s.road.Name
		}
	}
	s.run.peers(peers)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Peers += len(peers)
}

// File takes a list, a rotation, a card or an AutoConf file, as bytes or as a line of text.
func (s *Sink) File(b []byte) error {
	switch text := strings.TrimSpace(string(b[:min(len(b), 64)])); {
	case strings.HasPrefix(text, "pars:list/"):
		return s.Text(string(b))
	case strings.HasPrefix(text, "PBR1"):
		r, err := list.DecodeRotation(b)
		if err != nil {
			return err
		}
		return s.Rotation(r)
	case len(b) > 6 && string(b[2:6]) == "PBL1":
		l, err := list.DecodeFile(b, s.run.Private)
		if err != nil {
			return err
		}
		return s.List(l)
	}
	if strings.HasPrefix(strings.TrimSpace(string(b[:min(len(b), 64)])), "{") {
		return s.autoConf(b)
	}
	return s.card(b)
}

// autoConf takes the bootstrap addresses of an AutoConf file, which nobody signed.
func (s *Sink) autoConf(b []byte) error {
	addrs, err := list.ParseAutoConf(b)
	if err != nil {
		return err
	}
	if !s.run.Private {
		addrs = publicOnly(addrs)
	}
	for _, a := range addrs {
		if p, ok := PeerOf(a); ok {
			p.Source = "autoconf"
			s.Hints([]Peer{p})
		}
	}
	return nil
}

// Text takes a list as the line pars:list/…
func (s *Sink) Text(text string) error {
	l, err := list.ParseText(text, s.run.Private)
	if err != nil {
		return err
	}
	return s.List(l)
}

// List takes a root and the leaves that came with it.
func (s *Sink) List(l *list.List) error {
	if err := s.Root(l.Root); err != nil && !s.run.spare(l.Root) {
		return err
	} else if err != nil {
		defer s.At("time", "")
		s.all(l)
		return err
	}
	return s.all(l)
}

func (s *Sink) all(l *list.List) error {
	for _, leaf := range l.Leaves {
		if leaf == nil {
			continue
		}
		if err := s.Leaf(l.Root, leaf); err != nil {
			return err
		}
	}
	return nil
}

// card takes a full card: its roads that name a peer. Whose card it is the user knows.
func (s *Sink) card(b []byte) error {
	c, err := identity.DecodeCard(b)
	if err != nil {
		return wire.Invalid("this is no list, no rotation and no card")
	}
	if err := c.Verify(c.Root.Account(), func(identity.DeviceID) bool { return false }); err != nil {
		return err
	}
	if err := c.Usable(nil, 0, uint64(s.run.Now().Unix())); err != nil {
		return err
	}
	var out []Peer
	for _, road := range c.Roads {
		if p, ok := peerOfBytes(road); ok {
			p.Source = c.Root.Account().String()
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return fmt.Errorf("the card says no road to its owner: %w", wire.ErrNotFound)
	}
	s.peers(Contact, "card", out)
	return nil
}

const parallel = 8 // leaves at a time when all are wanted

// leaves fetches leaves in random order: one, and more while peers are missing or all are wanted.
func (s *Sink) leaves(ctx context.Context, r *list.Root, fetch func(ctx context.Context, index int) ([][]byte, error)) error {
	order := shuffled(s.run.Rand, r.Leaves) // which leaf is asked first hides nothing from who serves it, and spreads the clients
	if !s.run.All {
		var last error
		for _, i := range order {
			if s.run.enough(r) {
				return nil
			}
			last = s.fetch(ctx, r, i, fetch)
			if ctx.Err() != nil {
				break
			}
		}
		return last
	}
	var wg sync.WaitGroup
	next := make(chan int)
	errs := make([]error, parallel)
	for w := range parallel {
		wg.Go(func() {
			for i := range next {
				errs[w] = errors.Join(errs[w], s.fetch(ctx, r, i, fetch))
			}
		})
	}
	for _, i := range order {
		if ctx.Err() == nil {
			next <- i
		}
	}
	close(next)
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

func (s *Sink) fetch(ctx context.Context, r *list.Root, i int, fetch func(context.Context, int) ([][]byte, error)) error {
	records, err := fetch(ctx, i)
	if err != nil {
		return err
	}
	for _, b := range records { // others may have put theirs beside it
		var leaf *list.Leaf
		if leaf, err = list.DecodeLeaf(b); err == nil {
			err = s.Leaf(r, leaf)
		}
		if err == nil {
			return nil
		}
	}
	return err
}

// shuffled returns 0 to n-1 in an order that nobody can guess.
func shuffled(rnd io.Reader, n int) []int {
	if rnd == nil {
		rnd = rand.Reader
	}
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	b := make([]byte, 4)
	for i := n - 1; i > 0; i-- {
		if _, err := io.ReadFull(rnd, b); err != nil {
			return out // no chance to be had
		}
		j := int(binary.BigEndian.Uint32(b) % uint32(i+1))
		out[i], out[j] = out[j], out[i]
	}
	return out
}

func leafKey(i int) string { return "pars.leaf." + strconv.Itoa(i) }

// FileRoad reads a list, a rotation or a card that is at hand: compiled in, a file, a QR symbol, a record of a bundle.
func FileRoad(road, name string, read func() ([]byte, error)) Road {
	return Road{Name: road, Server: name, Timeout: roadTimeout, Lenient: true, Find: func(_ context.Context, s *Sink) error {
		b, err := read()
		if err != nil {
			return err
		}
		s.Count(0, len(b))
		return s.File(b)
	}}
}

// unbase64 reads the texts of a profile.
func unbase64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, wire.Invalid("%v", err)
	}
	return b, nil
}

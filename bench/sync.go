package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/nbd-wtf/go-nostr"
	"github.com/nbd-wtf/go-nostr/nip77/negentropy"
	"github.com/nbd-wtf/go-nostr/nip77/negentropy/storage/vector"

	"github.com/pars-network/pars/pkg/reconcile"
)

// million is how many ids both sides have, differ how many more only one of them has.
const (
	million = 1_000_000
	differ  = 1_000
)

// id is the n-th id.
func id(n int) [32]byte { return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// missing reports whether id n is one that a side lacks: every thousandth, or the last thousand.
func missing(n int, recent bool) bool {
	if recent {
		return n >= million
	}
	return n%(million/differ+1) == 0
}

// holds reports whether a side (0 or 1) has id n: the two lack different halves.
func holds(n, side int, recent bool) bool {
	return !missing(n, recent) || n%2 == side
}

// negentropySide is a sealed storage of one side.
func negentropySide(ids []string, side int, recent bool) *negentropy.Negentropy {
	v := vector.New()
	for n, s := range ids {
		if holds(n, side, recent) {
			v.Insert(nostr.Timestamp(1_700_000_000+n), s)
		}
	}
	v.Seal()
	return negentropy.New(v, 1<<20)
}

// negentropyRound reconciles two sides of a million; value is the bytes on the wire.
func negentropyRound(ids []string, recent bool) (cost, error) {
	bytes, found := 0, 0
	c, err := timed(func() error {
		client, server := negentropySide(ids, 0, recent), negentropySide(ids, 1, recent)
		count := make(chan int)
		for _, ch := range []chan string{client.Haves, client.HaveNots} {
			go func() {
				seen := map[string]bool{}
				for s := range ch {
					seen[s] = true
				}
				count <- len(seen)
			}()
		}
		for q := client.Start(); ; {
			bytes += len(q) / 2
			answer, err := server.Reconcile(q)
			if err != nil {
				return err
			}
			bytes += len(answer) / 2
			if q, err = client.Reconcile(answer); err != nil {
				return err
			}
			if q == "" {
				break
			}
		}
		found = <-count + <-count
		return nil
	})
	c.value = float64(bytes)
	if err == nil && (found < differ-2 || found > differ+2) {
		err = fmt.Errorf("negentropy found %d differences", found)
	}
	return c, err
}

// sketchRound does the same by a rateless sketch. With ready the rows stand already, as they do in a running node.
func sketchRound(symbols []reconcile.Symbol, k [16]byte, recent bool) (all, ready cost, err error) {
	sides := [2][]reconcile.Symbol{}
	for side := range sides {
		for n, x := range symbols {
			if holds(n, side, recent) {
				sides[side] = append(sides[side], x)
			}
		}
	}
	var sent float64
	all, err = timed(func() error {
		ours, theirs := reconcile.NewEncoder(k, sides[0]), reconcile.NewEncoder(k, sides[1])
		var e error
		ready, e = timed(func() error { return transfer(ours.View(), theirs.View(), &sent) })
		return e
	})
	all.value = sent
	return all, ready, err
}

func transfer(ours, theirs reconcile.View, bytes *float64) error {
	size, sent := uint64(theirs.Size()), 0
	d := reconcile.NewDecoder(ours, size, reconcile.MaxCells)
	for done := false; !done; {
		n := reconcile.BlockSize(d.Received())
		b := reconcile.AppendCells(nil, d.Received(), theirs.Cells(d.Received(), n), size)
		sent += len(b)
		cells, err := reconcile.DecodeCells(b, d.Received(), n, size)
		if err != nil {
			return err
		}
		if done, err = d.Add(cells); err != nil {
			return err
		}
	}
	plus, minus := d.Result()
	if n := len(plus) + len(minus); n < differ-2 || n > differ+2 {
		return fmt.Errorf("the sketch found %d differences", n)
	}
	*bytes = float64(sent)
	return nil
}

func syncRows(b *bench) error {
	k := [16]byte{1, 2, 3}
	ids, symbols := make([]string, million+differ), make([]reconcile.Symbol, million+differ)
	for n := range ids {
		x := id(n)
		ids[n], symbols[n] = hex.EncodeToString(x[:]), reconcile.ShortID(k, x)
	}
	for _, recent := range []bool{false, true} {
		if err := differenceRow(b, ids, symbols, k, recent); err != nil {
			return err
		}
	}
	return nil
}

func differenceRow(b *bench, ids []string, symbols []reconcile.Symbol, k [16]byte, recent bool) error {
	var ready, bytes series
	p, o, err := duel(
		func() (cost, error) { return negentropyRound(ids, recent) },
		func() (cost, error) {
			all, r, err := sketchRound(symbols, k, recent)
			ready, bytes = append(ready, r), append(bytes, cost{value: all.value})
			return all, err
		})
	if err != nil {
		return err
	}
	where := "scattered"
	if recent {
		where = "recent"
	}
	what := fmt.Sprintf("%d %s differences among a million ids", differ, where)
	r := row{Area: "sync", Measure: what + ", sketch", Unit: "B", Peer: "negentropy (go-nostr v0.52.3)", Rounds: len(o)}
	pb, ob := p.median(value, 1), bytes.median(value, 1)
	b.add(r, &pb, ob).atMost(20_000)
	pc, oc, rc := p.median(cpu, 1), o.median(cpu, 1), ready.median(cpu, 1)
	r.Measure, r.Unit = what+", both sides, from ids", "s CPU"
	b.add(r, &pc, oc).atMost(0.5).note("both make what they compare from a list of ids in memory")
	r.Measure = what + ", rows ready"
	b.add(r, &pc, rc).atMost(0.5).note("a running node keeps its row up to date")
	for _, authors := range []int{20, differ} {
		size, err := vectorBytes(authors)
		if err != nil {
			return err
		}
		r := row{Area: "sync", Measure: fmt.Sprintf("%d %s differences of %d authors, author vector", differ, where, authors), Unit: "B", Peer: r.Peer, Rounds: 1}
		b.add(r, &pb, once(size))
		r.Measure, r.Peer, r.Unit = r.Measure+", an author", "-", "B"
		b.add(r, nil, once(size/float64(authors))).atMost(8)
	}
	return nil
}

// side is a log that differs from another in every author.
type side struct{ authors []reconcile.Author }

func newSide(n, which int) *side {
	s := &side{}
	for i := range n {
		next := million/n + (i+which)%2*(differ/n)
		s.authors = append(s.authors, reconcile.Author{Key: id(i), Next: uint64(next), Tip: id(next)})
	}
	return s
}

// Secret is the same on both sides.
func (s *side) Secret() [32]byte { return [32]byte{9} }

// Digest differs.
func (s *side) Digest() [32]byte { return id(int(s.authors[0].Next)) }

// Size is about a million.
func (s *side) Size() uint64 { return million }

// Arrivals is about a million.
func (s *side) Arrivals() uint32 { return million }

// Authors lists the authors.
func (s *side) Authors() []reconcile.Author { return s.authors }

// At returns the id of a vertex.
func (s *side) At(_ [32]byte, seq uint64) ([32]byte, bool) { return id(int(seq) + 1), true }

// Suffix has nothing to send: only the vectors count here.
func (s *side) Suffix([32]byte, uint64) []uint32 { return nil }

// Since has nothing to send.
func (s *side) Since(uint32) []uint32 { return nil }

// Place knows no vertex.
func (s *side) Place([32]byte) (uint32, bool) { return 0, false }

// ID names no vertex by its place.
func (s *side) ID(uint32) ([32]byte, bool) { return [32]byte{}, false }

// Heads is one head.
func (s *side) Heads() [][32]byte { return [][32]byte{s.Digest()} }

// Wants nothing.
func (s *side) Wants(int) (v, b [][32]byte) { return nil, nil }

// Sort keeps the order.
func (s *side) Sort([]uint32) {}

// Pack packs nothing.
func (s *side) Pack(a []uint32, _ int) ([]byte, int, error) { return nil, len(a), nil }

// Take takes nothing.
func (s *side) Take([]byte) (reconcile.Taken, error) { return reconcile.Taken{}, nil }

// Sent forgets.
func (s *side) Sent(uint32) {}

// vectorFrame is the type of the frame that carries an author vector.
const vectorFrame = 4

// vectorBytes lets two machines meet and counts the vector that one of them sends.
func vectorBytes(authors int) (float64, error) {
	var ms [2]*reconcile.Machine
	for i := range ms {
		ms[i] = reconcile.New(reconcile.Config{Me: []byte{byte(i)}, Peer: []byte{byte(1 - i)}, Nonce: [16]byte{byte(i)},
			Sets: []reconcile.Set{newSide(authors, i)}, Rand: func(b []byte) error { copy(b, []byte{byte(i), 7, byte(len(b))}); return nil }})
	}
	var queue [2][]reconcile.Frame // to each side
	for i := range ms {
		f, err := ms[i].Start()
		if err != nil {
			return 0, err
		}
		queue[1-i] = f
	}
	size := 0
	for range 40 {
		for i := range ms {
			frames := slices.Clone(queue[i])
			queue[i] = nil
			for _, f := range frames {
				if f.Type == vectorFrame && i == 0 {
					size += len(f.Payload)
				}
				out, err := ms[i].Receive(f)
				if err != nil {
					return 0, err
				}
				queue[1-i] = append(queue[1-i], out...)
			}
			if size > 0 && i == 0 {
				return float64(size), nil
			}
		}
	}
	return 0, errors.New("no vector was sent")
}

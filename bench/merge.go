package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4"
	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"

	"github.com/pars-network/pars/pkg/crdt"
	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// put sets one key of a map.
type put struct {
	key   string
	value []byte
}

// puts makes n of them over keys keys.
func puts(n, keys int) []put {
	out := make([]put, n)
	seed := uint32(1)
	for i := range out {
		seed = seed*1664525 + 1013904223
		v := make([]byte, 200)
		binary.BigEndian.PutUint32(v, uint32(i))
		h := sha256.Sum256(v[:4])
		copy(v[4:], bytes.Repeat(h[:], 7))
		out[i] = put{fmt.Sprintf("k%d", int(seed>>8)%keys), v}
	}
	return out
}

// anybody may write here.
type anybody struct{}

// MayWrite says yes.
func (anybody) MayWrite(*vertex.Item) bool { return true }

// source is a filled log of ours, exported.
type source struct {
	root  vertex.Item
	keys  *envelope.Keys // nil: bodies are not sealed for the carriers, only on disk
	bytes []byte
	n     int // vertices
	want  []byte
}

// fillOurs writes the puts, signed, at most per of them in a vertex and no more than fit one; with seal in sealed bodies.
func fillOurs(all []put, per int, seal bool) (s *source, err error) {
	key := sig.FromSeed([32]byte{7})
	v := vertex.Vertex{Session: vertex.SessionOf(key.Public()), Author: key.Public(), Lamport: 1, HLC: 1_800_000_000_000, Kind: vertex.Control}
	s = &source{root: vertex.Seal(v, []byte("create"), key)}
	if seal {
		keys := envelope.Derive(envelope.Secret{1}, v.Session)
		s.keys = &keys
	}
	s.bytes = s.root.Append(nil)
	last, state := s.root, &crdt.State{}
	rnd := bytes.NewReader(make([]byte, 1<<24)) // salts need not be secret here
	for len(all) > 0 {
		var ops []crdt.Op
		for size := 0; len(all) > 0 && len(ops) < per && size < crdt.MaxBody-300; all = all[1:] {
			ops = append(ops, crdt.Op{Object: "m", Type: crdt.LWWMap, Key: []byte(all[0].key), Value: all[0].value})
			size += 220
		}
		content, err := crdt.EncodeOps(ops)
		if err != nil {
			return nil, err
		}
		v := vertex.Vertex{Session: v.Session, Author: key.Public(), Seq: last.Seq + 1, Prev: last.ID, Lamport: last.Lamport + 1,
			HLC: last.HLC + 1000, Kind: vertex.App}
		body := content
		if seal {
			if body, err = s.keys.Seal(place(&v), content, rnd); err != nil {
				return nil, err
			}
		}
		last = vertex.Seal(v, body, key)
		s.bytes = last.Append(s.bytes)
		s.n++
		state.Apply(crdt.Vertex{Author: v.Author, Seq: v.Seq, Lamport: v.Lamport}, ops)
	}
	s.want = state.Snapshot()
	return s, nil
}

func place(v *vertex.Vertex) envelope.Place {
	return envelope.Place{Author: v.Author, Seq: v.Seq, Skeleton: v.AppendSkeleton(nil)}
}

// merge lets a fresh log over e take everything and folds what becomes durable, as it does.
func (s *source) merge(e store.Engine) (c cost, err error) {
	st, err := store.New(e, store.Options{Key: store.Key{1}})
	if err != nil {
		return c, err
	}
	got := &crdt.State{}
	var folded error
	l, err := dag.Open(dag.Config{Store: st, Space: st.Space(1, store.Key{2}), Session: s.root.Session, Genesis: s.root.ID, Judge: anybody{},
		Accepted: func(it *vertex.Item) { folded = errors.Join(folded, s.fold(got, it)) }})
	if err != nil {
		return c, err
	}
	c, err = timed(func() error {
		_, err := l.Import(bytes.NewReader(s.bytes), "bench", time.Now(), nil)
		return err
	})
	if err = errors.Join(err, folded); err == nil && !bytes.Equal(got.Snapshot(), s.want) {
		err = errors.New("the replicas differ")
	}
	return c, errors.Join(err, st.Close())
}

func (s *source) fold(state *crdt.State, it *vertex.Item) (err error) {
	if it.Kind != vertex.App {
		return nil
	}
	content := it.Body
	if s.keys != nil {
		if content, err = s.keys.Open(place(&it.Vertex), it.Body); err != nil {
			return err
		}
	}
	ops, err := crdt.DecodeOps(content)
	if err != nil {
		return err
	}
	state.Apply(crdt.Vertex{Author: it.Author, Seq: it.Seq, Lamport: it.Lamport}, ops)
	return nil
}

// mergeRows lets fresh replicas take 20,000 puts.
func mergeRows(b *bench) error {
	const n, keys = 20_000, 5_000
	all := puts(n, keys)
	for _, per := range []int{1, 1000} {
		theirs, err := fillTheirs(all, per)
		if err != nil {
			return err
		}
		for _, seal := range []bool{false, true} {
			ours, err := fillOurs(all, per, seal)
			if err != nil {
				return err
			}
			for _, disk := range []bool{false, true} {
				if err := mergeRow(b, theirs, ours, n, per, disk); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func mergeRow(b *bench, theirs *theirSource, ours *source, n, per int, disk bool) error {
	p, o, err := duel(
		func() (cost, error) {
			if !disk {
				return theirs.merge(dssync.MutexWrap(ds.NewMapDatastore()))
			}
			dir := filepath.Join(b.dir, "theirs")
			defer os.RemoveAll(dir)
			db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil))
			if err != nil {
				return cost{}, err
			}
			c, err := theirs.merge(badgerDS{db})
			return c, errors.Join(err, db.Close())
		},
		func() (cost, error) {
			if !disk {
				return ours.merge(store.NewMemory())
			}
			dir := filepath.Join(b.dir, "ours")
			defer os.RemoveAll(dir)
			e, err := store.OpenBadger(dir, store.BadgerOptions{})
			if err != nil {
				return cost{}, err
			}
			return ours.merge(e)
		})
	if err != nil {
		return err
	}
	what, where := "an op a node", "in memory"
	if per > 1 {
		what = fmt.Sprintf("%d-op nodes (ours %d)", per, n/ours.n)
	}
	if disk {
		where = "on badger"
	}
	if ours.keys != nil {
		where += ", bodies sealed"
	}
	r := row{Area: "merge", Measure: fmt.Sprintf("%d puts, %s, %s, wall", n, what, where), Unit: "ops/s", Peer: "go-ds-crdt v0.6.8", Rounds: len(o)}
	rate := func(of func(cost) float64) func(cost) float64 {
		return func(c cost) float64 { return float64(n) / of(c) }
	}
	pw, ow := p.median(rate(wall), 1), o.median(rate(wall), 1)
	b.add(r, &pw, ow).aim(">= 5 x peer", ow.median >= 5*pw.median).note("ours is signed, sealed at rest and on badger durable at each commit; the peer is neither signed nor sealed and syncs once at the end")
	pc, oc := p.median(rate(cpu), 1), o.median(rate(cpu), 1)
	r.Measure, r.Unit = fmt.Sprintf("%d puts, %s, %s, CPU", n, what, where), "ops/s/core"
	b.add(r, &pc, oc).aim(">= 5 x peer", oc.median >= 5*pc.median)
	return nil
}

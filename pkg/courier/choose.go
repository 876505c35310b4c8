package courier

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/vertex"
)

// Classes of what goes into a bundle, the most urgent first.
const (
	classSmall    = 0 // receipts, digests, lists, releases
	classKeys     = 1 // cards
	classDirect   = 2 // sessions of two
	classGroup    = 3
	classMail     = 4 // envelopes for others
	classProofs   = 5
	classSnapshot = 6
	classFiles    = 7
)

func classOf(k bundle.Kind) int {
	switch k {
	case bundle.KindReceipt, bundle.KindHave, bundle.KindList, bundle.KindRelease:
		return classSmall
	case bundle.KindCard:
		return classKeys
	case bundle.KindEnvelope:
		return classMail
	case bundle.KindSnapshot:
		return classSnapshot
	case bundle.KindPiece:
		return classFiles
	}
	return classProofs
}

// load is what was chosen for one bundle.
type load struct {
	records  []shelved // small records, by kind and hash
	entries  []*entries
	files    []*addedFile
	to       bundle.Recipients
	carried  bool
	left     int
	count    int // vertices
	plan     []Planned
	warnings []string
	reading  opened
}

// addedFile goes as pieces.
type addedFile struct {
	AddedFile
	*bundle.Outline
	exec bool
	hash [32]byte // SHA-256 of a program
}

// choose collects what q asks for and, under a limit, takes the most urgent of it.
func (c *Courier) choose(ctx context.Context, q *PackQuery) (*load, error) {
	l := &load{}
	have, err := decodeHaves(q.Have)
	if err != nil {
		return nil, err
	}
	if err := c.chooseSessions(l, q, have); err != nil {
		return nil, err
	}
	if err := c.chooseShelf(l, q, have); err != nil {
		return nil, err
	}
	if err := c.chooseFiles(l, q); err != nil {
		return nil, err
	}
	if err := c.chooseCards(l, q); err != nil {
		return nil, err
	}
	for _, p := range q.Passphrases {
		l.to.Passphrases = append(l.to.Passphrases, []byte(p))
	}
	return l, ctx.Err()
}

func decodeHaves(list [][]byte) (out []*bundle.Have, err error) {
	for i, b := range list {
		h, err := bundle.DecodeHave(b)
		if err != nil {
			return nil, fmt.Errorf("have-digest %d: %w", i+1, err)
		}
		out = append(out, h)
	}
	return out, nil
}

// chooseSessions lists the vertices that are asked for and not had.
func (c *Courier) chooseSessions(l *load, q *PackQuery, have []*bundle.Have) error {
	ids := map[vertex.ID]bool{}
	names := slices.Clone(q.Sessions)
	for _, v := range q.Vertices {
		b, err := hex.DecodeString(v)
		if err != nil || len(b) != len(vertex.ID{}) {
			return fmt.Errorf("%q is no id of a vertex", v)
		}
		s, _, err := c.cfg.Sessions.Vertex(vertex.ID(b))
		if err != nil {
			return err
		}
		ids[vertex.ID(b)] = true
		names = append(names, s.ID().String())
	}
	if len(names) == 0 {
		return nil
	}
	list, err := c.find(names)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b *session.Session) int { return cmp.Compare(a.ID().String(), b.ID().String()) })
	for _, s := range list {
		e, err := missing(s, have)
		if err != nil {
			return err
		}
		if len(ids) > 0 && !slices.ContainsFunc(q.Sessions, func(n string) bool { return hasPrefix(s, n) }) {
			if err := e.pastOf(ids); err != nil {
				return err
			}
		}
		l.entries = append(l.entries, e)
		l.to.Groups = append(l.to.Groups, s.BundleKey())
	}
	return nil
}

func hasPrefix(s *session.Session, name string) bool {
	id := s.ID().String()
	return len(name) <= len(id) && id[:len(name)] == name
}

// chooseShelf adds records that are named, and those that are carried for others.
func (c *Courier) chooseShelf(l *load, q *PackQuery, have []*bundle.Have) error {
	for _, a := range q.Add {
		k, ok := kindOf(a.Kind)
		if !ok {
			continue
		}
		b, err := readFile(a.Path, bundle.MaxRecord)
		if err != nil {
			return err
		}
		if err := c.check(k, b); err != nil && !errors.Is(err, ErrCannot) {
			return fmt.Errorf("%s: %w", a.Path, err)
		}
		l.records = append(l.records, shelved{Record: bundle.Record{Kind: k, Payload: b}})
	}
	if q.Carried {
		if err := c.carry(l, have); err != nil {
			return err
		}
	}
	for i := range l.records {
		l.records[i].sum = sumOf(l.records[i].Record)
	}
	slices.SortFunc(l.records, func(a, b shelved) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return slices.Compare(a.sum[:], b.sum[:])
	})
	l.records = slices.CompactFunc(l.records, func(a, b shelved) bool { return a.sum == b.sum })
	return nil
}

// carry takes from the shelf what may go on and is not had.
func (c *Courier) carry(l *load, have []*bundle.Have) error {
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	sums := make([][32]byte, len(shelf))
	for i, s := range shelf {
		sums[i] = s.sum
	}
	lacks := func([32]byte) bool { return true }
	if len(have) == 1 {
		if m, ok := have[0].Shelf(sums); ok {
			lacks = func(s [32]byte) bool { return slices.Contains(m, s) }
		}
	}
	if c.cfg.Own != nil {
		for _, r := range c.cfg.Own() {
			l.records = append(l.records, shelved{Record: r})
		}
	}
	now := hoursOf(c.cfg.Clock())
	for _, s := range shelf {
		if s.hops == 0 || s.expiry < now || !lacks(s.sum) {
			continue
		}
		if s.Kind == bundle.KindEnvelope {
			m, err := bundle.DecodeMail(s.Payload)
			if err != nil {
				continue
			}
			kept, given, ok := m.HandOver()
			if !ok {
				continue
			}
			s.Record, s.rest = given.Record(), kept.Record().Payload
		}
		l.carried = true
		l.records = append(l.records, s)
	}
	return nil
}

func kindOf(name string) (bundle.Kind, bool) {
	for k := bundle.KindEnvelope; k <= bundle.KindRelease; k++ {
		if k.String() == name && k != bundle.KindPiece {
			return k, true
		}
	}
	return 0, false
}

// chooseFiles hashes the files that go as pieces, and lists them in a release.
func (c *Courier) chooseFiles(l *load, q *PackQuery) error {
	r := bundle.Release{Name: q.Release, Version: "1", Seq: uint64(hoursOf(c.cfg.Clock()))}
	for _, a := range q.Add {
		if _, ok := kindOf(a.Kind); ok {
			continue
		}
		if a.Kind != "file" {
			return fmt.Errorf("%q is no kind of record", a.Kind)
		}
		f, size, err := openFile(a.Path)
		if err != nil {
			return err
		}
		added := &addedFile{AddedFile: a}
		if err := errors.Join(added.outline(f, size), f.Close()); err != nil {
			return err
		}
		l.files = append(l.files, added)
	}
	slices.SortFunc(l.files, (*addedFile).compare)
	l.files = slices.CompactFunc(l.files, func(a, b *addedFile) bool { return a.compare(b) == 0 })
	if len(l.files) == 0 {
		return nil
	}
	if r.Name == "" {
		r.Name = "files"
	}
	for _, f := range l.files {
		r.Files = append(r.Files, bundle.ReleaseFile{Name: f.AddedFile.Name, Size: uint64(f.Size), Sum: f.Outline.Name, Exec: f.exec, Hash: f.hash})
	}
	rec := r.Record()
	if _, err := bundle.DecodeRelease(rec.Payload); err != nil {
		return fmt.Errorf("a name of a file: letters, digits, -, _ and . are taken: %w", err)
	}
	l.records = append(l.records, shelved{Record: rec, sum: sumOf(rec)})
	return nil
}

// outline reads the file once. A program is hashed whole, too, so that its receiver can compare what others tell of it.
func (a *addedFile) outline(f *os.File, size int64) (err error) {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if a.Outline, err = bundle.OutlineOf(f, size); err != nil {
		return err
	}
	if a.exec = info.Mode()&0o100 != 0; a.exec {
		a.hash, _, err = bundle.HashFile(f)
	}
	return err
}

func (a *addedFile) compare(b *addedFile) int {
	return slices.Compare(a.Outline.Name[:], b.Outline.Name[:])
}

// newest is the time of the newest entry, for the order in which sessions are taken.
func (e *entries) newest() uint64 {
	if len(e.metas) == 0 {
		return 0
	}
	return slices.MaxFunc(e.metas, func(a, b dag.Meta) int { return cmp.Compare(a.Lamport, b.Lamport) }).Lamport
}

func (e *entries) class() int {
	if len(e.s.Members()) <= 2 {
		return classDirect
	}
	return classGroup
}

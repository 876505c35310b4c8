package courier

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/store"
)

// options turns a query into those of a bundle.
func (c *Courier) options(q *PackQuery, l *load) bundle.Options {
	o := bundle.Options{To: l.to, Form: q.Form, Unsigned: q.Unsigned, Parity: q.Parity, Bucket: q.Bucket, Created: q.Created,
		Hops: bundle.StartHops, Secret: c.secret, Rand: c.cfg.Rand, Limit: q.Limit}
	if o.Form == bundle.FormOpen {
		o.To = bundle.Recipients{}
	}
	if o.Created == 0 {
		o.Created = hoursOf(c.cfg.Clock())
	}
	if q.Days > 0 {
		o.NotAfter = o.Created + uint32(q.Days)*24
	}
	if l.carried {
		o.Flags |= bundle.Carried
	}
	if l.left > 0 {
		o.Flags |= bundle.Left
	}
	return o
}

// retries bound how often a pack is tried with less, where what was chosen came out a little too long.
const retries = 16

// Pack writes a bundle of what q asks for.
func (c *Courier) Pack(ctx context.Context, q PackQuery, w io.Writer) (Packed, error) {
	for n := range int64(retries) {
		l, err := c.choose(ctx, &q)
		if err == nil {
			err = c.fill(&q, l, n*2*bundle.SectorSize)
		}
		if err != nil {
			return Packed{}, err
		}
		if q.Form == bundle.FormOpen && len(l.entries) > 0 {
			return Packed{}, errors.New("messages are never packed in open form: leave the sessions or --open out")
		}
		if q.Form != bundle.FormOpen && len(l.to.Groups)+len(l.to.Passphrases)+len(l.to.Cards) == 0 {
			return Packed{}, errors.New("nobody to seal to: name a session, an account with --for, or a pass-phrase, or pack in open form")
		}
		p, err := bundle.Pack(w, c.source(ctx, l), c.options(&q, l))
		l.reading.close()
		if errors.Is(err, bundle.ErrLimit) && q.Limit > 0 && n < retries-1 && l.count > 0 {
			continue
		}
		if err != nil {
			return Packed{}, err
		}
		if err := c.handed(l); err != nil {
			return Packed{}, err
		}
		return c.packed(p, l)
	}
	return Packed{}, bundle.ErrLimit
}

func (c *Courier) packed(p *bundle.Packed, l *load) (Packed, error) {
	out := Packed{Body: p.Body.String(), Form: p.Form, Size: p.Size, Entries: l.count, Left: l.left, Warnings: l.warnings}
	for _, k := range p.Counts {
		out.Records += k.Records
	}
	if p.Form != bundle.FormCompact {
		out.Courier = p.Courier[:]
	}
	if p.Form == bundle.FormOpen {
		return out, nil
	}
	return out, c.remember(p)
}

// source yields what was chosen, kinds ascending.
func (c *Courier) source(ctx context.Context, l *load) bundle.Source {
	return func(yield func(bundle.Record) error) error {
		l.count = 0
		for _, e := range l.entries {
			err := e.runs(func(int) bool { return true }, func(r bundle.Record, n int) error {
				l.count += n
				return errors.Join(ctx.Err(), yield(r))
			})
			if err != nil {
				return err
			}
		}
		early := func(s shelved) bool { return s.Kind < bundle.KindPiece }
		for _, s := range l.records {
			if early(s) {
				if err := yield(s.Record); err != nil {
					return err
				}
			}
		}
		for _, f := range l.files {
			if err := f.Pieces(byPath{&l.reading, f.Path}, func(r bundle.Record) error { return errors.Join(ctx.Err(), yield(r)) }); err != nil {
				return err
			}
		}
		for _, s := range l.records {
			if !early(s) {
				if err := yield(s.Record); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// opened keeps the file open that is read just now: pieces are read after they were listed, mostly of one file.
type opened struct {
	mu   sync.Mutex
	path string
	f    *os.File
}

// close closes what is open.
func (o *opened) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.f != nil {
		o.f.Close()
		o.f, o.path = nil, ""
	}
}

// byPath is a file that is opened when it is read.
type byPath struct {
	*opened
	path string
}

// ReadAt implements io.ReaderAt.
func (p byPath) ReadAt(b []byte, off int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.f == nil || p.opened.path != p.path {
		f, err := os.Open(p.path)
		if err != nil {
			return 0, err
		}
		if p.f != nil {
			p.f.Close()
		}
		p.f, p.opened.path = f, p.path
	}
	return p.f.ReadAt(b, off)
}

// fill takes what fits the limit, the most urgent first, and writes the plan. spare bytes of the room are left.
func (c *Courier) fill(q *PackQuery, l *load, spare int64) error {
	room := int64(1 << 40)
	if q.Limit > 0 {
		n, form, err := bundle.Room(q.Limit, c.options(q, l))
		if err != nil {
			return err
		}
		if q.Form == "" && form == bundle.FormCompact {
			q.Form = bundle.FormCompact
		}
		room = n - spare
	}
	f := &filler{l: l, room: room, mail: room / 10}
	if room == 1<<40 {
		f.mail = room
	}
	f.records(classSmall, classKeys)
	if err := f.sessions(); err != nil {
		return err
	}
	f.records(classMail, classProofs, classSnapshot)
	f.files()
	return nil
}

// filler fills one bundle up to its room.
type filler struct {
	l     *load
	meter bundle.Meter
	used  int64
	room  int64
	mail  int64 // room left for strangers' mail
}

func (f *filler) fits(k bundle.Kind, payload int) bool { return f.meter.Cost(k, payload) <= f.room }

func (f *filler) add(k bundle.Kind, payload int) {
	f.used = f.meter.Cost(k, payload)
	f.meter.Add(k, payload)
}

// records keeps those of some classes that fit, small ones first.
func (f *filler) records(classes ...int) {
	in := func(s shelved) bool { return slices.Contains(classes, classOf(s.Kind)) }
	var order []int
	for i, s := range f.l.records {
		if in(s) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := f.l.records[a], f.l.records[b]
		return cmp.Or(cmp.Compare(classOf(x.Kind), classOf(y.Kind)), cmp.Compare(x.expiry, y.expiry), cmp.Compare(len(x.Payload), len(y.Payload)))
	})
	out := map[int]bool{}
	for _, i := range order {
		s := f.l.records[i]
		n := len(s.Payload)
		if !f.fits(s.Kind, n) || s.Kind == bundle.KindEnvelope && int64(n) > f.mail {
			out[i] = true
			f.l.left++
			continue
		}
		if s.Kind == bundle.KindEnvelope {
			f.mail -= int64(n)
		}
		f.add(s.Kind, n)
		f.l.plan = append(f.l.plan, Planned{Class: classOf(s.Kind), What: name(s.Record), Count: 1, Bytes: int64(n), Total: f.used})
	}
	kept := f.l.records[:0:0]
	for i, s := range f.l.records {
		if !out[i] {
			kept = append(kept, s)
		}
	}
	f.l.records = kept
}

// sessions takes direct ones first, then the newest. Where not all of one fits, its oldest missing entries go, so that
// the next trip starts higher.
func (f *filler) sessions() error {
	order := slices.Clone(f.l.entries)
	slices.SortStableFunc(order, func(a, b *entries) int {
		return cmp.Or(cmp.Compare(a.class(), b.class()), cmp.Compare(b.newest(), a.newest()), strings.Compare(a.s.ID().String(), b.s.ID().String()))
	})
	for _, e := range order {
		taken, bytes := 0, int64(0)
		if f.room < 1<<40 {
			err := e.runs(func(n int) bool { return f.fits(bundle.KindVertices, n) }, func(r bundle.Record, n int) error {
				f.add(r.Kind, len(r.Payload))
				taken, bytes = taken+n, bytes+int64(len(r.Payload))
				return nil
			})
			if err != nil {
				return err
			}
			f.l.left += len(e.metas) - taken
			e.metas = e.metas[:taken]
		} else {
			taken = len(e.metas)
			for _, m := range e.metas {
				bytes += int64(m.Size) + runBody
			}
			f.used += bytes
		}
		f.l.count += taken
		f.l.plan = append(f.l.plan, Planned{Class: e.class(), What: "session " + e.s.ID().String(), Count: taken, Bytes: bytes, Total: f.used})
	}
	return nil
}

// files takes whole files that fit, small ones first.
func (f *filler) files() {
	slices.SortStableFunc(f.l.files, func(a, b *addedFile) int { return cmp.Compare(a.Size, b.Size) })
	kept := f.l.files[:0:0]
	for _, a := range f.l.files {
		over := ceil(a.Size, bundle.PieceSize) * 256
		if f.used+a.Size+over > f.room {
			f.l.left++
			continue
		}
		for left := a.Size; left > 0; left -= bundle.PieceSize {
			f.add(bundle.KindPiece, int(min(left, bundle.PieceSize))+64)
		}
		f.l.plan = append(f.l.plan, Planned{Class: classFiles, What: "file " + a.AddedFile.Name, Count: 1, Bytes: a.Size, Total: f.used})
		kept = append(kept, a)
	}
	f.l.files = kept
	slices.SortFunc(f.l.files, (*addedFile).compare)
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }

func name(r bundle.Record) string {
	s := sumOf(r)
	return r.Kind.String() + ":" + hex.EncodeToString(s[:8])
}

// Plan tells what Pack would take.
func (c *Courier) Plan(ctx context.Context, q PackQuery, emit func(Planned) error) (Packed, error) {
	l, err := c.choose(ctx, &q)
	if err == nil {
		err = c.fill(&q, l, 0)
	}
	if err != nil {
		return Packed{}, err
	}
	slices.SortStableFunc(l.plan, func(a, b Planned) int { return cmp.Compare(a.Class, b.Class) })
	for _, p := range l.plan {
		if err := emit(p); err != nil {
			return Packed{}, err
		}
	}
	p, err := bundle.Pack(io.Discard, c.source(ctx, l), c.options(&q, l))
	l.reading.close()
	if err != nil {
		return Packed{}, err
	}
	out := Packed{Body: p.Body.String(), Form: p.Form, Size: p.Size, Entries: l.count, Left: l.left}
	for _, k := range p.Counts {
		out.Records += k.Records
	}
	return out, nil
}

// sentPrefix is what a bundle of ours is kept under until its receipt comes.
const sentPrefix, seenPrefix = 'S', 'B'

func (c *Courier) note(prefix byte, id []byte) []byte {
	return append([]byte{prefix}, c.root.Name(store.TableState, append([]byte{prefix}, id...))...)
}

// remember keeps the file key of a bundle, so that its receipts can be checked.
func (c *Courier) remember(p *bundle.Packed) error {
	b := &store.Batch{}
	plain := append(be32(p.Head.Created), p.Key[:]...)
	c.root.Put(b, store.TableState, c.note(sentPrefix, p.Body[:]), append(plain, be32(uint32(p.Chunks))...))
	return c.cfg.Store.Commit(b)
}

func be32(v uint32) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }

package courier

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// looker lists a bundle without taking anything.
type looker struct {
	c        *Courier
	q        *FileQuery
	v        *Verdict
	emit     func(Result) error
	sessions map[vertex.Session]*looked
	objects  map[[32]byte]bool
}

// looked is what was found of one session.
type looked struct {
	vertices, bytes, held int
	authors               map[sig.Public]int
}

// Look lists what is in a file.
func (c *Courier) Look(ctx context.Context, q FileQuery, emit func(Result) error) (*Verdict, error) {
	f, v, closer, err := c.open(&q)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	l := &looker{c: c, q: &q, v: v, sessions: map[vertex.Session]*looked{}, objects: map[[32]byte]bool{}}
	l.emit = func(r Result) error { v.count(r); return emit(r) }
	err = f.Check(func(ch *bundle.Chunk) error {
		for _, r := range ch.Records {
			if err := l.record(r); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err == nil {
		err = l.summary()
	}
	v.fill(f, q.Offset)
	return v, err
}

func (l *looker) record(r bundle.Record) error {
	out := Result{ID: name(r), Kind: r.Kind.String(), Bytes: len(r.Payload), Result: "kept"}
	switch {
	case r.Kind == bundle.KindVertices:
		return l.run(r)
	case r.Kind >= bundle.Critical:
		out.Result, out.Reason = "refused", string(bundle.BadKind)
	default:
		var err error
		if out.Checked, out.Reason, err = judge(l.c.check(r.Kind, r.Payload)); err != nil {
			out.Result, out.Reason = "refused", err.Error()
		}
	}
	if p, err := bundle.DecodePiece(r.Payload); r.Kind == bundle.KindPiece && err == nil {
		if l.objects[p.Object] {
			return nil
		}
		l.objects[p.Object] = true
		if out.Result == "kept" {
			out.Checked, out.Reason = "", ""
		}
		out.ID, out.Bytes = "file:"+hex.EncodeToString(p.Object[:]), int(min(p.Total, 1<<31-1))
	}
	if rel, err := bundle.DecodeRelease(r.Payload); r.Kind == bundle.KindRelease && err == nil {
		return l.release(out, rel)
	}
	return l.emit(out)
}

// release lists the files that it names, with digits to compare by voice.
func (l *looker) release(out Result, rel *bundle.Release) error {
	if out.Result == "kept" {
		out.Reason = fmt.Sprintf("%s, %d files, %d signatures", rel.Name, len(rel.Files), len(rel.Signers()))
	}
	if err := l.emit(out); err != nil {
		return err
	}
	for _, f := range rel.Files {
		r := Result{ID: "file:" + hex.EncodeToString(f.Sum[:]), Kind: "name", Result: "kept", Path: f.Name, Bytes: int(min(f.Size, 1<<31-1)), Reason: bundle.Spoken(f.Sum)}
		if f.Hash != [32]byte{} {
			r.Reason += fmt.Sprintf(", SHA-256 %x", f.Hash)
		}
		if err := l.emit(r); err != nil {
			return err
		}
	}
	return nil
}

// run counts the vertices of a run; with Deep the signatures that stand are verified.
func (l *looker) run(r bundle.Record) error {
	id, err := sessionOf(r.Payload)
	var items []vertex.Item
	if err == nil {
		items, err = vertex.DecodeRun(id, r.Payload[len(id):])
	}
	if err != nil {
		return l.emit(Result{ID: name(r), Kind: "vertices", Result: "refused", Reason: err.Error(), Bytes: len(r.Payload)})
	}
	s := l.sessions[id]
	if s == nil {
		s = &looked{authors: map[sig.Public]int{}}
		l.sessions[id] = s
	}
	s.bytes += len(r.Payload)
	own, _ := l.c.session(id)
	for i := range items {
		it := &items[i]
		s.vertices++
		s.authors[it.Author]++
		if own != nil {
			if _, ok := own.Log().Find(it.ID); ok {
				s.held++
			}
		}
		if k := vertex.Check(it.Author, it.ID, it.Sig); l.q.Deep && it.Signed && !sig.Verify(k.Pub, k.Label, k.Msg, k.Sig) {
			if err := l.emit(Result{ID: it.ID.String(), Kind: "vertices", Session: id.String(), Result: "refused", Reason: "signature"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// summary prints a line for each session.
func (l *looker) summary() error {
	var ids []vertex.Session
	for id := range l.sessions {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b vertex.Session) int { return strings.Compare(a.String(), b.String()) })
	for _, id := range ids {
		s := l.sessions[id]
		err := l.emit(Result{ID: id.String(), Kind: "session", Session: id.String(), Bytes: s.bytes, Result: "kept",
			Reason: fmt.Sprintf("%d vertices by %d authors, %d held here", s.vertices, len(s.authors), s.held)})
		if err != nil {
			return err
		}
	}
	return nil
}

package node

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/vertex"
)

func (l *local) Heads(_ context.Context, name string, emit func(Head) error) error {
	list := l.h.Sessions.List()
	if name != "" {
		s, err := l.h.Sessions.Find(name)
		if err != nil {
			return err
		}
		list = []*session.Session{s}
	}
	for _, s := range list {
		for _, id := range s.Log().Heads() {
			if err := emit(Head{ID: id.String(), Session: s.ID().String()}); err != nil {
				return err
			}
		}
	}
	return nil
}

func kindName(k vertex.Kind) string {
	switch k {
	case vertex.Receipt:
		return "receipt"
	case vertex.App:
		return "app"
	case vertex.Control:
		return "control"
	case vertex.Snapshot:
		return "snapshot"
	case vertex.Restart:
		return "restart"
	case vertex.Part:
		return "part"
	}
	return fmt.Sprint(uint8(k))
}

func line(m dag.Meta) Vertex {
	return Vertex{ID: m.ID.String(), Author: hex.EncodeToString(m.Author[:]), Seq: m.Seq, Lamport: m.Lamport, Kind: kindName(m.Kind), Size: m.Size, Held: m.Held}
}

func (l *local) Log(_ context.Context, name string, emit func(Vertex) error) error {
	s, err := l.h.Sessions.Find(name)
	if err != nil {
		return err
	}
	for _, m := range s.Log().Order() {
		if err := emit(line(m)); err != nil {
			return err
		}
	}
	return nil
}

func (l *local) Cat(_ context.Context, name string) (VertexBytes, error) {
	id, err := parseID(name)
	if err != nil {
		return VertexBytes{}, err
	}
	s, m, err := l.h.Sessions.Vertex(id)
	if err != nil {
		return VertexBytes{}, err
	}
	it, err := s.Log().Item(m.Arrival)
	if err != nil && !errors.Is(err, dag.ErrNoBody) {
		return VertexBytes{}, err
	}
	v := VertexBytes{Vertex: line(m), Session: s.ID().String(), Epoch: it.Epoch, Parents: []string{}, Time: time.UnixMilli(int64(it.HLC)).UTC(), Bytes: it.Append(nil)}
	if it.Seq > 0 {
		v.Prev = it.Prev.String()
	}
	for _, p := range it.Parents {
		v.Parents = append(v.Parents, p.String())
	}
	if it.Size > 0 {
		v.BodyHash = hex.EncodeToString(it.BodyHash[:])
	}
	if it.Signed {
		v.Signature = hex.EncodeToString(it.Sig[:])
	}
	return v, nil
}

// Check reads everything of a session once and says what is wrong with it.
func (l *local) Check(ctx context.Context, name string) (Check, error) {
	s, err := l.h.Sessions.Find(name)
	if err != nil {
		return Check{}, err
	}
	log := s.Log()
	if _, err := log.Scrub(func() bool { return ctx.Err() != nil }); err != nil {
		return Check{}, err
	}
	digest := log.Digest()
	c := Check{Session: s.ID().String(), Heads: len(log.Heads()), Digest: hex.EncodeToString(digest[:]), Forks: len(log.Forks())}
	c.Vertices, c.Parked = log.Count()
	d := log.Damage()
	for _, f := range []struct {
		n    int
		what string
	}{{d.Vertices, "entries lost on disk"}, {d.Bodies, "bodies do not open"}, {d.Parked, "waiting entries lost on disk"}, {d.Tail, "newest commits lost on disk"}, {d.Counters, "counters of the log lost on disk"}} {
		if f.n > 0 {
			c.Faults = append(c.Faults, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	return c, ctx.Err()
}

func (l *local) Export(_ context.Context, name string, w io.Writer) error {
	s, err := l.h.Sessions.Find(name)
	if err != nil {
		return err
	}
	_, err = s.Log().Export(w)
	return err
}

// Import merges a stream of items of any sessions that are held here. Items of one session that follow
// one another are taken together.
func (l *local) Import(_ context.Context, r io.Reader, emit func(Imported) error) error {
	br := bufio.NewReaderSize(r, 4*vertex.MaxItem)
	var emitErr error
	for {
		b, err := br.Peek(vertex.MaxItem)
		if len(b) == 0 {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		it, _, err := vertex.DecodeItem(b)
		var s *session.Session
		if err == nil {
			if s, err = l.h.Sessions.Get(it.Session); err != nil {
				err = &vertex.RefusedError{Reason: vertex.BadSession, Detail: "not one of this home's"}
			}
		}
		if err != nil {
			if _, e := vertex.ReadItem(br); errors.Is(e, vertex.ErrLost) || errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("import: %w", errors.Join(err, vertex.ErrLost))
			}
			if err := emit(refusal(it, err)); err != nil {
				return err
			}
			continue
		}
		_, err = s.Import(&oneSession{br: br, id: it.Session}, l.now(), func(r dag.Result) {
			if emitErr == nil {
				emitErr = emit(Imported{ID: r.ID.String(), Session: s.ID().String(), Result: string(r.Outcome), Reason: r.Reason})
			}
		})
		if err := errors.Join(err, emitErr); err != nil {
			return err
		}
	}
}

func refusal(it vertex.Item, err error) Imported {
	out := Imported{Result: string(dag.Refused), Reason: err.Error()}
	var re *vertex.RefusedError
	if errors.As(err, &re) {
		out.Reason = string(re.Reason)
	}
	if it.ID != (vertex.ID{}) {
		out.ID, out.Session = it.ID.String(), it.Session.String()
	}
	return out
}

// oneSession reads whole items as long as they are of one session.
type oneSession struct {
	br   *bufio.Reader
	id   vertex.Session
	rest []byte
}

func (o *oneSession) Read(p []byte) (int, error) {
	for len(o.rest) == 0 {
		b, err := o.br.Peek(vertex.MaxItem)
		if len(b) == 0 {
			return 0, err
		}
		it, after, err := vertex.DecodeItem(b)
		if err != nil || it.Session != o.id {
			return 0, io.EOF // the caller looks at it
		}
		o.rest = append(o.rest[:0], b[:len(b)-len(after)]...)
		if _, err := o.br.Discard(len(o.rest)); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

func (l *local) Draw(_ context.Context, q DrawQuery, w io.Writer) error {
	s, err := l.h.Sessions.Find(q.Session)
	if err != nil {
		return err
	}
	return s.Log().Draw(w, q.Dot)
}

package courier

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

const (
	flushItems = 8 << 20 // bytes of vertices that wait for a run which attests them
	stepChunks = 256     // chunks between two notes of how far an unpack is
)

// unpacker takes one bundle.
type unpacker struct {
	c    *Courier
	ctx  context.Context
	q    *FileQuery
	emit func(Result) error
	v    *Verdict
	now  time.Time

	seen    *seen
	head    *bundle.Head
	from    string // sender, for quotas
	session *session.Session
	items   []vertex.Item // of session, not received yet
	size    int
	done    []uint32 // numbers of chunks that were read and not noted yet
	doubt   bool     // something was parked or refused
	files   *incoming
	rack    *rack    // nil until something is shelved
	told    []Result // of what is on it and not committed yet
}

var errKnown = errors.New("taken before")

// Unpack takes everything out of a file.
func (c *Courier) Unpack(ctx context.Context, q FileQuery, emit func(Result) error) (*Verdict, error) {
	f, v, closer, err := c.open(&q)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	u := &unpacker{c: c, ctx: ctx, q: &q, v: v, now: c.cfg.Clock()}
	u.emit = func(r Result) error { v.count(r); return emit(r) }
	u.files = &incoming{dir: c.files(&q), names: map[[32]byte]placed{}, open: map[object]*incomingFile{}}
	defer u.files.close()
	if !f.Reads() {
		return nil, fmt.Errorf("the courier key verifies and repairs; it does not read: %w", bundle.ErrNotForUs)
	}
	err = f.Check(u.chunk)
	if errors.Is(err, errKnown) {
		v.Known, err = true, nil
	} else if err == nil {
		err = u.finish(f)
	}
	v.fill(f, q.Offset)
	return v, err
}

// count enters one result.
func (v *Verdict) count(r Result) {
	switch r.Checked {
	case Verified:
		v.Proven++
	case Unverified:
		v.Unsure++
	}
	switch r.Result {
	case "refused":
		v.Refused++
	case "new":
		v.New++
		v.Kept++
	default:
		v.Kept++
	}
}

func (v *Verdict) fill(f *bundle.File, offset int64) {
	v.Report, v.End = f.Report, offset+f.End()
	if k, ok := f.CourierKey(); ok {
		v.Courier = k[:]
	}
}

// open opens the file of a query with all keys of this home.
func (c *Courier) open(q *FileQuery) (*bundle.File, *Verdict, io.Closer, error) {
	file, size, err := openFile(q.Path)
	if err != nil {
		return nil, nil, nil, err
	}
	keys, err := c.keys(q)
	if err == nil {
		size -= q.Offset
		var f *bundle.File
		if f, err = bundle.Open(io.NewSectionReader(file, q.Offset, size), size, keys); err == nil {
			return f, &Verdict{Bytes: size}, file, nil
		}
	}
	return nil, nil, nil, errors.Join(err, file.Close())
}

// chunk takes one chunk.
func (u *unpacker) chunk(ch *bundle.Chunk) error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	if u.head == nil {
		if err := u.begin(ch.Head); err != nil {
			return err
		}
	}
	if ch.Number < u.seen.next {
		return nil
	}
	for _, r := range ch.Records {
		if err := u.record(r); err != nil {
			return err
		}
	}
	if err := u.commitShelf(); err != nil {
		return err
	}
	u.done = append(u.done, ch.Number)
	if len(u.done) >= stepChunks && len(u.items) == 0 {
		return u.progress()
	}
	return nil
}

// begin looks up whether the bundle was met before.
func (u *unpacker) begin(h *bundle.Head) (err error) {
	u.head = h
	u.from = "bundle " + hex.EncodeToString(h.Exporter[:8])
	if u.seen, err = u.c.seen(h); err != nil {
		return err
	}
	if u.seen.whole {
		err = u.emit(Result{ID: hex.EncodeToString(u.seen.body[:]), Kind: "bundle", Result: "known"})
		return errors.Join(err, errKnown)
	}
	return nil
}

func (u *unpacker) record(r bundle.Record) error {
	if r.Kind != bundle.KindVertices {
		if err := u.flush(); err != nil {
			return err
		}
		return u.other(r)
	}
	id, err := sessionOf(r.Payload)
	if err != nil {
		return u.refuse(r, "canonical")
	}
	s, err := u.c.session(id)
	if err != nil {
		return u.refuse(r, "wrong-session")
	}
	items, err := vertex.DecodeRun(id, bytes.Clone(r.Payload[len(id):])) // the chunk's memory is used again
	if err != nil {
		var re *vertex.RefusedError
		if errors.As(err, &re) {
			return u.refuse(r, string(re.Reason))
		}
		return err
	}
	if u.session != s {
		if err := u.flush(); err != nil {
			return err
		}
	}
	u.session = s
	u.items = append(u.items, items...)
	for i := range items {
		u.size += takeItem + len(items[i].Body)
	}
	if n := cleanCut(u.items); n > 0 || u.size >= flushItems {
		if n == 0 {
			n = len(u.items)
		}
		return u.receive(n)
	}
	return nil
}

func sessionOf(payload []byte) (id vertex.Session, err error) {
	if len(payload) <= len(id) {
		return id, errors.New("a run without its session")
	}
	return vertex.Session(payload[:len(id)]), nil
}

// cleanCut returns how many of the leading items end where the last vertex of every branch is signed, so that none has
// to wait for the next run.
func cleanCut(items []vertex.Item) (n int) {
	var s span
	for i := range items {
		if s.add(&items[i]) {
			n = i + 1
		}
	}
	return n
}

// flush hands all vertices that wait to their log.
func (u *unpacker) flush() error { return u.receive(len(u.items)) }

// receive hands the first n vertices that wait to their log, in pieces that are decided at once where there are any.
func (u *unpacker) receive(n int) error {
	items, rest := u.items[:n], u.items[n:]
	u.items = nil
	u.size = 0
	for i := range rest {
		u.items = append(u.items, rest[i])
		u.size += takeItem + len(rest[i].Body)
	}
	for len(items) > 0 {
		k := piece(items)
		if err := u.hand(items[:k]); err != nil {
			return err
		}
		items = items[k:]
	}
	return nil
}

// piece returns how many of the leading items one transaction takes, up to its last clean cut.
func piece(items []vertex.Item) int {
	var s span
	size, clean := 0, 0
	for i := range items {
		if size += takeItem + len(items[i].Body); size > takeBytes && i > 0 {
			if clean > 0 {
				return clean
			}
			return len(items)
		}
		if s.add(&items[i]) {
			clean = i + 1
		}
	}
	return len(items)
}

func (u *unpacker) hand(items []vertex.Item) error {
	got, err := u.session.Receive(u.from, items, u.now)
	for i, r := range got.Results {
		if r.Outcome == dag.Parked || r.Outcome == dag.Refused {
			u.doubt = true
		}
		err = errors.Join(err, u.emit(Result{ID: r.ID.String(), Kind: "vertices", Session: u.session.ID().String(),
			Author: hex.EncodeToString(items[i].Author[:]), Result: string(r.Outcome), Reason: r.Reason, Bytes: int(items[i].Size)}))
		if err != nil {
			return err
		}
	}
	return err
}

func (u *unpacker) refuse(r bundle.Record, why string) error {
	u.doubt = true
	out := Result{ID: name(r), Kind: r.Kind.String(), Result: "refused", Reason: why, Bytes: len(r.Payload)}
	if id, err := sessionOf(r.Payload); r.Kind == bundle.KindVertices && err == nil {
		out.Session = id.String()
	}
	return u.emit(out)
}

// other takes a record that is no run.
func (u *unpacker) other(r bundle.Record) error {
	if r.Kind >= bundle.Critical || r.Kind == bundle.KindSnapshot {
		return u.refuse(r, string(bundle.BadKind))
	}
	checked, why, err := judge(u.c.check(r.Kind, r.Payload))
	if err != nil {
		return u.refuse(r, err.Error())
	}
	if take := u.c.cfg.Readers[r.Kind].Take; take != nil && checked == Verified {
		if err := take(bytes.Clone(r.Payload), u.now); err != nil {
			return err
		}
	}
	switch r.Kind {
	case bundle.KindPiece:
		p, err := r.Piece()
		if err != nil {
			return u.refuse(r, string(bundle.BadCanonical))
		}
		return u.files.piece(p)
	case bundle.KindRelease:
		rel, err := bundle.DecodeRelease(r.Payload)
		if err == nil {
			u.files.release(rel)
		}
	case bundle.KindCard:
		if err := u.c.renew(bytes.Clone(r.Payload), u.now); err != nil {
			return err
		}
	case bundle.KindReceipt:
		if done, err := u.delivered(r); done || err != nil {
			return err
		}
	}
	return u.shelve(r, checked, why)
}

// shelve keeps a record until it expires.
func (u *unpacker) shelve(r bundle.Record, checked Checked, why string) error {
	if u.c.root == nil {
		return u.refuse(r, "no home to keep it in")
	}
	expiry := hoursOf(u.now) + shelfDays*24
	if u.head.NotAfter > 0 {
		expiry = min(expiry, u.head.NotAfter)
	}
	if expiry < hoursOf(u.now) {
		return u.refuse(r, "expired")
	}
	hops := u.head.Hops
	if m, err := bundle.DecodeMail(r.Payload); r.Kind == bundle.KindEnvelope && err == nil {
		hops = m.Hops
	} else if hops > 0 {
		hops--
	}
	r.Payload = bytes.Clone(r.Payload)
	if u.rack == nil {
		var err error
		if u.rack, err = u.c.rack(u.now); err != nil {
			return err
		}
	}
	fresh, err := u.rack.put(shelved{Record: r, expiry: expiry, hops: hops})
	if errors.Is(err, store.ErrFull) {
		return u.refuse(r, "no room to carry more")
	}
	if err != nil {
		return err
	}
	out := Result{ID: name(r), Kind: r.Kind.String(), Result: "known", Bytes: len(r.Payload), Checked: checked, Reason: why}
	if fresh {
		out.Result = "new"
	}
	u.told = append(u.told, out)
	return nil
}

// commitShelf makes the records of a chunk durable, and tells of them.
func (u *unpacker) commitShelf() error {
	if u.rack == nil {
		return nil
	}
	if err := u.rack.flush(); err != nil {
		return err
	}
	told := u.told
	u.told = nil
	for _, r := range told {
		if err := u.emit(r); err != nil {
			return err
		}
	}
	return nil
}

// delivered takes a receipt for a bundle of ours: custody of it ends.
func (u *unpacker) delivered(r bundle.Record) (bool, error) {
	rc, err := bundle.DecodeReceipt(r.Payload)
	if err != nil {
		return false, u.refuse(r, string(bundle.BadCanonical))
	}
	if u.c.root == nil {
		return false, nil
	}
	key := u.c.note(sentPrefix, rc.Body[:])
	plain, err := u.c.root.Get(store.TableState, key)
	if err != nil || len(plain) != 4+32+4 {
		return false, nil // of somebody else's
	}
	if !rc.Verify(bundle.Key(plain[4:36])) {
		return true, u.refuse(r, "signature")
	}
	out := Result{ID: rc.Body.String(), Kind: "receipt", Result: "known"}
	if len(plain) == 40 && plain[0]&0x80 == 0 {
		plain[0] |= 0x80
		b := &store.Batch{}
		u.c.root.Put(b, store.TableState, key, plain)
		if err := u.c.cfg.Store.Commit(b); err != nil {
			return true, err
		}
		out.Result = "new"
	}
	out.Reason = "delivered to " + hex.EncodeToString(rc.Who[:])
	return true, u.emit(out)
}

// progress notes that all chunks up to here are committed.
func (u *unpacker) progress() error {
	if err := u.files.sync(); err != nil {
		return err
	}
	for _, n := range u.done {
		if n != u.seen.next {
			u.doubt = true // one before it is missing: read all again next time
			break
		}
		u.seen.next++
	}
	u.done = u.done[:0]
	if u.doubt {
		return nil
	}
	return u.c.saw(u.head, u.seen)
}

// finish commits what waits, puts files in place and writes the receipt.
func (u *unpacker) finish(f *bundle.File) error {
	if err := u.flush(); err != nil {
		return err
	}
	if u.head == nil {
		return nil
	}
	if err := u.files.place(u.emit); err != nil {
		return err
	}
	if f.Report.Complete {
		u.seen.whole, u.seen.body = true, f.Report.Body
	}
	if err := u.progress(); err != nil {
		return err
	}
	return u.receipt(f)
}

// receipt puts a receipt on the shelf, so that it travels back by any road.
func (u *unpacker) receipt(f *bundle.File) error {
	key, ok := f.FileKey()
	if u.c.root == nil || !ok || !f.Report.Complete || u.doubt {
		return nil
	}
	r := bundle.Receipt{Body: f.Report.Body, Who: u.c.cfg.Who, Hours: hoursOf(u.now), Chunks: []bundle.Range{{From: 0, To: uint32(f.Report.Chunks.Good - 1)}}}
	r.Seal(key)
	_, err := u.c.keep(shelved{Record: r.Record(), expiry: hoursOf(u.now) + 30*24, hops: bundle.StartHops}, u.now)
	if errors.Is(err, store.ErrFull) {
		return nil
	}
	return err
}

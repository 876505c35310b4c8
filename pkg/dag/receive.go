package dag

import (
	"errors"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// Outcome says what became of a vertex.
type Outcome string

// The four answers of Receive. Parked is stored: it survives a restart and is decided later.
const (
	New     Outcome = "new"
	Known   Outcome = "known"
	Parked  Outcome = "parked"
	Refused Outcome = "refused"
)

// Result is the answer for one vertex. Reason is set for Parked and Refused.
type Result struct {
	ID      vertex.ID
	Outcome Outcome
	Reason  string
}

// Received is the answer of Receive.
type Received struct {
	Results []Result     // one for each item, in order
	New     int          // vertices accepted, woken ones included
	Forks   []sig.Public // authors who now first show two branches
}

// chunk is how many bytes of items one transaction takes: with the seals it mostly stays below the
// store's limit, and the disk syncs twice for each.
func (l *Log) chunk() int { return l.cfg.Store.Limit() / 8 * 7 }

// Receive takes vertices from a carrier. items come from vertex.DecodeItem or vertex.DecodeRun, which
// compared bodies with their hashes; everything else is checked here. sender names who handed them
// over, for quotas. It returns after all that it reports as new or parked is durable; on an error
// nothing of the failing transaction counts and what was answered before stands.
func (l *Log) Receive(sender string, items []vertex.Item, now time.Time) (Received, error) {
	l.write.Lock()
	defer l.write.Unlock()
	var got Received
	for len(items) > 0 || got.Results == nil {
		n := chunkLen(items, l.chunk())
		t, err := l.take(sender, items[:n], now)
		if err != nil {
			return got, err
		}
		if err := l.commit(t); err != nil {
			return got, err
		}
		l.announce(t)
		l.tell(t)
		got.merge(t)
		items = items[n:]
	}
	return got, nil
}

func (r *Received) merge(t *taken) {
	r.Results = append(r.Results, t.Results...)
	r.New += t.New
	r.Forks = append(r.Forks, t.Forks...)
}

// chunkLen returns how many of the leading items one transaction takes.
func chunkLen(items []vertex.Item, chunk int) int {
	size := 0
	for i := range items {
		if size += 500 + len(items[i].Body); size > chunk && i > 0 {
			return i
		}
	}
	return len(items)
}

// taken is the effect of one chunk: it stands in memory and waits to be committed.
type taken struct {
	Received
	batches  []*store.Batch
	limit    int            // bytes of a batch
	accepted []*vertex.Item // for Config.Accepted
}

// begin returns an effect whose first records go into b.
func (l *Log) begin(b *store.Batch) *taken {
	return &taken{batches: []*store.Batch{b}, limit: l.cfg.Store.Limit()}
}

// tell hands what became durable to who folds the log.
func (l *Log) tell(t *taken) {
	for _, it := range t.accepted {
		l.cfg.Accepted(it)
	}
}

func (t *taken) accept(l *Log, it *vertex.Item) {
	t.New++
	if l.cfg.Accepted != nil {
		t.accepted = append(t.accepted, it)
	}
}

// take decides a chunk and applies it in memory. The caller commits what it returns.
func (l *Log) take(sender string, items []vertex.Item, now time.Time) (*taken, error) {
	if l.broken != nil {
		return nil, l.broken
	}
	s := newStage(l, len(items))
	t := l.begin(&store.Batch{})
	t.Results = make([]Result, len(items))
	for i := range items {
		l.sort(s, t, i, &items[i])
	}
	s.wake()
	s.link()
	s.place()
	s.settle()
	s.verifyWaiting()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range s.order {
		if !c.cut {
			l.accept(t, c)
		}
	}
	for _, c := range s.all {
		l.leave(s, t, c, sender, now)
	}
	for _, p := range l.park.surplus(l.cfg.Limits, now) {
		l.evict(s, t, p)
	}
	if t.New > 0 {
		l.putCounters(t.batch())
	}
	if t.batches[0].Len() > 0 {
		l.pending++
	}
	return t, nil
}

// announce wakes those who wait for Changed, once t is durable.
func (l *Log) announce(t *taken) {
	if t.batches[0].Len() > 0 {
		l.mu.Lock()
		l.pending--
		l.signal()
		l.mu.Unlock()
	}
}

// sort answers for what is known and puts the rest into the stage.
func (l *Log) sort(s *stage, t *taken, i int, it *vertex.Item) {
	r := &t.Results[i]
	r.ID = it.ID
	if it.Session != l.cfg.Session {
		r.Outcome, r.Reason = Refused, string(vertex.BadSession)
		return
	}
	if at, ok := l.index.get(it.ID); ok {
		r.Outcome = Known
		l.improve(t, at, it)
		return
	}
	if at, ok := l.index.byID[it.ID]; ok {
		r.Outcome = New
		l.restore(s, t, at, it)
		return
	}
	if s.pool[it.ID] != nil {
		r.Outcome = Known
		s.pool[it.ID].better(it)
		return
	}
	if p := l.park.items[it.ID]; p != nil {
		copied := p.item
		s.add(&copied, p, i)
		s.pool[it.ID].better(it)
		return
	}
	s.add(it, nil, i)
}

// better fills what a second copy brings: a body, or a signature beside which the first may be wrong.
func (c *cand) better(it *vertex.Item) {
	if !c.it.Held() && it.Held() {
		c.it.Body, c.improved = it.Body, true
	}
	if it.Signed && (!c.it.Signed || it.Sig != c.it.Sig) {
		if sig.Verify(it.Author, vertex.Check(it.Author, it.ID, it.Sig).Label, it.ID[:], it.Sig) {
			c.it.Signed, c.it.Sig, c.improved = true, it.Sig, true
		}
	}
}

// improve keeps the signature or body of an accepted vertex that was held without.
func (l *Log) improve(t *taken, at uint32, it *vertex.Item) {
	e := &l.index.entries[at]
	flags := e.flags
	if flags&hasSig == 0 && it.Signed && l.verifier.Verify(vertex.Check(it.Author, it.ID, it.Sig)) {
		flags |= hasSig
	}
	if flags&hasBody == 0 && it.Held() {
		flags |= hasBody
	}
	if flags == e.flags {
		return
	}
	full := *it
	if e.flags&hasSig != 0 || e.flags&hasBody != 0 && !it.Held() {
		old, _, err := l.record(at)
		if err != nil { // on its way to the disk, or broken: this copy is not for mixing
			return
		}
		if old.Signed {
			full.Sig, full.Signed = old.Sig, true
		}
		if !it.Held() {
			full.Body = old.Body // or none, where it stands alone
		}
	}
	if it.Seq == 0 && flags&mayWrite == 0 && l.cfg.Judge.MayWrite(it) {
		flags |= mayWrite
	}
	l.mu.Lock()
	e.flags = flags
	if flags&hasBody != 0 && flags&(hasSig|continued) != 0 {
		delete(l.index.noBody, at)
	}
	l.index.entitle(&l.index.authors[e.author])
	l.mu.Unlock()
	l.put(t.batch(), at, &full, flags)
}

// restore puts a vertex back whose record the disk lost. Its id was accepted and vouches for it.
func (l *Log) restore(s *stage, t *taken, at uint32, it *vertex.Item) {
	flags := uint8(0)
	if it.Signed && l.verifier.Verify(vertex.Check(it.Author, it.ID, it.Sig)) {
		flags |= hasSig
	}
	if it.Held() {
		flags |= hasBody
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	x := &l.index
	for _, id := range names(it) {
		if _, ok := x.byID[id]; !ok && id != x.genesis {
			x.entries = append(x.entries, entry{prev: none})
			x.placeLost(uint32(len(x.entries)-1), id, it.Lamport)
			x.gone = max(0, x.gone-1)
		}
	}
	if it.Seq == 0 && l.cfg.Judge.MayWrite(it) || it.Seq > 0 && x.entitled(it.Author, it.Prev) {
		flags |= mayWrite
	}
	if x.fill(at, &it.Vertex, it.ID, flags) {
		t.Forks = append(t.Forks, it.Author)
	}
	delete(x.lost, at)
	x.patched, x.reach = true, nil
	x.entitle(&x.authors[x.entries[at].author])
	if flags = x.entries[at].flags; flags&(hasSig|continued) == 0 {
		x.noBody[at] = struct{}{}
	}
	if p := l.park.items[it.ID]; p != nil {
		l.unpark(t.batch(), p)
	}
	l.put(t.batch(), at, it, flags|held)
	s.filled = append(s.filled, it.ID)
	t.accept(l, it)
}

// verifyWaiting verifies the signatures of what will be parked: a wrong one must not be kept.
func (s *stage) verifyWaiting() {
	var wait []*cand
	for _, c := range s.all {
		if c.refusal == nil && c.parked == nil && (!c.placed || c.cut) {
			wait = append(wait, c)
		}
	}
	s.verify(wait)
}

// accept enters a candidate in the index and the batch.
func (l *Log) accept(t *taken, c *cand) {
	flags := uint8(0)
	if c.sigOK {
		flags |= hasSig
	}
	if c.it.Held() {
		flags |= hasBody
	}
	if c.writer {
		flags |= mayWrite
	}
	if c.it.Author == l.cfg.Own {
		l.ahead = true
	}
	flags |= held
	at, fork := l.index.add(&c.it.Vertex, c.it.ID, flags)
	if fork {
		t.Forks = append(t.Forks, c.it.Author)
	}
	l.put(t.batch(), at, c.it, flags)
	if c.parked != nil {
		l.unpark(t.batch(), c.parked)
	}
	t.accept(l, c.it)
	c.answer(t, New, "")
}

// leave parks or refuses a candidate that was not accepted.
func (l *Log) leave(s *stage, t *taken, c *cand, sender string, now time.Time) {
	switch {
	case c.placed && !c.cut, c.evicted:
		return
	case c.refusal == nil && c.sigBad && c.parked == nil:
		c.refusal = &vertex.RefusedError{Reason: vertex.BadSignature}
	case c.refusal == nil && c.why == "":
		c.why = waitMissing
	}
	var re *vertex.RefusedError
	if errors.As(c.refusal, &re) {
		l.refused[re.Reason]++
		if c.parked != nil {
			l.unpark(t.batch(), c.parked)
		}
		c.answer(t, Refused, string(re.Reason))
		return
	}
	c.answer(t, Parked, c.why)
	if c.parked != nil {
		c.parked.why = c.why
		if c.improved {
			l.repark(t.batch(), c.parked, c.it)
		}
		return
	}
	evict, ok := l.park.room(c.it, c.why, l.cfg.Limits)
	if !ok {
		c.answer(t, Refused, "parked too many of this author")
		return
	}
	if evict != nil {
		l.evict(s, t, evict)
	}
	l.putParked(t.batch(), c.it, sender, c.why, now)
}

// evict forgets what the park has no room for, and does not answer that it is parked.
func (l *Log) evict(s *stage, t *taken, p *parked) {
	l.unpark(t.batch(), p)
	if c := s.pool[p.item.ID]; c != nil {
		c.evicted = true
		c.answer(t, Refused, "parked too many")
	}
}

func (c *cand) answer(t *taken, o Outcome, reason string) {
	if c.result >= 0 {
		t.Results[c.result].Outcome, t.Results[c.result].Reason = o, reason
	}
}

// batch returns the batch that the next record goes into.
func (t *taken) batch() *store.Batch {
	b := t.batches[len(t.batches)-1]
	if b.Bytes() > t.limit-(128<<10) || b.Len() > store.MaxRecords-64 {
		b = &store.Batch{}
		t.batches = append(t.batches, b)
	}
	return b
}

// commit makes t durable. When that fails, memory goes back to what the disk says.
func (l *Log) commit(t *taken) error {
	err := l.store(t)
	if err != nil {
		l.reload(err)
	}
	return err
}

func (l *Log) store(t *taken) error {
	for _, b := range t.batches {
		if b.Len() == 0 {
			continue
		}
		if err := l.cfg.Store.Commit(b); err != nil {
			return err
		}
	}
	return nil
}

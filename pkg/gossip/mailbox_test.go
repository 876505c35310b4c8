package gossip

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	mrand "math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// memDisk keeps records in memory. After a number of commits it fails, with what was written or without.
type memDisk struct {
	mu    sync.Mutex
	kept  map[Slot][]byte
	left  int // commits until it fails; negative: never
	after bool
	err   error
}

func newDisk() *memDisk { return &memDisk{kept: map[Slot][]byte{}, left: -1} }

func (d *memDisk) Commit(put []Record, del []Slot) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left == 0 && !d.after {
		return d.err
	}
	for _, s := range del {
		delete(d.kept, s)
	}
	for _, r := range put {
		d.kept[r.Slot] = bytes.Clone(r.Value)
	}
	if d.left == 0 {
		return d.err
	}
	d.left--
	return nil
}

func (d *memDisk) Get(s Slot) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b, ok := d.kept[s]; ok {
		return b, nil
	}
	return nil, wire.ErrNotFound
}

func (d *memDisk) Scan(fn func([]byte) bool) error {
	d.mu.Lock()
	all := maps.Clone(d.kept)
	d.mu.Unlock()
	for _, b := range all {
		if !fn(b) {
			break
		}
	}
	return nil
}

var start = time.Unix(1_800_000_000, 0)

func newBox(t *testing.T, d Disk, set func(*Mailbox)) *Mailbox {
	t.Helper()
	m := &Mailbox{Disk: d, Rules: Rules{Genesis: start.Unix() - 1000*hour, StampBits: 2}, Rand: rand.Reader}
	if set != nil {
		set(m)
	}
	if err := m.Open(start.Unix()); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *Mailbox) sample(class uint8, hours int) []byte {
	return stamped(m.Rules, class, m.Rules.ExpiryIn(start.Unix(), hours))
}

func who(name string, t Trust) Depositor { return Depositor{PeerID(name), name, t} }

// take puts one and says what came of it.
func take(t *testing.T, m *Mailbox, p Put, d Depositor, now time.Time) Answer {
	t.Helper()
	if p.Copies == 0 {
		p.Copies = 6
	}
	a, _, err := m.Put(p, d, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func ask(t *testing.T, m *Mailbox, from string, now time.Time, held []envelope.ID, envs ...[]byte) [][]byte {
	t.Helper()
	var tags [][16]byte
	for _, e := range envs {
		o, _ := envelope.DecodeOuter(e)
		tags = append(tags, o.Tag)
	}
	g, err := NewGet(tags, NewHave(held, [16]byte{1}), anyTag)
	if err != nil {
		t.Fatal(err)
	}
	out, _, ok := m.Fetch(g, PeerID(from), now)
	if !ok {
		t.Fatal("asked too often")
	}
	return out
}

func TestPutGetAck(t *testing.T) {
	d := newDisk()
	m := newBox(t, d, nil)
	env := m.sample(1, 100)
	id, token := envelope.EnvelopeID(env), [32]byte{5}
	p := Put{Hash: TokenHash(token), Envelope: env}
	if a := take(t, m, p, who("ali", Contact), start); a != Kept {
		t.Fatalf("put: %d", a)
	}
	if a := take(t, m, p, who("sara", Contact), start); a != Duplicate {
		t.Errorf("again: %d", a)
	}
	m = newBox(t, d, nil) // a new run
	if got := ask(t, m, "bob", start, nil, env); len(got) != 1 || !bytes.Equal(got[0], env) {
		t.Fatalf("got %d", len(got))
	}
	if got := ask(t, m, "bob", start, []envelope.ID{id}, env); len(got) != 0 {
		t.Error("sent what the asker holds")
	}
	if n, _ := m.Delete([]Ack{{id, [32]byte{6}}, {envelope.ID{}, token}}, start.Unix()); n != 0 {
		t.Error("deleted by a wrong token")
	}
	if n, _ := m.Delete([]Ack{{id, token}}, start.Unix()); n != 1 {
		t.Error("not deleted by its token")
	}
	if a := take(t, m, p, who("ali", Contact), start); a != Duplicate {
		t.Errorf("put right after it was taken: %d", a)
	}
	m = newBox(t, d, nil)
	if got := ask(t, m, "bob", start, nil, env); len(got) != 0 {
		t.Error("deleted, and back after a restart")
	}
	if a := take(t, m, p, who("ali", Contact), start); a != Duplicate {
		t.Errorf("put after it was taken: %d", a)
	}
}

// Who learns an envelope on its way can put it first under a hash of its own. It must not be able to delete it.
func TestThiefOfAnEnvelope(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	env := m.sample(0, 100)
	id := envelope.EnvelopeID(env)
	take(t, m, Put{Hash: TokenHash([32]byte{66}), Envelope: env}, who("thief", Stranger), start)
	if a := take(t, m, Put{Hash: TokenHash([32]byte{5}), Envelope: env}, who("ali", Contact), start); a != Kept {
		t.Fatalf("the sender's put: %d", a)
	}
	if n, _ := m.Delete([]Ack{{id, [32]byte{66}}}, start.Unix()); n != 0 {
		t.Error("the thief deletes it")
	}
	// or first deletes it and is then followed by the sender
	env = m.sample(0, 100)
	id = envelope.EnvelopeID(env)
	take(t, m, Put{Hash: TokenHash([32]byte{66}), Envelope: env}, who("thief2", Stranger), start)
	if n, _ := m.Delete([]Ack{{id, [32]byte{66}}}, start.Unix()); n != 1 {
		t.Fatal("not deleted")
	}
	if a := take(t, m, Put{Hash: TokenHash([32]byte{5}), Envelope: env}, who("ali", Contact), start); a != Kept {
		t.Fatalf("the sender's put after it: %d", a)
	}
	if len(ask(t, m, "bob", start, nil, env)) != 1 {
		t.Error("the envelope is lost")
	}
}

func TestRefused(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	env := m.sample(0, 100)
	bad := bytes.Clone(env)
	for envelope.Stamped(m.Rules.NetID, bad, 2) {
		bad[27]++
	}
	for _, c := range []struct {
		name string
		b    []byte
		by   Trust
		want Answer
	}{{"no stamp", bad, Stranger, Refused}, {"no stamp, of a contact", bad, Contact, Kept}, {"over", m.sample(0, 1)[:1024], Stranger, Kept},
		{"cut", env[:1000], Stranger, Refused}, {"of one who failed", env, Failed, Refused}} {
		if a, _, err := m.Put(Put{Copies: 1, Envelope: c.b}, who(c.name, c.by), start); a != c.want || err != nil {
			t.Errorf("%s: %d %v", c.name, a, err)
		}
	}
	if a, _, _ := m.Put(Put{Copies: 1, Envelope: stamped(m.Rules, 0, m.Rules.hours(start.Unix())-3)}, who("late", Stranger), start); a != Refused {
		t.Errorf("expired: %d", a)
	}
	// A clock that is wrong by more than two days: kept for 14 days after receipt.
	far := stamped(m.Rules, 0, m.Rules.hours(start.Unix())+5000)
	take(t, m, Put{Envelope: far}, who("far", Stranger), start)
	if err := m.Expire(start.Unix() + 13*day); err != nil || len(ask(t, m, "b", start.Add(13*day*time.Second), nil, far)) != 1 {
		t.Errorf("gone before 14 days: %v", err)
	}
	if m.Expire(start.Unix() + 14*day + 1); len(ask(t, m, "b", start, nil, far)) != 0 {
		t.Error("there after 14 days")
	}
}

func TestQuotas(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	fill := func(name string, by Trust, class uint8) (n int) {
		for n < 10000 {
			now := start.Add(time.Duration(n) * time.Minute)
			if a := take(t, m, Put{Envelope: m.sample(class, 300)}, who(name, by), now); a != Kept {
				return n
			}
			n++
		}
		return n
	}
	if n := fill("anonymous", Stranger, 0); n != 1 {
		t.Errorf("an anonymous one leaves %d", n)
	}
	if n := fill("verified", Verified, 0); n != 2 {
		t.Errorf("a verified one leaves %d", n)
	}
	if n := fill("friend", Friend, 3); n != friendBytes>>16 {
		t.Errorf("a friend of a contact leaves %d", n)
	}
	if n := fill("contact", Contact, 3); n != contactBytes>>16 {
		t.Errorf("a contact leaves %d", n)
	}
	m.TakeStrangers(false)
	if a := take(t, m, Put{Envelope: m.sample(0, 300)}, who("new", Stranger), start); a != Later {
		t.Errorf("a stranger on a metered line: %d", a)
	}
	for range int(putBurst) {
		take(t, m, Put{Envelope: m.sample(0, 300)}, who("fast", Verified), start)
	}
	m.TakeStrangers(true)
	if a := take(t, m, Put{Envelope: m.sample(0, 300)}, who("fast", Verified), start); a != Later {
		t.Errorf("one that puts too fast: %d", a)
	}
}

// Strangers push out strangers: the largest, then those with most copies elsewhere, then the oldest. They never
// push out a contact's, who comes last.
func TestEviction(t *testing.T) {
	m := newBox(t, newDisk(), func(m *Mailbox) { m.Slots = 8 })
	put := func(name string, class, copies uint8, by Trust, at int) Answer {
		return take(t, m, Put{Envelope: m.sample(class, 300), Copies: copies}, who(name, by), start.Add(time.Duration(at)*time.Second))
	}
	have := func() map[string]bool {
		out := map[string]bool{}
		for _, l := range m.letters {
			out[l.group] = true
		}
		return out
	}
	put("c1", 3, 9, Contact, 0)
	put("old", 0, 1, Stranger, 1)
	put("many", 0, 6, Stranger, 2)
	put("large", 1, 1, Stranger, 3)
	put("new", 0, 1, Stranger, 4) // half of eight: full
	for i, gone := range []string{"large", "many", "old"} {
		if a := put(fmt.Sprint("n", i), 0, 1, Stranger, 10+i); a != Kept || have()[gone] {
			t.Errorf("put %d: %d, %s is there: %v", i, a, gone, have())
		}
	}
	if a := put("huge", 2, 1, Stranger, 20); a != NoRoom {
		t.Errorf("a larger one: %d", a)
	}
	for i := range 7 {
		if a := put(fmt.Sprint("f", i), 0, 1, Friend, 30+i); a != Kept {
			t.Errorf("friend %d: %d %v", i, a, have())
		}
	}
	if len(m.letters) != 8 || !have()["c1"] || have()["new"] || m.unknown != 0 {
		t.Errorf("left: %v", have())
	}
	if a := put("stranger", 0, 1, Stranger, 50); a != NoRoom || len(m.letters) != 8 {
		t.Errorf("a stranger against contacts: %d", a)
	}
	bytes := int64(0)
	for _, l := range m.letters {
		bytes += l.size()
	}
	if bytes != m.bytes {
		t.Errorf("counts %d bytes, holds %d", m.bytes, bytes)
	}
}

// A flood under one tag hits itself.
func TestOneTag(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	tag, _ := anyTag()
	first := []byte(nil)
	for i := range perTag + 10 {
		env := m.sample(0, 300)
		copy(env[4:], tag[:])
		m.Rules.Stamp(env, 0, func() bool { return false })
		if i == 0 {
			first = env
		}
		if a := take(t, m, Put{Envelope: env}, who("flood", Contact), start.Add(time.Duration(i)*time.Second)); a != Kept {
			t.Fatalf("%d: %d", i, a)
		}
	}
	if len(m.tags[tag]) != perTag || m.letters[envelope.EnvelopeID(first)] != nil {
		t.Errorf("%d under one tag", len(m.tags[tag]))
	}
}

func TestPollingIsBounded(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	g, _ := NewGet(nil, Have{}, anyTag)
	n := 0
	for ; n < 100; n++ {
		if _, _, ok := m.Fetch(g, "bob", start); !ok {
			break
		}
	}
	if n != getBurst {
		t.Errorf("%d questions at once", n)
	}
	var envs [][]byte
	for range 40 {
		e := m.sample(3, 300)
		envs = append(envs, e)
		take(t, m, Put{Envelope: e}, who("ali", Contact), start)
	}
	var tags [][16]byte
	for _, e := range envs[:32] {
		tags = append(tags, [16]byte(e[4:20]))
	}
	m.Limit = 1 << 30
	got := 0
	for i := range 3 {
		g, _ := NewGet(tags, Have{}, anyTag)
		out, more, _ := m.Fetch(g, "eve", start)
		if got += len(out); i == 2 && !more {
			t.Error("no word of what is left")
		}
	}
	if got != getBytes>>16 {
		t.Errorf("%d of 64 KiB in a minute", got)
	}
}

// The order in which mail is answered says nothing about the order in which it came.
func TestAnswersAreShuffled(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	var envs [][]byte
	for range 12 {
		e := m.sample(0, 300)
		envs = append(envs, e)
		take(t, m, Put{Envelope: e}, who("ali", Contact), start)
	}
	orders := map[string]bool{}
	for i := range 5 {
		orders[fmt.Sprintf("%x", ask(t, m, fmt.Sprint(i), start, nil, envs...))[:40]] = true
	}
	if len(orders) < 2 {
		t.Error("always the same first letter")
	}
}

// Killed at any commit, with or without the write: what was acknowledged is there, what was deleted is gone, and
// the counts are right.
func TestMailSurvivesEveryKill(t *testing.T) {
	for kill := range 40 {
		for _, after := range []bool{false, true} {
			d := newDisk()
			d.left, d.after, d.err = kill, after, errors.New("killed")
			m := newBox(t, d, func(m *Mailbox) { m.Slots = 12 })
			r := mrand.New(mrand.NewPCG(uint64(kill), 1))
			kept, deleted := map[envelope.ID][]byte{}, map[envelope.ID]bool{}
			for i := range 60 {
				if d.left == 0 {
					break
				}
				if i%5 == 4 {
					for id := range kept {
						if n, err := m.Delete([]Ack{{id, [32]byte{byte(id[0])}}}, start.Unix()); err == nil && n == 1 {
							delete(kept, id)
							deleted[id] = true
						} else if err != nil {
							delete(kept, id) // not acknowledged: either
						}
						break
					}
					continue
				}
				env := m.sample(uint8(r.IntN(2)), 300)
				id := envelope.EnvelopeID(env)
				a, _, err := m.Put(Put{Copies: 6, Hash: TokenHash([32]byte{byte(id[0])}), Envelope: env}, who(fmt.Sprint(i), Contact), start)
				if err == nil && a == Kept {
					kept[id] = env
				}
			}
			again := newBox(t, &memDisk{kept: d.kept, left: -1}, func(m *Mailbox) { m.Slots = 12 })
			lost, bytes := 0, int64(0)
			for id := range kept {
				if again.letters[id] == nil {
					lost++
				}
			}
			for id := range deleted {
				if again.letters[id] != nil {
					t.Errorf("kill %d: a deleted letter is back", kill)
				}
			}
			for _, l := range again.letters {
				bytes += l.size()
			}
			if bytes != again.bytes || again.damaged != 0 {
				t.Errorf("kill %d: %d bytes counted, %d held, %d damaged", kill, again.bytes, bytes, again.damaged)
			}
			// Twelve places: what was evicted by later ones that were acknowledged is no loss.
			if evicted := len(kept) - 12; lost > max(0, evicted)+1 {
				t.Errorf("kill %d after %v: %d of %d acknowledged letters are lost", kill, after, lost, len(kept))
			}
		}
	}
}

// A disk that refuses takes nothing and loses nothing.
func TestDiskRefuses(t *testing.T) {
	d := newDisk()
	m := newBox(t, d, func(m *Mailbox) { m.Slots = 2 })
	env := m.sample(0, 300)
	take(t, m, Put{Envelope: env}, who("a", Stranger), start)
	d.left, d.err = 0, errors.New("no")
	if _, _, err := m.Put(Put{Copies: 1, Envelope: m.sample(0, 300)}, who("b", Stranger), start.Add(time.Hour)); err == nil {
		t.Error("acknowledged what is not on the disk")
	}
	if len(m.letters) != 1 || len(ask(t, m, "c", start, nil, env)) != 1 || m.unknown != 1 {
		t.Errorf("%d letters after a refused write", len(m.letters))
	}
	d.err = errNoRoom
	if a, _, err := m.Put(Put{Copies: 1, Envelope: m.sample(0, 300)}, who("c", Stranger), start.Add(time.Hour)); a != NoRoom || err != nil {
		t.Errorf("a full disk: %d %v", a, err)
	}
}

func TestMailOnTheStore(t *testing.T) {
	e := store.NewMemory()
	s, err := store.New(e, store.Options{Key: store.Key{1}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := StoreDisk{s, s.Root()}
	m := newBox(t, d, nil)
	var envs [][]byte
	for range 20 {
		env := m.sample(1, 300)
		envs = append(envs, env)
		take(t, m, Put{Envelope: env, Hash: TokenHash([32]byte{1})}, who("ali", Contact), start)
	}
	m.Delete([]Ack{{envelope.EnvelopeID(envs[0]), [32]byte{1}}}, start.Unix())
	m = newBox(t, d, nil)
	if got := ask(t, m, "bob", start, nil, envs...); len(got) != 19 {
		t.Errorf("%d after a restart", len(got))
	}
	// On the disk neither a tag nor an id stands in clear.
	id := envelope.EnvelopeID(envs[1])
	e.Scan(nil, nil, func(k, v []byte) bool {
		if bytes.Contains(k, id[:8]) || bytes.Contains(v, id[:8]) || bytes.Contains(v, envs[1][4:12]) {
			t.Error("an id or a tag stands in clear")
		}
		return true
	})
	if m.Expire(start.Unix() + 301*hour); len(m.letters)+len(m.tombs) != 0 {
		t.Error("expired mail stays")
	}
	n := 0
	d.Scan(func([]byte) bool { n++; return true })
	if n != 0 {
		t.Errorf("%d records after all expired", n)
	}
}

// Spray and wait: the copies of one letter stay as many as its sender allowed, however couriers meet.
func TestCopies(t *testing.T) {
	r := mrand.New(mrand.NewPCG(3, 3))
	boxes := make([]*Mailbox, 20)
	for i := range boxes {
		boxes[i] = newBox(t, newDisk(), nil)
	}
	env := boxes[0].sample(0, 300)
	take(t, boxes[0], Put{Envelope: env, Copies: 6}, who("ali", Contact), start)
	for range 500 {
		a, b := boxes[r.IntN(20)], boxes[r.IntN(20)]
		if a == b {
			continue
		}
		for _, p := range a.Spread(b.Held(Range{}), start.Unix()) {
			if take(t, b, p, who("courier", Contact), start.Add(time.Duration(r.IntN(1e6))*time.Second)) == Kept {
				if err := a.Shared(p); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	carriers, copies := 0, 0
	for _, m := range boxes {
		for _, l := range m.letters {
			carriers++
			copies += int(l.copies)
		}
	}
	if carriers != 6 || copies != 6 {
		t.Errorf("%d carriers with %d copies", carriers, copies)
	}
}

// The streams: what one puts another fetches, whatever is cut or lied about.
func TestMailStreams(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	dial := func(name string, by Trust) *mailClient {
		a, b := net.Pipe()
		t.Cleanup(func() { a.Close() })
		go func() { m.serveMail(b, who(name, by), nil, func() time.Time { return start }); b.Close() }()
		return newMailClient(a)
	}
	ali := dial("ali", Contact)
	env, token := m.sample(2, 300), [32]byte{8}
	if fresh, err := ali.put(Put{Copies: 6, Hash: TokenHash(token), Envelope: env}); !fresh || err != nil {
		t.Fatalf("put: %v %v", fresh, err)
	}
	if fresh, err := ali.put(Put{Copies: 6, Hash: TokenHash(token), Envelope: env}); fresh || err != nil {
		t.Errorf("put again: %v %v", fresh, err)
	}
	bob := dial("bob", Stranger)
	g, _ := NewGet([][16]byte{[16]byte(env[4:20])}, Have{}, anyTag)
	n := 0
	more, err := bob.get(g, func(got []byte) error { n++; return nil })
	if n != 1 || more || err != nil {
		t.Errorf("got %d, %v, %v", n, more, err)
	}
	have, err := bob.held(Range{})
	if err != nil || !have.Has(envelope.EnvelopeID(env)) {
		t.Errorf("held: %v", err)
	}
	if err := bob.ack([]Ack{{envelope.EnvelopeID(env), token}}); err != nil || len(m.letters) != 0 {
		t.Errorf("ack: %v, %d left", err, len(m.letters))
	}
	for range 2 {
		_, err = dial("carol", Stranger).put(Put{Copies: 1, Envelope: m.sample(0, 300)})
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("beyond the quota: %v", err)
	}
	for name, b := range map[string][]byte{"type": wire.AppendFrame(nil, 9, []byte{1}), "put": wire.AppendFrame(nil, framePut, make([]byte, 40)),
		"get": wire.AppendFrame(nil, frameGet, make([]byte, 40)), "ack": wire.AppendFrame(nil, frameAck, make([]byte, 40)),
		"have": wire.AppendFrame(nil, frameHave, make([]byte, 40)), "long": wire.AppendFrame(nil, framePut, make([]byte, 100<<10))} {
		if err := m.serveMail(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b), io.Discard}, who("x", Stranger), nil, time.Now); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A storer that lies is left.
func TestLyingStorer(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	other := m.sample(0, 300)
	g, _ := NewGet(nil, Have{}, anyTag)
	for name, b := range map[string][]byte{"not asked": wire.AppendFrame(nil, frameMail, other), "no envelope": wire.AppendFrame(nil, frameMail, []byte{1}),
		"type": wire.AppendFrame(nil, frameOK, nil), "cut": {5}, "end": wire.AppendFrame(nil, frameEnd, []byte{2}), "nothing": {}} {
		c := newMailClient(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b), io.Discard})
		if _, err := c.get(g, func([]byte) error { return nil }); err == nil {
			t.Errorf("%s: believed", name)
		}
	}
	ok := wire.AppendFrame(nil, frameOK, make([]byte, 20))
	c := newMailClient(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(ok), io.Discard})
	if _, err := c.put(Put{Copies: 1, Envelope: other}); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("an answer to another envelope: %v", err)
	}
}

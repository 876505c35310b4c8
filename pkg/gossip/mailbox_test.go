package gossip

import (
	"bytes"
	"fmt"
	mrand "math/rand/v2"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
)

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

package session

import (
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// outside seals content in the first vertex of key on the genesis of s, outside any log.
func outside(t *testing.T, s *Session, key sig.Private, kind vertex.Kind, content []byte) vertex.Item {
	t.Helper()
	v := vertex.Vertex{Session: s.ID(), Author: key.Public(), Parents: []vertex.ID{s.rec.Genesis}, Lamport: 2, Kind: kind}
	body, err := s.keys.Seal(place(&v), content, s.home.cfg.Rand)
	if err != nil {
		t.Fatal(err)
	}
	return vertex.Seal(v, body, key)
}

// TestStrangersJoin: only a join made with the invite's secret, for its own author, lets a key write.
func TestStrangersJoin(t *testing.T) {
	a, _ := home(t, store.NewMemory()).Create("room", noon)
	b, _ := home(t, store.NewMemory()).Join(a.Invite(time.Time{}, nil), "Bahar", noon)
	key := sig.FromSeed([32]byte{7})
	honest := join{Pseudonym: key.Public(), Rdv: key.Public()}
	honest.MAC = a.joinMAC(&honest)
	forged := honest
	forged.MAC[3] ^= 1
	mine := join{Pseudonym: b.Pseudonym(), Rdv: key.Public()}
	mine.MAC = a.joinMAC(&mine)
	garbled := outside(t, a, key, vertex.Control, honest.encode()).Vertex
	for name, it := range map[string]vertex.Item{
		"no join":              outside(t, a, key, vertex.App, (&message{Text: "let me in"}).encode()),
		"join in another kind": outside(t, a, key, vertex.App, honest.encode()),
		"wrong proof":          outside(t, a, key, vertex.Control, forged.encode()),
		"another's join":       outside(t, a, key, vertex.Control, mine.encode()),
		"no key":               vertex.Seal(garbled, []byte("a body that nothing opens, of some length"), key),
	} {
		got, err := a.Receive("peer", []vertex.Item{it}, noon)
		if err != nil || got.Results[0].Outcome != "parked" || got.Results[0].Reason != "writer" {
			t.Errorf("%s: %+v %v", name, got.Results, err)
		}
	}
	got, err := a.Receive("peer", []vertex.Item{outside(t, a, key, vertex.Control, honest.encode())}, noon)
	if err != nil || got.Results[0].Outcome != "new" {
		t.Errorf("a true join: %+v %v", got.Results, err)
	}
	if n := len(a.Members()); n != 2 {
		t.Errorf("%d members", n)
	}
}

// TestForkIsAnswered: whoever first sees two branches names both in one receipt, once.
func TestForkIsAnswered(t *testing.T) {
	eb := store.NewMemory()
	a, _ := home(t, store.NewMemory()).Create("room", noon)
	b, _ := home(t, eb).Join(a.Invite(time.Time{}, nil), "", noon)
	merge(t, a, b)
	merge(t, b, a)
	one, err := b.Send("one", noon)
	if err != nil {
		t.Fatal(err)
	}
	v := one.Vertex
	v.HLC++
	body, err := b.keys.Seal(place(&v), (&message{Text: "two"}).encode(), b.home.cfg.Rand)
	if err != nil {
		t.Fatal(err)
	}
	two := vertex.Seal(v, body, b.author())
	if got, err := a.Receive("peer", []vertex.Item{one, two}, noon); err != nil || len(got.Forks) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	heads := a.Log().Heads()
	if len(heads) != 1 {
		t.Fatalf("%d heads: nothing names both", len(heads))
	}
	m, _ := a.Log().Find(heads[0])
	it, err := a.Log().Item(m.Arrival)
	if err != nil || it.Kind != vertex.Receipt || len(it.Parents) != 2 || it.Author != a.Pseudonym() {
		t.Errorf("%+v %v", it.Vertex, err)
	}
	if _, err := a.Receive("peer", []vertex.Item{one, two}, noon); err != nil || a.Log().Heads()[0] != heads[0] {
		t.Errorf("answered twice: %v", err)
	}
	if len(texts(t, a)) != 2 {
		t.Errorf("reads %q", texts(t, a))
	}
}

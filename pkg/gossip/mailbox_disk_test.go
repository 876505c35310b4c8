package gossip

import (
	"bytes"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/store"
)

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

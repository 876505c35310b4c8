package gossip

import (
	"bytes"
	"crypto/rand"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
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

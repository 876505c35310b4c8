package gossip

import (
	"io"

	"github.com/pars-network/pars/pkg/envelope"
)

// Held returns the set of ids of a range, those of deleted letters among them: neither is to be handed over.
func (m *Mailbox) Held(r Range) Have {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []envelope.ID
	for id := range m.letters {
		if r.Holds(id) {
			ids = append(ids, id)
		}
	}
	for id := range m.tombs {
		if r.Holds(id) {
			ids = append(ids, id)
		}
	}
	var key [16]byte
	io.ReadFull(m.Rand, key[:]) // a known key lets one choose ids that collide, and they are his own
	return NewHave(ids, key)
}

// Spread returns what another courier should carry too: half of the copies of each letter that has more than
// one left and that the other does not hold. A letter with one copy waits for its recipient alone.
func (m *Mailbox) Spread(other Have, now int64) []Put {
	m.mu.Lock()
	var list []*letter
	for id, l := range m.letters {
		if l.copies > 1 && l.hops < maxHops && !l.busy && !l.due(now) && !other.Has(id) {
			list = append(list, l)
		}
	}
	m.mu.Unlock()
	var out []Put
	for _, l := range list {
		if env, err := m.read(l); err == nil {
			out = append(out, Put{l.copies / 2, l.hops + 1, l.hash, env})
		}
	}
	return out
}

// Shared takes the copies away that another courier has taken.
func (m *Mailbox) Shared(p Put) error {
	m.mu.Lock()
	l := m.letters[envelope.EnvelopeID(p.Envelope)]
	if l == nil || l.copies <= p.Copies {
		m.mu.Unlock()
		return nil
	}
	l.copies -= p.Copies
	m.mu.Unlock()
	return m.rewrite(l, p.Envelope)
}

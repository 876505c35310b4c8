package gossip

import (
	"time"

	"github.com/pars-network/pars/pkg/envelope"
)

// judge decides on an envelope heard in a topic, and takes it when it is good.
func (n *Node) judge(topic uint8, from PeerID, b []byte) (Verdict, Cause) {
	now := n.Now()
	o, v, cause := n.Rules.Check(b, now.Unix())
	if v != Accept {
		return v, cause
	}
	id := envelope.EnvelopeID(b)
	mine := n.Mine != nil && n.Mine(o.Tag)
	if n.Policy != nil && string(from) != n.self() {
		t, stake := n.trust(from)
		v, cause = n.Policy.Decide(Candidate{ID: id, Op: OpForward, Topic: topic, Size: len(b), Expiry: n.Rules.Expires(o.Expiry, now.Unix()),
			From: from.Name(), Contact: t == Contact, Stake: stake, StampBits: n.Rules.StampBits, Body: b})
		if v != Accept {
			return v, cause
		}
	}
	first, fresh := n.note(id, topic, len(b), mine)
	switch {
	case !fresh:
		return Ignore, Known
	case !first || n.Deliver == nil || !mine && !n.All || string(from) == n.self():
		return Accept, ""
	}
	if !n.heard.put(Heard{Envelope: b, ID: id, Outer: o, Topic: topic, From: from, At: now, Mine: mine}) {
		return Ignore, Full
	}
	return Accept, ""
}

// note remembers an envelope and reports whether it is the first of its content, and whether this topic had it
// not yet. The memory is by topic too: who publishes an envelope in a wrong topic must not silence the right one.
func (n *Node) note(id envelope.ID, topic uint8, size int, mine bool) (first, fresh bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.passed.Add(placed{id, topic}) {
		return false, false
	}
	if first = n.seen.Add(id); first {
		n.count.Delivered++
		n.count.Payload += uint64(size)
		if mine {
			n.count.Mine++
		}
	}
	return first, true
}

// placed is an envelope in a topic.
type placed struct {
	id    envelope.ID
	topic uint8
}

func (n *Node) refuse(c Cause) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count.Refused[c]++
}

// Metrics returns the counters.
func (n *Node) Metrics() Metrics {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.count
	m.Refused = map[Cause]uint64{}
	for c, v := range n.count.Refused {
		m.Refused[c] = v
	}
	m.Latency = n.latency.Quantiles()
	m.Queued, m.Debt = len(n.out), int64(n.budget.Debt(n.Now()))
	if n.mode.BytesPerHour == 0 {
		m.Debt = 0
	}
	if n.Mail != nil {
		m.Stored, m.MailBytes, m.MailAge = n.Mail.Usage(n.Now().Unix())
	}
	return m
}

// Took notes how long a delivery took, and of how many that are due: told by who reads receipts.
func (n *Node) Took(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.latency.Add(d)
	n.count.Due++
}

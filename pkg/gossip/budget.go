package gossip

import "time"

// Bucket is a token bucket over bytes or events. The zero value lets nothing pass; it is told the time.
type Bucket struct {
	Rate  float64 // a second
	Burst float64
	have  float64
	at    time.Time
}

// Take takes n when that much is there.
func (b *Bucket) Take(n float64, now time.Time) bool {
	b.fill(now)
	if b.have < n {
		return false
	}
	b.have -= n
	return true
}

// Spend takes n even where it is not there; what is owed comes back first.
func (b *Bucket) Spend(n float64, now time.Time) {
	b.fill(now)
	b.have -= n
}

// Wait returns how long Take(n) will fail. What never fits is let through when the bucket is full.
func (b *Bucket) Wait(n float64, now time.Time) time.Duration {
	b.fill(now)
	if b.have >= min(n, b.Burst) && b.Burst > 0 {
		return 0
	}
	if b.Rate <= 0 {
		return 1<<63 - 1
	}
	n = min(n, b.Burst)
	return time.Duration((n - b.have) / b.Rate * float64(time.Second))
}

// Debt returns what is owed.
func (b *Bucket) Debt(now time.Time) float64 {
	b.fill(now)
	return max(0, -b.have)
}

func (b *Bucket) fill(now time.Time) {
	if b.at.IsZero() {
		b.have = b.Burst
	} else {
		b.have = min(b.Burst, b.have+max(0, now.Sub(b.at).Seconds())*b.Rate)
	}
	b.at = now
}

// What one stranger may send to the overlay, a second and at once. It is more than a stranger's sync may cost: a
// neighbour passes on what others wrote. Contacts have ten times as much.
const (
	peerBytes, peerBytesBurst   = 1 << 20, 8 << 20
	peerFrames, peerFramesBurst = 250, 2000
	strangers                   = 20000 // stamps checked a second, all strangers together: a few per cent of a core
	contactShare                = 10
	maxPeers                    = 4096
)

// Quota counts what each peer sends, bytes and messages, before anything is hashed. The zero value is ready.
type Quota struct {
	peers map[PeerID]*allowance
	all   Bucket
}

type allowance struct{ bytes, frames Bucket }

// Allow takes one hand-over of so many messages and bytes from what p may still send.
func (q *Quota) Allow(p PeerID, messages, bytes int, contact bool, now time.Time) bool {
	if q.peers == nil {
		q.peers = map[PeerID]*allowance{}
		q.all = Bucket{Rate: strangers, Burst: 2 * strangers}
	}
	a := q.peers[p]
	if a == nil {
		if len(q.peers) >= maxPeers {
			q.forget()
		}
		share := 1.0
		if contact {
			share = contactShare
		}
		a = &allowance{Bucket{Rate: peerBytes * share, Burst: peerBytesBurst * share}, Bucket{Rate: peerFrames * share, Burst: peerFramesBurst * share}}
		q.peers[p] = a
	}
	if !a.bytes.Take(float64(bytes), now) || !a.frames.Take(float64(messages), now) {
		return false
	}
	return contact || q.all.Take(float64(messages), now)
}

// forget drops the one that was silent longest.
func (q *Quota) forget() {
	var oldest PeerID
	var at time.Time
	for p, a := range q.peers {
		if at.IsZero() || a.frames.at.Before(at) {
			oldest, at = p, a.frames.at
		}
	}
	delete(q.peers, oldest)
}

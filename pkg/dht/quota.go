package dht

import "time"

// Quotas of one stranger. A contact has ten times as much.
const (
	putsPerHour  = 60
	getsPerHour  = 600
	bytesPerSec  = 20 << 10
	burstBytes   = 256 << 10
	contactShare = 10
	maxQuotas    = 4096
	allPerSec    = 2000 // of all strangers together: a signature costs 42 µs
)

// Quota counts what each peer asks for. It is told the time; the zero value is ready.
type Quota struct {
	peers map[PeerID]*allowance
	all   float64 // requests that strangers may still send
	at    time.Time
}

type allowance struct {
	puts, gets, bytes float64
	at                time.Time
}

func (a *allowance) refill(now time.Time, share float64) {
	d := max(0, now.Sub(a.at).Seconds())
	a.puts = min(putsPerHour*share, a.puts+d*putsPerHour*share/3600)
	a.gets = min(getsPerHour*share, a.gets+d*getsPerHour*share/3600)
	a.bytes = min(burstBytes*share, a.bytes+d*bytesPerSec*share)
	a.at = now
}

// Allow takes one request of size bytes from what p may still ask. Of more peers than it keeps count of, the one that
// was silent longest is forgotten.
func (q *Quota) Allow(p PeerID, put bool, size int, contact bool, now time.Time) bool {
	share := 1.0
	if contact {
		share = contactShare
	} else if !q.shared(now) {
		return false
	}
	if q.peers == nil {
		q.peers = map[PeerID]*allowance{}
	}
	a := q.peers[p]
	if a == nil {
		if len(q.peers) >= maxQuotas {
			q.forget()
		}
		a = &allowance{putsPerHour * share, getsPerHour * share, burstBytes * share, now}
		q.peers[p] = a
	}
	a.refill(now, share)
	left := &a.gets
	if put {
		left = &a.puts
	}
	if *left < 1 || a.bytes < float64(size) {
		return false
	}
	*left--
	a.bytes -= float64(size)
	return true
}

// shared takes one request from what all strangers may send together.
func (q *Quota) shared(now time.Time) bool {
	if q.at.IsZero() {
		q.all = allPerSec
	} else {
		q.all = min(allPerSec, q.all+max(0, now.Sub(q.at).Seconds())*allPerSec)
	}
	q.at = now
	if q.all < 1 {
		return false
	}
	q.all--
	return true
}

func (q *Quota) forget() {
	var oldest PeerID
	var at time.Time
	for p, a := range q.peers {
		if oldest == "" || a.at.Before(at) {
			oldest, at = p, a.at
		}
	}
	delete(q.peers, oldest)
}

package gossip

import (
	"github.com/pars-network/pars/pkg/envelope"
)

// Verdict is what becomes of an envelope on its way.
type Verdict uint8

// Verdicts. Reject fines whoever handed the envelope over, squared: it stands only for what every honest
// carrier sees too. An envelope is opaque, and honest carriers pass junk on.
const (
	Accept Verdict = iota
	Ignore
	Reject
)

// String names the verdict as a policy program does.
func (v Verdict) String() string { return [...]string{"accept", "ignore", "reject"}[v] }

// Cause says why an envelope was not accepted, as counters do.
type Cause string

// Causes.
const (
	BadForm    Cause = "form"    // version, class, length, reserved bytes
	BadStamp   Cause = "stamp"   // too little work
	Expired    Cause = "expired" // or further ahead than any honest sender puts it
	OverQuota  Cause = "quota"
	Full       Cause = "full"   // queue or store
	Known      Cause = "known"  // seen before the router's own memory began
	ByPolicy   Cause = "policy" // of the operator
	PolicyLate Cause = "policy-late"
	WrongTopic Cause = "topic"
	NotAsked   Cause = "mode" // the mode forbids carrying for strangers
)

const (
	hour     = 3600
	lifeTime = 14 * 24 // hours an envelope lives at most
	skew     = 48      // hours that a sender's clock may be ahead
)

// Rules are what every carrier of a network checks. The zero value is a network without stamps.
type Rules struct {
	NetID     [32]byte
	Genesis   int64 // unix seconds
	StampBits int
}

// hours returns the hours since genesis modulo 65,536, as they stand in an envelope.
func (r Rules) hours(now int64) uint16 { return uint16((now - r.Genesis) / hour) }

// ExpiryIn returns the expiry field of an envelope that is to live so many hours from now, at most 14 days.
func (r Rules) ExpiryIn(now int64, hours int) uint16 {
	return r.hours(now) + uint16(min(max(hours, 1), lifeTime))
}

// Left returns how many hours an envelope has still to live, negative when it is over.
func (r Rules) Left(expiry uint16, now int64) int { return int(int16(expiry - r.hours(now))) }

// Expires returns the unix time at which an envelope that came at now is dropped. An expiry that only a wrong
// clock explains, by more than two days, is read as 14 days from now.
func (r Rules) Expires(expiry uint16, now int64) int64 {
	left := r.Left(expiry, now)
	if left > lifeTime+skew || left < -skew {
		left = lifeTime
	}
	return now + int64(left)*hour
}

// Check reads the outer header of an envelope that a stranger hands over and returns what to do with it. Its
// cost is one hash.
func (r Rules) Check(b []byte, now int64) (envelope.Outer, Verdict, Cause) {
	o, err := envelope.DecodeOuter(b)
	if err != nil {
		return o, Reject, BadForm
	}
	if !envelope.Stamped(r.NetID, b, r.StampBits) {
		return o, Reject, BadStamp
	}
	if left := r.Left(o.Expiry, now); left <= 0 || left > lifeTime+skew {
		return o, Ignore, Expired
	}
	return o, Accept, ""
}

// Stamp does the work that an envelope must show, trying from start on, which is drawn at random: all those that counted
// from 0 would look alike. stop is asked now and then.
func (r Rules) Stamp(b []byte, start uint64, stop func() bool) bool {
	return envelope.Stamp(r.NetID, b, r.StampBits, start, stop)
}

// Package peerbook keeps the addresses of peers and says whom to call, whom to keep and when to doubt what
// one sees, so that who can speak a lot is not the only one heard.
//
// Book is pure: it is told time and randomness. Addresses that were only heard of lie in the table new,
// those that answered in the table tried. A secret decides where, so that nobody else can aim at a place;
// where an entry of tried stands, the old one is tested before it makes room. Contacts, friends, anchors
// and whom a person named stand outside: no number of strangers moves them. Outbound slots are given by
// class, and Alarm tells when all that one sees may come from one hand. The design follows bitcoin's addrman.
package peerbook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// ID is a binary peer id.
type ID string

// Class says why a peer is known, those one has most reason to trust first.
type Class uint8

// Classes of peers.
const (
	Contact Class = iota // proved to share a session, or showed a verified card
	Named                // by a person: a flag, an invite
	Friend               // known to a contact
	Anchor               // was good for an hour before the last end
	Cached               // answered before
	DHT                  // heard of in the hash table
	Listed               // by DNS or a list
	LAN                  // heard on the local network
)

// kept reports whether peers of a class stand outside the tables.
func (c Class) kept() bool { return c <= Friend }

// Source is who told of a peer: for a list its name, for the hash table the peer that answered. Group is
// the group of its address, or its name again.
type Source struct {
	Class Class // DHT or Listed
	Name  string
	Group Group
}

// Limits of one entry.
const (
	maxID    = 64
	maxAddrs = 4
	maxAddr  = 128
	maxName  = 64
	maxKept  = 4096
)

// Rules of how long an entry is kept.
const (
	failsMost  = 10
	failsIn    = 7 * 24 * time.Hour
	unseenMost = 30 * 24 * time.Hour
	keepLast   = 32
	anchors    = 8
	anchorLife = time.Hour
)

// Rate at which one source may tell.
const (
	rateEvery = 10 * time.Second
	rateBurst = 1000
	maxRates  = 1024
)

// Entry is one peer.
type Entry struct {
	ID     ID
	Addrs  [][]byte // binary multiaddrs
	Class  Class    // Cached once it answered, for those of the tables
	Source Source   // who told first
	Anchor bool     // was good for an hour before the last end; set by Decode
	First  time.Time
	Heard  time.Time
	Seen   time.Time // when it last answered
	Call   time.Time // when it was last called
	Fails  int       // since Seen, and since From
	From   time.Time // of the first of these
	Life   time.Duration
	place  int // in its table, -1 for none
}

// Book holds entries. Make one with New or Decode. Not safe for concurrent use.
type Book struct {
	secret [32]byte
	phone  bool
	asn    ASN
	rand   func(n int) int

	entries map[ID]*Entry
	outside map[ID]*Entry // of these, those that stand in no table
	fresh   table
	tried   table
	tests   map[ID]ID // whose place somebody waits for
	rates   map[string]*rate
	feeler  time.Time
	warm    time.Time // until then nobody is used who was only heard of
}

type rate struct {
	level float64
	last  time.Time
}

// table is buckets of places; a place holds an ID or "".
type table struct {
	buckets int
	slots   []ID
}

const bucketSize = 64

// New returns an empty book. Phone makes it a quarter as large. rand returns a number in [0,n); asn may be nil.
func New(secret [32]byte, phone bool, asn ASN, rand func(n int) int) *Book {
	fresh, tried := 256, 64
	if phone {
		fresh, tried = 64, 16
	}
	return &Book{secret: secret, phone: phone, asn: asn, rand: rand, entries: map[ID]*Entry{}, outside: map[ID]*Entry{}, tests: map[ID]ID{}, rates: map[string]*rate{},
		fresh: table{fresh, make([]ID, fresh*bucketSize)}, tried: table{tried, make([]ID, tried*bucketSize)}}
}

// hash is a number that only the holder of the secret can foretell.
func (b *Book) hash(parts ...string) uint64 {
	m := hmac.New(sha256.New, b.secret[:])
	m.Write([]byte(wire.LabelPeerbook))
	for _, p := range parts {
		m.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		m.Write([]byte(p))
	}
	return binary.BigEndian.Uint64(m.Sum(nil))
}

// freshPlace is where an entry of new stands. One source reaches an eighth of the buckets at most.
func (b *Book) freshPlace(e *Entry) int {
	source, n := string(e.Source.Group), uint64(b.fresh.buckets)
	part := b.hash("part", source, string(b.group(e))) % (n / 8)
	bucket := b.hash("new", source, string(binary.BigEndian.AppendUint64(nil, part))) % n
	return int(bucket*bucketSize + b.hash("place", "new", string(e.ID))%bucketSize)
}

// triedPlace is where an entry of tried stands. One group has one bucket.
func (b *Book) triedPlace(e *Entry) int {
	bucket := b.hash("tried", string(b.group(e))) % uint64(b.tried.buckets)
	return int(bucket*bucketSize + b.hash("place", "tried", string(e.ID))%bucketSize)
}

// group is that of the first address.
func (b *Book) group(e *Entry) Group {
	if len(e.Addrs) == 0 {
		return groupNone
	}
	return GroupOf(e.Addrs[0], b.asn)
}

// Len returns how many peers are known.
func (b *Book) Len() int { return len(b.entries) }

// Get returns a copy of an entry.
func (b *Book) Get(id ID) (Entry, bool) {
	e := b.entries[id]
	if e == nil {
		return Entry{}, false
	}
	return *e, true
}

// Group returns the group of an address by this book's table of networks.
func (b *Book) Group(addr []byte) Group { return GroupOf(addr, b.asn) }

// clean drops addresses that are too long or too many.
func clean(addrs [][]byte) (out [][]byte) {
	for _, a := range addrs {
		if len(a) > 0 && len(a) <= maxAddr && len(out) < maxAddrs {
			out = append(out, slices.Clone(a))
		}
	}
	return out
}

// allowed charges a source for one word.
func (b *Book) allowed(name string, now time.Time) bool {
	r := b.rates[name]
	if r == nil {
		b.forgetRates(now)
		if len(b.rates) >= maxRates {
			return false
		}
		r = &rate{last: now}
		b.rates[name] = r
	}
	r.level = max(0, r.level-max(0, now.Sub(r.last).Seconds())/rateEvery.Seconds())
	r.last = now
	if r.level+1 > rateBurst {
		return false
	}
	r.level++
	return true
}

// forgetRates drops sources that may say anything again.
func (b *Book) forgetRates(now time.Time) {
	for name, r := range b.rates {
		if len(b.rates) >= maxRates && r.level <= now.Sub(r.last).Seconds()/rateEvery.Seconds() {
			delete(b.rates, name)
		}
	}
}

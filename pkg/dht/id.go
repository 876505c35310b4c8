package dht

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"github.com/pars-network/pars/pkg/wire"
)

// ID is a place in the key space: of a node the SHA-256 of its peer id's bytes, of a key the SHA-256 of the key.
type ID [32]byte

// PeerID is the binary libp2p peer id of a node.
type PeerID string

// NodeID returns the place of a node.
func NodeID(p PeerID) ID { return sha256.Sum256([]byte(p)) }

func (i ID) String() string { return hex.EncodeToString(i[:]) }

// Distance is the XOR of two places.
func (i ID) Distance(o ID) (d ID) {
	for n := range d {
		d[n] = i[n] ^ o[n]
	}
	return d
}

// Less reports which of two distances is smaller.
func (i ID) Less(o ID) bool { return bytes.Compare(i[:], o[:]) < 0 }

// LeadingZeros of a distance is the length of the prefix that two places share.
func (i ID) LeadingZeros() int {
	for n, b := range i {
		if b != 0 {
			return 8*n + bits.LeadingZeros8(b)
		}
	}
	return 8 * len(i)
}

// fraction returns the distance as a share of the key space, 0 to 1, to 64 bits.
func (i ID) fraction() float64 { return float64(binary.BigEndian.Uint64(i[:8])) / (1 << 64) }

// span returns the distance that is the given share of the key space; all of it from 1 on.
func span(share float64) (d ID) {
	for n := range d {
		d[n] = 0xff
	}
	if share < 1 {
		binary.BigEndian.PutUint64(d[:], uint64(max(share, 0)*(1<<64)))
	}
	return d
}

// Near returns bytes whose hash stands near a place, sharing about its first 18 bits: a request carries what is hashed,
// so that one cannot ask for a place itself.
func Near(at ID) []byte {
	var best []byte
	var least ID
	for n := range uint64(1 << 18) {
		b := binary.BigEndian.AppendUint64(at[:], n)
		if d := ID(sha256.Sum256(b)).Distance(at); best == nil || d.Less(least) {
			best, least = b, d
		}
	}
	return best
}

const keyPrefix = "/pars/"

// Key names a record: "/pars/" and 32 bytes that follow from the day's key.
type Key [32]byte

// Bytes returns the 38 bytes that go over the wire.
func (k Key) Bytes() []byte { return append([]byte(keyPrefix), k[:]...) }

// ID is the place of the record.
func (k Key) ID() ID { return sha256.Sum256(k.Bytes()) }

func (k Key) String() string { return hex.EncodeToString(k[:]) }

// DecodeKey reads the 38 bytes of a key.
func DecodeKey(b []byte) (k Key, err error) {
	if len(b) != len(keyPrefix)+len(k) || string(b[:len(keyPrefix)]) != keyPrefix {
		return k, wire.Invalid("key of a record is 38 bytes that begin with %s", keyPrefix)
	}
	copy(k[:], b[len(keyPrefix):])
	return k, nil
}

package dht

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Role is what a server does for strangers: relay, seeder, courier, bootstrap, or evm-full, evm-archive, evm-tx
// with a colon and the number of a chain.
type Role string

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	switch s {
	case "relay", "seeder", "courier", "bootstrap":
		return Role(s), nil
	}
	for _, kind := range []string{"evm-full:", "evm-archive:", "evm-tx:"} {
		if chain, ok := strings.CutPrefix(s, kind); ok {
			n, err := strconv.ParseUint(chain, 10, 64)
			if err == nil && n > 0 && strconv.FormatUint(n, 10) == chain {
				return Role(s), nil
			}
		}
	}
	return "", wire.Invalid("role %q is none of relay, seeder, courier, bootstrap, evm-full:CHAIN, evm-archive:CHAIN, evm-tx:CHAIN", s)
}

// Roles returns every role that a network with the chain knows. Providers of others are refused.
func Roles(chain uint64) []Role {
	id := strconv.FormatUint(chain, 10)
	return []Role{"relay", "seeder", "courier", "bootstrap", Role("evm-full:" + id), Role("evm-archive:" + id), Role("evm-tx:" + id)}
}

// Shards is how many keys a role has, so that no twenty nodes hold its whole directory.
const Shards = 16

// Shard is the one on which a server with that node id provides.
func Shard(id ID) uint8 { return id[0] & (Shards - 1) }

// RoleKey returns the multihash under which servers of a role and shard are found.
func RoleKey(netid [32]byte, role Role, shard uint8) []byte {
	h := sha256.New()
	h.Write([]byte(wire.LabelRoleKey))
	h.Write(netid[:])
	h.Write([]byte(role))
	h.Write([]byte{shard})
	return h.Sum([]byte{0x12, 32}) // sha2-256
}

// MaxCard is the largest role card in bytes.
const MaxCard = 4 << 10

const maxCardLife = 7 * day

// Card is what a server says of itself, signed by its node key.
type Card struct {
	Role     Role
	Peer     PeerID
	Addrs    [][]byte
	Chain    *ChainCard // of the evm roles only
	NotAfter uint64
	Stake    []byte // a proof, or nothing
}

// ChainCard says which chain a server knows and how far.
type ChainCard struct {
	ID      uint64
	Genesis [32]byte
	Head    uint64
	Oldest  uint64 // oldest state it can prove
}

func (c *Card) body() []byte {
	n := 5
	if c.Chain != nil {
		n++
	}
	if c.Stake != nil {
		n++
	}
	b := wire.AppendUint(wire.AppendMap(nil, n), 0)
	b = wire.AppendUint(wire.AppendUint(b, 1), 1)
	b = wire.AppendUint(wire.AppendText(b, string(c.Role)), 2)
	b = wire.AppendUint(wire.AppendBytes(b, []byte(c.Peer)), 3)
	b = wire.AppendArray(b, len(c.Addrs))
	for _, a := range c.Addrs {
		b = wire.AppendBytes(b, a)
	}
	if c.Chain != nil {
		b = wire.AppendArray(wire.AppendUint(b, 4), 4)
		b = wire.AppendBytes(wire.AppendUint(b, c.Chain.ID), c.Chain.Genesis[:])
		b = wire.AppendUint(wire.AppendUint(b, c.Chain.Head), c.Chain.Oldest)
	}
	b = wire.AppendUint(wire.AppendUint(b, 5), c.NotAfter)
	if c.Stake != nil {
		b = wire.AppendBytes(wire.AppendUint(b, 6), c.Stake)
	}
	return b
}

// peerKey returns the Ed25519 key that a peer id of such a node spells out.
func peerKey(p PeerID) (pub sig.Public, ok bool) {
	const head = "\x00\x24\x08\x01\x12\x20" // identity multihash of a protobuf: type Ed25519, 32 bytes
	if len(p) != len(head)+len(pub) || string(p[:len(head)]) != head {
		return pub, false
	}
	copy(pub[:], p[len(head):])
	return pub, pub.Canonical()
}

// PeerOf returns the peer id of a node with that key.
func PeerOf(pub sig.Public) PeerID { return PeerID("\x00\x24\x08\x01\x12\x20" + string(pub[:])) }

func cardSigned(netid [32]byte, body []byte) []byte {
	return append(append([]byte{}, netid[:]...), body...)
}

// Seal signs the card for a network with the node key, whose peer id the card must name.
func (c *Card) Seal(netid [32]byte, key sig.Private) ([]byte, error) {
	body := c.body()
	s := key.Sign(wire.LabelRoleCard, cardSigned(netid, body))
	b := append(body, s[:]...)
	if _, err := DecodeCard(b, netid, int64(c.NotAfter)-1); err != nil {
		return nil, fmt.Errorf("role card: %w", err)
	}
	return b, nil
}

// DecodeCard reads a card and checks, at a unix time, that the node it names has signed it for the network.
func DecodeCard(b []byte, netid [32]byte, now int64) (c Card, err error) {
	if len(b) > MaxCard || len(b) < len(sig.Signature{}) {
		return c, wire.Invalid("role card of %d bytes", len(b))
	}
	body := b[:len(b)-len(sig.Signature{})]
	if c, err = decodeCardBody(body); err != nil {
		return Card{}, err
	}
	switch pub, ok := peerKey(c.Peer); {
	case !ok:
		return Card{}, wire.Invalid("role card of a node whose key is not Ed25519")
	case now < 0 || uint64(now) >= c.NotAfter || c.NotAfter > uint64(now)+maxCardLife:
		return Card{}, fmt.Errorf("role card: %w", ErrExpired)
	case !sig.Verify(pub, wire.LabelRoleCard, cardSigned(netid, body), sig.Signature(b[len(body):])):
		return Card{}, fmt.Errorf("role card's signature: %w", sig.ErrVerify)
	}
	return c, nil
}

func decodeCardBody(b []byte) (c Card, err error) {
	d := wire.NewDecoder(b)
	var seen uint
	for m := d.Map(7); m.Next(); {
		seen |= 1 << min(m.Key, 31)
		switch m.Key {
		case 0:
			if d.Uint(1) != 1 {
				d.Fail(wire.Invalid("role card of version 0"))
			}
		case 1:
			role, err := ParseRole(d.Text(64))
			if err != nil {
				d.Fail(err)
			}
			c.Role = role
		case 2:
			c.Peer = PeerID(d.Bytes(1, maxPeerID))
		case 3:
			for range d.Array(maxAddrs) {
				c.Addrs = append(c.Addrs, d.Bytes(1, maxAddr))
			}
		case 4:
			c.Chain = decodeChain(d)
		case 5:
			c.NotAfter = d.Uint(1 << 62)
		case 6:
			c.Stake = d.Bytes(1, MaxCard)
		default:
			m.Unknown()
		}
	}
	if _, chain, evm := strings.Cut(string(c.Role), ":"); d.Err() == nil {
		switch {
		case seen&0b101111 != 0b101111 || evm != (c.Chain != nil):
			d.Fail(wire.Invalid("role card with missing or idle fields"))
		case evm && strconv.FormatUint(c.Chain.ID, 10) != chain:
			d.Fail(wire.Invalid("role card of one chain for another"))
		}
	}
	return c, d.End()
}

func decodeChain(d *wire.Decoder) *ChainCard {
	if n := d.Array(4); n != 4 {
		d.Fail(wire.Invalid("%d chain parameters", n))
	}
	c := &ChainCard{ID: d.Uint(1<<64 - 1)}
	d.Fixed(c.Genesis[:])
	c.Head, c.Oldest = d.Uint(1<<64-1), d.Uint(1<<64-1)
	return c
}

package dht

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxAddrs  = 8
	maxAddr   = 128
	maxPeerID = 64
	maxRoads  = 8
	maxRelays = 2
	plainSize = offSig - offSealed - chacha20poly1305.Overhead
)

// Place is what a record of kind Presence tells the members of its session.
type Place struct {
	Peer   PeerID
	Addrs  [][]byte         // binary multiaddrs
	Roads  map[uint8][]byte // parameters of roads that need some
	State  uint8            // 0 to 5, what the network at this place is like
	Heads  [8]byte          // beginning of the heads digest: equal, nothing is missed
	Relays []PeerID
	Roles  uint64
}

// Group is what the members of a session have in common: the network, and the rendezvous secret R.
type Group struct {
	NetID  [32]byte
	Secret [32]byte
}

// Epoch returns the session's own day number. It turns at a moment that follows from the secret.
func (g Group) Epoch(unix int64) uint32 { return (&envelope.Keys{Rdv: g.Secret}).Day(unix) }

// blindSecret is s of A.2: one for each kind, so that one device's kinds share no key.
func (g Group) blindSecret(kind Kind) []byte {
	s := envelope.MAC(g.Secret[:], []byte(wire.LabelBlind), []byte{byte(kind)})
	return s[:]
}

// Public returns the key of the day epoch under which the owner of a writes records of kind.
func (g Group) Public(a sig.Public, kind Kind, epoch uint32) (sig.Public, error) {
	return blindPublic(a, g.blindSecret(kind), uint64(epoch))
}

// Key returns where such records are found. It refuses an a that would lead two members to two places.
func (g Group) Key(a sig.Public, kind Kind, epoch uint32) (Key, error) {
	p, err := g.Public(a, kind, epoch)
	if err != nil {
		return Key{}, err
	}
	return KeyFor(g.NetID, kind, p), nil
}

func (g Group) sealKey(a sig.Public, epoch uint32) ([]byte, error) {
	info := append(binary.BigEndian.AppendUint32([]byte(wire.LabelPresence), epoch), a[:]...)
	return hkdf.Key(sha256.New, g.Secret[:], g.NetID[:], string(info), chacha20poly1305.KeySize)
}

// Draft is a record before it is sealed. Seq must be greater than that of any record of the device before it, and
// at least the unix time: the caller keeps it on disk before it sends.
type Draft struct {
	Kind     Kind
	Epoch    uint32
	Seq      uint64
	NotAfter uint64
	Place    Place
}

// NextSeq returns the sequence number that follows last. It is no count of seconds since the day began: with
// NotAfter that would tell when the session's day turns, one number for all its records.
func NextSeq(last uint64, unix int64) uint64 { return max(last+1, uint64(max(0, unix))) }

// Seal makes the record of d by the device whose rendezvous pair has the seed, and the key it stands under.
func (g Group) Seal(seed [32]byte, d Draft, rnd io.Reader) (Key, []byte, error) {
	plain, err := d.Place.plain()
	if err != nil {
		return Key{}, nil, err
	}
	a := sig.FromSeed(seed).Public()
	signer, err := blindPrivate(expand(seed), a, g.blindSecret(d.Kind), uint64(d.Epoch))
	if err != nil {
		return Key{}, nil, err
	}
	b := append(make([]byte, 0, RecordSize), recordVersion, suiteEd25519, byte(d.Kind), 0)
	b = append(b, signer.public[:]...)
	b = binary.BigEndian.AppendUint32(b, d.Epoch)
	b = binary.BigEndian.AppendUint64(b, d.Seq)
	b = binary.BigEndian.AppendUint64(b, d.NotAfter)
	b = b[:offSealed]
	if _, err := io.ReadFull(rnd, b[offNonce:]); err != nil {
		return Key{}, nil, fmt.Errorf("read randomness: %w", err)
	}
	key, err := g.sealKey(a, d.Epoch)
	if err != nil {
		return Key{}, nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return Key{}, nil, err
	}
	b = aead.Seal(b, b[offNonce:offSealed], plain, b[:offSealed])
	s, err := signer.sign(wire.LabelRecSig, Validator{g.NetID}.signed(b[:offSig]), rnd)
	if err != nil {
		return Key{}, nil, err
	}
	return KeyFor(g.NetID, d.Kind, signer.public), append(b, s[:]...), nil
}

// Open reads a record that Validator has let pass, as a member of the group who knows whose it is.
func (g Group) Open(a sig.Public, value []byte) (Record, Place, error) {
	r, err := DecodeRecord(value)
	if err != nil {
		return r, Place{}, err
	}
	key, err := g.sealKey(a, r.Epoch)
	if err != nil {
		return r, Place{}, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return r, Place{}, err
	}
	plain, err := aead.Open(nil, value[offNonce:offSealed], value[offSealed:offSig], value[:offSealed])
	if err != nil {
		return r, Place{}, fmt.Errorf("record's seal: %w", sig.ErrVerify)
	}
	p, err := DecodePlace(plain)
	return r, p, err
}

// plain pads the map of p to the one length that every record has.
func (p *Place) plain() ([]byte, error) {
	m := p.encode(make([]byte, 2, plainSize))
	if len(m) > plainSize {
		return nil, fmt.Errorf("place of %d bytes, a record holds %d", len(m)-2, plainSize-2)
	}
	binary.BigEndian.PutUint16(m, uint16(len(m)-2))
	m = append(m, make([]byte, plainSize-len(m))...)
	if _, err := DecodePlace(m); err != nil {
		return nil, fmt.Errorf("place cannot be told: %w", err)
	}
	return m, nil
}

func (p *Place) encode(b []byte) []byte {
	b = wire.AppendUint(wire.AppendMap(b, 7), 0)
	b = wire.AppendUint(wire.AppendBytes(b, []byte(p.Peer)), 1)
	b = wire.AppendArray(b, len(p.Addrs))
	for _, a := range p.Addrs {
		b = wire.AppendBytes(b, a)
	}
	b = wire.AppendMap(wire.AppendUint(b, 2), len(p.Roads))
	for road := range 256 {
		if v, ok := p.Roads[uint8(road)]; ok {
			b = wire.AppendBytes(wire.AppendUint(b, uint64(road)), v)
		}
	}
	b = wire.AppendUint(wire.AppendUint(b, 3), uint64(p.State))
	b = wire.AppendBytes(wire.AppendUint(b, 4), p.Heads[:])
	b = wire.AppendArray(wire.AppendUint(b, 5), len(p.Relays))
	for _, r := range p.Relays {
		b = wire.AppendBytes(b, []byte(r))
	}
	return wire.AppendUint(wire.AppendUint(b, 6), p.Roles)
}

// DecodePlace reads the opened content of a record: length, map, zeros.
func DecodePlace(b []byte) (p Place, err error) {
	if len(b) != plainSize {
		return p, wire.Invalid("content of %d bytes", len(b))
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > len(b)-2 {
		return p, wire.ErrShort
	}
	for _, c := range b[2+n:] {
		if c != 0 {
			return p, wire.Invalid("padding of a record")
		}
	}
	d := wire.NewDecoder(b[2 : 2+n])
	pairs := 0
	for m := d.Map(7); m.Next(); pairs++ {
		p.field(d, &m)
	}
	if d.Err() == nil && pairs != 7 {
		d.Fail(wire.Invalid("place with %d of 7 fields", pairs))
	}
	return p, d.End()
}

func (p *Place) field(d *wire.Decoder, m *wire.Map) {
	switch m.Key {
	case 0:
		p.Peer = PeerID(d.Bytes(1, maxPeerID))
	case 1:
		for range d.Array(maxAddrs) {
			p.Addrs = append(p.Addrs, d.Bytes(1, maxAddr))
		}
	case 2:
		roads := d.Map(maxRoads)
		for roads.Next() {
			if roads.Key > 255 {
				d.Fail(wire.Invalid("road %d", roads.Key))
				return
			}
			if p.Roads == nil {
				p.Roads = map[uint8][]byte{}
			}
			p.Roads[uint8(roads.Key)] = d.Bytes(0, plainSize)
		}
	case 3:
		p.State = uint8(d.Uint(5))
	case 4:
		d.Fixed(p.Heads[:])
	case 5:
		for range d.Array(maxRelays) {
			p.Relays = append(p.Relays, PeerID(d.Bytes(1, maxPeerID)))
		}
	case 6:
		p.Roles = d.Uint(1<<64 - 1)
	default:
		m.Unknown()
	}
}

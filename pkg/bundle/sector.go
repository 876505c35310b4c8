package bundle

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/wire"
)

// Layout of a sector: body ‖ mac[16] ‖ head[48].
const (
	SectorSize = 4096
	sectorBody = 4032 // a multiple of 64: the parity code demands it
	sectorMAC  = 16
	sectorHead = 48

	sectorVersion = 1
	parityBit     = 1 << 0
	lastBit       = 1 << 1 // of the last window
)

// sectorInfo is the head of a sector in clear. All but Index and Parity is the same in a whole window,
// so that one good sector tells it.
type sectorInfo struct {
	Version   uint8
	Kind      uint8
	Window    uint32
	Index     uint16
	Data      uint16   // data sectors of the window
	Parity    uint16   // parity sectors of the window
	Used      uint16   // bytes used in the window's last data sector
	Offset    uint64   // of the window in the body
	Prefix    uint8    // sectors of the prefix
	PrefixSum [16]byte // of the prefix: tells which copy of it is right
}

func (s *sectorInfo) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, s.Version, s.Kind), s.Window)
	for _, v := range []uint16{s.Index, s.Data, s.Parity, s.Used} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	b = binary.BigEndian.AppendUint64(b, s.Offset)
	b = append(append(b, s.Prefix), s.PrefixSum[:]...)
	return append(b, make([]byte, sectorHead-39)...)
}

// DecodeSectorHead reads the 48 bytes of a head in clear.
func DecodeSectorHead(b []byte) (sectorInfo, error) {
	var s sectorInfo
	if len(b) != sectorHead {
		return s, refuse(BadSize, "sector head of %d bytes", len(b))
	}
	r := wire.NewReader(b)
	s.Version, s.Kind, s.Window = r.Byte(), r.Byte(), r.Uint32()
	s.Index, s.Data, s.Parity, s.Used = r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16()
	s.Offset, s.Prefix = r.Uint64(), r.Byte()
	copy(s.PrefixSum[:], r.Take(16))
	for _, z := range r.Take(r.Len()) {
		if z != 0 {
			return s, refuse(BadCanonical, "sector head does not end in zeros")
		}
	}
	return s, s.check()
}

func (s *sectorInfo) check() error {
	total := int(s.Data) + int(s.Parity)
	switch {
	case s.Version != sectorVersion:
		return refuse(BadVersion, "sector %d", s.Version)
	case s.Kind > parityBit|lastBit:
		return refuse(BadCanonical, "sector of kind %d", s.Kind)
	case s.Data == 0 || s.Data > maxData || s.Parity > maxParity || total > maxWindow || int(s.Index) >= total:
		return refuse(BadSize, "sector %d of %d+%d", s.Index, s.Data, s.Parity)
	case (s.Kind&parityBit != 0) != (s.Index >= s.Data):
		return refuse(BadCanonical, "sector %d of %d+%d and kind %d", s.Index, s.Data, s.Parity, s.Kind)
	case s.Used > sectorBody || s.Used == 0 || s.Kind&lastBit == 0 && s.Used != sectorBody:
		return refuse(BadCanonical, "%d bytes used", s.Used)
	case s.Offset > maxFile || !validPrefix(int(s.Prefix)):
		return refuse(BadSize, "offset %d, prefix %d", s.Offset, s.Prefix)
	}
	return nil
}

// shape is what the sectors of a window share.
type shape struct {
	data, parity, used int
	offset             int64
	last               bool
	prefix             int
	sum                [16]byte
}

func (s *sectorInfo) shape() shape {
	return shape{int(s.Data), int(s.Parity), int(s.Used), int64(s.Offset), s.Kind&lastBit != 0, int(s.Prefix), s.PrefixSum}
}

func (p shape) info(window uint32, index int) sectorInfo {
	s := sectorInfo{Version: sectorVersion, Window: window, Index: uint16(index), Data: uint16(p.data), Parity: uint16(p.parity),
		Used: uint16(p.used), Offset: uint64(p.offset), Prefix: uint8(p.prefix), PrefixSum: p.sum}
	if index >= p.data {
		s.Kind |= parityBit
	}
	if p.last {
		s.Kind |= lastBit
	}
	return s
}

// sealer seals and opens sectors of one file. Each goroutine has its own.
type sealer struct {
	k      *fileKeys
	mac    hash.Hash
	aead   cipher.AEAD
	junk   []byte
	sum    [32]byte
	head   [sectorHead]byte
	nonce  [12]byte
	nonceX [24]byte
}

func newSealer(k *fileKeys) *sealer {
	s := &sealer{k: k, mac: hmac.New(sha256.New, k.sector[:]), junk: make([]byte, 0, sectorBody+16)}
	s.aead, _ = chacha20poly1305.New(k.stream[:]) // 32 bytes cannot be refused
	return s
}

// crypt XORs a body with ChaCha20 (RFC 8439) from block 1 on, its nonce six zeros ‖ window ‖ index. The AEAD's tag is
// thrown away: its code is several times faster than the bare cipher's.
func (s *sealer) crypt(body []byte, window uint32, index int) {
	if s.k.plain {
		return
	}
	binary.BigEndian.PutUint32(s.nonce[6:], window)
	binary.BigEndian.PutUint16(s.nonce[10:], uint16(index))
	copy(body, s.aead.Seal(s.junk[:0], s.nonce[:], body, nil))
}

// tag computes the mac of a sector from its head in clear and its body as stored.
func (s *sealer) tag(head, body []byte) []byte {
	s.mac.Reset()
	s.mac.Write([]byte(wire.LabelBundleMAC))
	s.mac.Write(head)
	s.mac.Write(body)
	return s.mac.Sum(s.sum[:0])[:sectorMAC]
}

// cover XORs a head with XChaCha20 under L, its nonce the mac ‖ 8 zeros.
func (s *sealer) cover(dst, head, mac []byte) {
	copy(s.nonceX[:], mac)
	c, err := chacha20.NewUnauthenticatedCipher(s.k.heads[:], s.nonceX[:])
	if err != nil {
		panic("bundle: " + err.Error()) // key and nonce have their lengths
	}
	c.XORKeyStream(dst, head)
}

// finish writes mac and head behind the stored body of a sector.
func (s *sealer) finish(sector []byte, info sectorInfo) {
	head := info.append(s.head[:0])
	mac := s.tag(head, sector[:sectorBody])
	copy(sector[sectorBody:], mac)
	s.cover(sector[sectorBody+sectorMAC:], head, mac)
}

// peek reads the head of what may be a sector; false for what is none. The mac is not checked.
func (s *sealer) peek(sector []byte) (sectorInfo, bool) {
	s.cover(s.head[:], sector[sectorBody+sectorMAC:SectorSize], sector[sectorBody:sectorBody+sectorMAC])
	if s.head[0] != sectorVersion || s.head[1] > parityBit|lastBit || s.head[sectorHead-1] != 0 {
		return sectorInfo{}, false // the search over every byte asks here
	}
	info, err := DecodeSectorHead(s.head[:])
	return info, err == nil
}

// open reads the head of a sector and checks its mac.
func (s *sealer) open(sector []byte) (sectorInfo, bool) {
	info, ok := s.peek(sector)
	if !ok {
		return info, false
	}
	head := s.head
	return info, hmac.Equal(s.tag(head[:], sector[:sectorBody]), sector[sectorBody:sectorBody+sectorMAC])
}

package bundle

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

// Layout of a sector: body ‖ head[48] ‖ mac[16].
const (
	SectorSize = 4096
	sectorBody = 4032 // a multiple of 64: the parity code demands it
	sectorMAC  = 16
	sectorHead = 48

	sectorVersion = 1
	parityBit     = 1 << 0
	lastBit       = 1 << 1 // of the last window
	bridgeBit     = 1 << 2 // the file begins with a bridge
	kindBits      = parityBit | lastBit | bridgeBit
)

// sectorInfo is the head of a sector in clear. All but Index and Parity is the same in a whole window,
// so that one good sector tells it.
type sectorInfo struct {
	Version uint8
	Kind    uint8
	Window  uint32
	Index   uint16
	Data    uint16    // data sectors of the window
	Parity  uint16    // parity sectors of the window
	Used    uint16    // bytes used in the window's last data sector
	Offset  uint64    // of the window in the body
	Prefix  uint8     // sectors of the prefix
	Ends    [2]endSum // of its two copies
}

func (s *sectorInfo) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, s.Version, s.Kind), s.Window)
	for _, v := range []uint16{s.Index, s.Data, s.Parity, s.Used} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	b = binary.BigEndian.AppendUint64(b, s.Offset)
	b = append(append(append(b, s.Prefix), s.Ends[front][:]...), s.Ends[tail][:]...)
	return append(b, 0)
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
	for i := range s.Ends {
		copy(s.Ends[i][:], r.Take(len(s.Ends[i])))
	}
	if r.Byte() != 0 {
		return s, refuse(BadCanonical, "sector head does not end in zero")
	}
	return s, s.check()
}

func (s *sectorInfo) check() error {
	total := int(s.Data) + int(s.Parity)
	switch {
	case s.Version != sectorVersion:
		return refuse(BadVersion, "sector %d", s.Version)
	case s.Kind > kindBits:
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
	bridged            bool
	prefix             int
	ends               [2]endSum
}

// bridge is how many bytes of the file's data are the bridge.
func (p shape) bridge() int64 {
	if !p.bridged {
		return 0
	}
	return int64(p.prefix) * sectorBody
}

func (s *sectorInfo) shape() shape {
	return shape{int(s.Data), int(s.Parity), int(s.Used), int64(s.Offset), s.Kind&lastBit != 0, s.Kind&bridgeBit != 0, int(s.Prefix), s.Ends}
}

func (p shape) info(window uint32, index int) sectorInfo {
	s := sectorInfo{Version: sectorVersion, Window: window, Index: uint16(index), Data: uint16(p.data), Parity: uint16(p.parity),
		Used: uint16(p.used), Offset: uint64(p.offset), Prefix: uint8(p.prefix), Ends: p.ends}
	if index >= p.data {
		s.Kind |= parityBit
	}
	if p.last {
		s.Kind |= lastBit
	}
	if p.bridged {
		s.Kind |= bridgeBit
	}
	return s
}

// sealer seals and opens sectors of one file. Each goroutine has its own.
type sealer struct {
	k      *fileKeys
	stream cipher.Block // E
	heads  cipher.Block // L
	parity cipher.Block // R
	mac    cipher.AEAD  // M
	iv     [aes.BlockSize]byte
	tag    [sectorMAC]byte
	head   [sectorHead]byte
}

func newSealer(k *fileKeys) *sealer {
	s := &sealer{k: k, stream: newAES(k.stream), heads: newAES(k.heads), parity: newAES(k.parity)}
	s.mac, _ = cipher.NewGCM(newAES(k.mac)) // blocks of 16 bytes are taken
	return s
}

func newAES(k Key) cipher.Block {
	b, err := aes.NewCipher(k[:])
	if err != nil {
		panic("bundle: " + err.Error()) // 32 bytes are taken
	}
	return b
}

// place is where a sector stands in a file: six zeros ‖ window ‖ index, the nonce of its mac and, with four zeros behind,
// the first counter of its body. No key ever meets a place twice with other bytes.
func (s *sealer) place(window uint32, index int) []byte {
	binary.BigEndian.PutUint32(s.iv[6:], window)
	binary.BigEndian.PutUint16(s.iv[10:], uint16(index))
	return s.iv[:]
}

// data XORs a data body with AES-256-CTR: under E, or as parity where it is of the bridge, which the courier may read.
func (s *sealer) data(p shape, body []byte, window uint32, index int) {
	if p.offset+int64(index)*sectorBody < p.bridge() {
		s.veil(body, window, index)
		return
	}
	s.crypt(body, window, index)
}

// crypt XORs a body with AES-256-CTR under E.
func (s *sealer) crypt(body []byte, window uint32, index int) {
	if s.k.plain {
		return
	}
	cipher.NewCTR(s.stream, s.place(window, index)).XORKeyStream(body, body)
}

// veil XORs the body of a parity sector with AES-256-CTR under R: parity of ciphertext is no random bytes to whoever
// computes it again. It needs no key to read.
func (s *sealer) veil(body []byte, window uint32, index int) {
	cipher.NewCTR(s.parity, s.place(window, index)).XORKeyStream(body, body)
}

// sum computes the mac of a sector whose head is in clear: GMAC over body ‖ head.
func (s *sealer) sum(sector []byte, window uint32, index int) []byte {
	return s.mac.Seal(s.tag[:0], s.place(window, index)[:12], nil, sector[:sectorBody+sectorHead])
}

// cover XORs the head of a sector with AES-256-CTR under L, its first counter the mac.
func (s *sealer) cover(head, mac []byte) { cipher.NewCTR(s.heads, mac).XORKeyStream(head, head) }

// finish makes a sector of a body: it veils parity and writes head and mac behind.
func (s *sealer) finish(sector []byte, info sectorInfo) {
	if info.Kind&parityBit != 0 {
		s.veil(sector[:sectorBody], info.Window, int(info.Index))
	}
	head := sector[sectorBody : sectorBody+sectorHead]
	info.append(head[:0])
	mac := sector[sectorBody+sectorHead:]
	copy(mac, s.sum(sector, info.Window, int(info.Index)))
	s.cover(head, mac)
}

// peek reads the head of what may be a sector; false for what is none. The mac is not checked. The search over every
// byte asks here: one block of the head tells most of what is none.
func (s *sealer) peek(sector []byte) (sectorInfo, bool) {
	head, mac := sector[sectorBody:sectorBody+sectorHead], sector[sectorBody+sectorHead:SectorSize]
	s.heads.Encrypt(s.head[:], mac)
	if s.head[0]^head[0] != sectorVersion || (s.head[1]^head[1])&^kindBits != 0 {
		return sectorInfo{}, false
	}
	copy(s.head[:], head)
	s.cover(s.head[:], mac)
	info, err := DecodeSectorHead(s.head[:])
	return info, err == nil
}

// open reads the head of a sector and checks its mac.
func (s *sealer) open(sector []byte) (sectorInfo, bool) {
	info, ok := s.peek(sector)
	if !ok {
		return info, false
	}
	head := sector[sectorBody : sectorBody+sectorHead]
	sealed := [sectorHead]byte(head)
	copy(head, s.head[:])
	ok = subtle.ConstantTimeCompare(s.sum(sector, info.Window, int(info.Index)), sector[sectorBody+sectorHead:SectorSize]) == 1
	copy(head, sealed[:])
	return info, ok
}

// take opens a sector for good and returns its body, parity without its veil.
func (s *sealer) take(sector []byte) (sectorInfo, []byte, bool) {
	info, ok := s.open(sector)
	body := sector[:sectorBody:sectorBody]
	if ok && info.Kind&parityBit != 0 {
		s.veil(body, info.Window, int(info.Index))
	}
	return info, body, ok
}

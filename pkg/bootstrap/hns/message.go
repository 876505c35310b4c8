package hns

import (
	"encoding/binary"
	"io"

	"github.com/pars-network/pars/pkg/wire"
)

// Commands of the peer protocol that are sent or understood.
const (
	cmdVersion    = 0
	cmdVerack     = 1
	cmdPing       = 2
	cmdPong       = 3
	cmdGetHeaders = 10
	cmdHeaders    = 11
	cmdGetProof   = 26
	cmdProof      = 27
)

const (
	maxHeaders = 2000 // in one answer
	maxPacket  = 8_000_000
	packetHead = 9

	protocol = 3
	addrSize = 88
	maxAgent = 255
)

// limit is how long the payload of a command may be.
func limit(cmd byte) int {
	switch cmd {
	case cmdVersion:
		return 20 + addrSize + 8 + 1 + maxAgent + 5
	case cmdVerack:
		return 0
	case cmdPing, cmdPong:
		return 8
	case cmdHeaders:
		return 3 + maxHeaders*HeaderSize
	case cmdProof:
		return 64 + MaxProof
	}
	return maxPacket
}

// appendPacket writes magic u32 ‖ command u8 ‖ length u32 ‖ payload.
func appendPacket(b []byte, magic uint32, cmd byte, payload []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, magic)
	b = binary.LittleEndian.AppendUint32(append(b, cmd), uint32(len(payload)))
	return append(b, payload...)
}

// readPacket reads one packet; what is not understood is read over, and has no payload. budget falls by what was read.
func readPacket(r io.Reader, magic uint32, budget *int) (cmd byte, payload []byte, err error) {
	var head [packetHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	if got := binary.LittleEndian.Uint32(head[:]); got != magic {
		return 0, nil, wire.Invalid("the peer is of network %#x", got)
	}
	cmd = head[4]
	size := int64(binary.LittleEndian.Uint32(head[5:]))
	if size > int64(limit(cmd)) {
		return 0, nil, wire.Invalid("packet %d of %d bytes, at most %d", cmd, size, limit(cmd))
	}
	if *budget -= packetHead + int(size); *budget < 0 {
		return 0, nil, wire.Invalid("the peer sends much that was not asked")
	}
	if limit(cmd) == maxPacket {
		_, err = io.CopyN(io.Discard, r, size)
		return cmd, nil, err
	}
	payload, err = io.ReadAll(io.LimitReader(r, size)) // memory grows with what comes, not with what is announced
	if err == nil && len(payload) < int(size) {
		err = io.ErrUnexpectedEOF
	}
	return cmd, payload, err
}

// version is the first packet.
type version struct {
	protocol uint32
	services uint32
	time     uint64
	nonce    [8]byte
	agent    string
	height   uint32
}

// encode writes protocol u32 ‖ services u64 ‖ time u64 ‖ address of the receiver, left empty ‖ nonce ‖ agent ‖ height u32 ‖ 1: no transactions.
func (v *version) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, v.protocol)
	b = binary.LittleEndian.AppendUint64(b, uint64(v.services))
	b = binary.LittleEndian.AppendUint64(b, v.time)
	b = append(append(b, make([]byte, addrSize)...), v.nonce[:]...)
	b = append(append(b, byte(len(v.agent))), v.agent...)
	return append(binary.LittleEndian.AppendUint32(b, v.height), 1)
}

func decodeVersion(b []byte) (*version, error) {
	d := wire.NewReader(b)
	v := &version{protocol: le32(d), services: le32(d)}
	le32(d)
	v.time = le64(d)
	d.Take(addrSize)
	copy(v.nonce[:], d.Take(8))
	v.agent = string(d.Take(int(d.Byte())))
	v.height = le32(d)
	d.Byte()
	return v, d.End()
}

// encodeLocator writes count ‖ hashes ‖ 32 zero bytes: no end.
func encodeLocator(list []Hash) []byte {
	b := appendVarint(nil, uint64(len(list)))
	for _, h := range list {
		b = append(b, h[:]...)
	}
	return append(b, make([]byte, 32)...)
}

// DecodeHeaders reads the answer to a locator: count ‖ headers, at most 2,000. Errors wrap wire.ErrInvalid.
func DecodeHeaders(b []byte) ([]*Header, error) {
	if len(b) > limit(cmdHeaders) {
		return nil, wire.Invalid("headers of %d bytes", len(b))
	}
	d := wire.NewReader(b)
	n := varint(d)
	if d.Err() == nil && uint64(d.Len()) != n*HeaderSize || n > maxHeaders {
		return nil, wire.Invalid("%d headers in %d bytes", n, len(b))
	}
	var out []*Header
	for range n {
		h, err := DecodeHeader(d.Take(HeaderSize))
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, d.End()
}

// decodeProofPacket reads root 32 ‖ key 32 ‖ proof.
func decodeProofPacket(b []byte) (root, key Hash, p *Proof, err error) {
	d := wire.NewReader(b)
	root, key = readHash(d), readHash(d)
	rest := d.Take(d.Len())
	if d.Err() != nil {
		return root, key, nil, d.Err()
	}
	p, err = DecodeProof(rest)
	return root, key, p, err
}

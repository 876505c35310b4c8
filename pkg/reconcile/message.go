package reconcile

import "github.com/pars-network/pars/pkg/wire"

// Types of frames. An unknown type from 128 up is skipped, one below ends the stream.
const (
	typeHello  = 1
	typeMatch  = 2
	typeState  = 3
	typeVector = 4
	typeCells  = 5
	typeWant   = 7
	typeRun    = 8
	typeDone   = 9
	typeCredit = 10
	typeAck    = 11
	typeErr    = 12
	typeHeads  = 13
	typeGone   = 14
)

// Limits of messages.
const (
	maxTags    = 4096
	maxItems   = 1024     // ids of a WANT, HEADS or GONE
	maxEntries = 64 << 10 // bytes of vector entries in one message
	maxErrText = 128
)

// Frame is one frame of the stream: wire.AppendFrame of Type and Payload.
type Frame struct {
	Type    byte
	Payload []byte
}

type id = [32]byte

type hello struct {
	Versions []uint64
	Nonce    [16]byte
	Tags     [][8]byte
	Budget   uint64 // bytes, 0 none
	Window   uint64 // seconds
	Flags    uint64
}

func (m *hello) frame() Frame {
	b := wire.AppendArray(append(wire.AppendMap(nil, 7), 0), len(m.Versions))
	for _, v := range m.Versions {
		b = wire.AppendUint(b, v)
	}
	b = wire.AppendBytes(append(b, 1), m.Nonce[:])
	tags := make([]byte, 0, len(m.Tags)*8)
	for _, t := range m.Tags {
		tags = append(tags, t[:]...)
	}
	b = wire.AppendBytes(append(b, 2), tags)
	b = wire.AppendUint(append(b, 3), m.Budget)
	b = wire.AppendUint(append(b, 4), m.Window)
	b = wire.AppendUint(append(b, 5), m.Flags)
	return Frame{typeHello, wire.AppendBytes(append(b, 6), nil)}
}

func decodeHello(b []byte) (m hello, err error) {
	d := wire.NewDecoder(b)
	for f := d.Map(64); f.Next(); {
		switch f.Key {
		case 0:
			for n := d.Array(16); n > 0 && d.Err() == nil; n-- {
				m.Versions = append(m.Versions, d.Uint(1<<32))
			}
		case 1:
			d.Fixed(m.Nonce[:])
		case 2:
			m.Tags = eights(d, d.Bytes(0, maxTags*8))
		case 3:
			m.Budget = d.Uint(1 << 62)
		case 4:
			m.Window = d.Uint(1 << 32)
		case 5:
			m.Flags = d.Uint(1 << 32)
		case 6:
			d.Bytes(0, 4096)
		default:
			d.Skip()
		}
	}
	return m, d.End()
}

func eights(d *wire.Decoder, b []byte) [][8]byte {
	if len(b)%8 != 0 {
		d.Fail(wire.Invalid("tags of %d bytes", len(b)))
		return nil
	}
	out := make([][8]byte, len(b)/8)
	for i := range out {
		copy(out[i][:], b[8*i:])
	}
	return out
}

// proof answers one tag of the other side: the place of that tag and what only a member can compute.
type proof struct {
	Index uint64
	Proof [8]byte
}

type match struct{ Proofs []proof }

func (m *match) frame() Frame {
	b := wire.AppendArray(append(wire.AppendMap(nil, 1), 0), len(m.Proofs))
	for _, p := range m.Proofs {
		b = wire.AppendUint(wire.AppendArray(b, 2), p.Index)
		b = wire.AppendBytes(b, p.Proof[:])
	}
	return Frame{typeMatch, b}
}

func decodeMatch(b []byte) (m match, err error) {
	d := wire.NewDecoder(b)
	for f := d.Map(64); f.Next(); {
		if f.Key != 0 {
			d.Skip()
			continue
		}
		for n := d.Array(maxTags); n > 0 && d.Err() == nil; n-- {
			if d.Array(2) != 2 {
				d.Fail(wire.Invalid("proof"))
			}
			p := proof{Index: d.Uint(maxTags)}
			d.Fixed(p.Proof[:])
			m.Proofs = append(m.Proofs, p)
		}
	}
	return m, d.End()
}

// state opens a round: the sender's frontier, how many vertices it holds and how many it wants.
type state struct {
	Session uint64
	L0      [8]byte
	N       uint64
	Wants   uint64
}

func (m *state) frame() Frame {
	b := wire.AppendUint(append(wire.AppendMap(nil, 6), 0), m.Session)
	b = wire.AppendBytes(append(b, 1), m.L0[:])
	b = wire.AppendUint(append(b, 2), m.N)
	b = wire.AppendBytes(append(b, 3), make([]byte, 8)) // no base: the vector comes whole
	b = wire.AppendUint(append(b, 4), 0)
	return Frame{typeState, wire.AppendUint(append(b, 5), m.Wants)}
}

func decodeState(b []byte) (m state, err error) {
	d := wire.NewDecoder(b)
	for f := d.Map(64); f.Next(); {
		switch f.Key {
		case 0:
			m.Session = d.Uint(maxTags)
		case 1:
			d.Fixed(m.L0[:])
		case 2:
			m.N = d.Uint(1 << 40)
		case 5:
			m.Wants = d.Uint(1 << 40)
		default:
			d.Skip()
		}
	}
	return m, d.End()
}

type vector struct {
	Session uint64
	Wide    bool
	Entries []byte
	More    bool // another page follows
}

func flag(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

func (m *vector) frame() Frame {
	b := wire.AppendUint(append(wire.AppendMap(nil, 5), 0), m.Session)
	b = wire.AppendBytes(append(b, 1), nil) // no base
	b = wire.AppendUint(append(b, 2), flag(m.Wide))
	b = wire.AppendBytes(append(b, 3), m.Entries)
	return Frame{typeVector, wire.AppendUint(append(b, 4), flag(m.More))}
}

func decodeVector(b []byte) (m vector, err error) {
	d := wire.NewDecoder(b)
	for f := d.Map(64); f.Next(); {
		switch f.Key {
		case 0:
			m.Session = d.Uint(maxTags)
		case 2:
			m.Wide = d.Uint(1) == 1
		case 3:
			m.Entries = d.Bytes(0, maxEntries)
		case 4:
			m.More = d.Uint(1) == 1
		default:
			d.Skip()
		}
	}
	return m, d.End()
}

// ids is the form of HEADS and GONE, and of the parts of WANT.
type ids struct {
	Session uint64
	IDs     []id
	More    bool
}

func appendIDs(b []byte, list []id) []byte {
	b = wire.AppendArray(b, len(list))
	for i := range list {
		b = wire.AppendBytes(b, list[i][:])
	}
	return b
}

func readIDs(d *wire.Decoder) []id {
	n := d.Array(maxItems)
	if n > d.Len()/33 {
		d.Fail(wire.ErrShort)
		return nil
	}
	out := make([]id, n)
	for i := range out {
		d.Fixed(out[i][:])
	}
	return out
}

func (m *ids) frame(typ byte) Frame {
	b := wire.AppendUint(append(wire.AppendMap(nil, 3), 0), m.Session)
	b = appendIDs(append(b, 1), m.IDs)
	return Frame{typ, wire.AppendUint(append(b, 2), flag(m.More))}
}

func decodeIDs(b []byte) (m ids, err error) {
	d := wire.NewDecoder(b)
	for f := d.Map(64); f.Next(); {
		switch f.Key {
		case 0:
			m.Session = d.Uint(maxTags)
		case 1:
			m.IDs = readIDs(d)
		case 2:
			m.More = d.Uint(1) == 1
		default:
			d.Skip()
		}
	}
	return m, d.End()
}

// want asks for vertices by short id or id, and for bodies. It is answered by runs and one GONE.
type want struct {
	Session uint64
	Short   []uint64
	IDs     []id
	Bodies  []id
}

func (m *want) frame() Frame {
	b := wire.AppendUint(append(wire.AppendMap(nil, 4), 0), m.Session)
	b = wire.AppendArray(append(b, 2), len(m.Short))
	for _, s := range m.Short {
		b = wire.AppendUint(b, s)
	}
	b = appendIDs(append(b, 3), m.IDs)
	return Frame{typeWant, appendIDs(append(b, 4), m.Bodies)}
}

func decodeWant(b []byte) (m want, err error) {
	d := wire.NewDecoder(b)
	for f := d.Map(64); f.Next(); {
		switch f.Key {
		case 0:
			m.Session = d.Uint(maxTags)
		case 2:
			for n := d.Array(maxItems); n > 0 && d.Err() == nil; n-- {
				m.Short = append(m.Short, d.Uint(1<<64-1))
			}
		case 3:
			m.IDs = readIDs(d)
		case 4:
			m.Bodies = readIDs(d)
		default:
			d.Skip()
		}
	}
	return m, d.End()
}

// runFrame is uv(session) ‖ uv(class) ‖ a run of pkg/vertex.
type runFrame struct {
	Session uint64
	Class   uint64
	Run     []byte
}

func (m *runFrame) frame() Frame {
	b := make([]byte, 0, len(m.Run)+4)
	b = wire.AppendUvarint(wire.AppendUvarint(b, m.Session), m.Class)
	return Frame{typeRun, append(b, m.Run...)}
}

func decodeRun(b []byte) (m runFrame, err error) {
	r := wire.NewReader(b)
	m.Session, m.Class = r.Uvarint(maxTags), r.Uvarint(255)
	m.Run = r.Take(r.Len())
	return m, r.End()
}

// numbers is the form of DONE, CREDIT and ACK: a session or nothing, a frontier or nothing, counters.
type numbers struct {
	Session uint64
	L0      [8]byte
	A, B    uint64
}

func (m *numbers) frame(typ byte) Frame {
	if typ == typeCredit {
		b := wire.AppendUint(append(wire.AppendMap(nil, 2), 0), m.A)
		return Frame{typ, wire.AppendUint(append(b, 1), m.B)}
	}
	b := wire.AppendUint(append(wire.AppendMap(nil, 4), 0), m.Session)
	b = wire.AppendBytes(append(b, 1), m.L0[:])
	b = wire.AppendUint(append(b, 2), m.A)
	return Frame{typ, wire.AppendUint(append(b, 3), m.B)}
}

func decodeNumbers(typ byte, b []byte) (m numbers, err error) {
	d := wire.NewDecoder(b)
	for f := d.Map(64); f.Next(); {
		switch {
		case typ == typeCredit && f.Key == 0, typ != typeCredit && f.Key == 2:
			m.A = d.Uint(1 << 40)
		case typ == typeCredit && f.Key == 1, typ != typeCredit && f.Key == 3:
			m.B = d.Uint(1 << 40)
		case f.Key == 0:
			m.Session = d.Uint(maxTags)
		case f.Key == 1:
			d.Fixed(m.L0[:])
		default:
			d.Skip()
		}
	}
	return m, d.End()
}

// Codes of ERR.
const (
	codeProtocol  = 1
	codeLimits    = 2
	codeNotMember = 5
	codeInternal  = 6
)

type fault struct {
	Code uint64
	Text string
}

func (m *fault) frame() Frame {
	b := wire.AppendUint(append(wire.AppendMap(nil, 2), 0), m.Code)
	return Frame{typeErr, wire.AppendText(append(b, 1), m.Text[:min(len(m.Text), maxErrText)])}
}

func decodeFault(b []byte) (m fault, err error) {
	d := wire.NewDecoder(b)
	for f := d.Map(64); f.Next(); {
		switch f.Key {
		case 0:
			m.Code = d.Uint(255)
		case 1:
			m.Text = d.Text(maxErrText)
		default:
			d.Skip()
		}
	}
	return m, d.End()
}

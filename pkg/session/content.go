package session

import (
	"unicode/utf8"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// contentMessage is the type of a content that is a message: the vertex itself is the element, so two
// equal texts are two messages.
const contentMessage = 1

// MaxName is the longest name or title in bytes.
const MaxName = 64

// message is the content of an app vertex: cbor{0 type, 1 text, 2 expire seconds, 3 reply id}.
type message struct {
	Text   string
	Expire uint64
	Reply  vertex.ID
}

func (m *message) encode() []byte {
	n := 2
	if m.Expire > 0 {
		n++
	}
	if m.Reply != (vertex.ID{}) {
		n++
	}
	b := append(wire.AppendMap(nil, n), 0, contentMessage)
	b = wire.AppendText(append(b, 1), m.Text)
	if m.Expire > 0 {
		b = wire.AppendUint(append(b, 2), m.Expire)
	}
	if m.Reply != (vertex.ID{}) {
		b = wire.AppendBytes(append(b, 3), m.Reply[:])
	}
	return b
}

// decodeMessage reads a content; other is set for a type this version does not show.
func decodeMessage(b []byte) (msg message, other bool, err error) {
	d := wire.NewDecoder(b)
	m := d.Map(8)
	if !m.Next() || m.Key != 0 {
		return msg, false, wire.Invalid("content without a type")
	}
	if d.Uint(1<<32) != contentMessage {
		return msg, true, d.Err()
	}
	for m.Next() {
		switch m.Key {
		case 1:
			msg.Text = d.Text(envelope.MaxContent)
		case 2:
			msg.Expire = d.Uint(1 << 40)
		case 3:
			d.Fixed(msg.Reply[:])
		default:
			m.Unknown()
		}
	}
	return msg, false, d.End()
}

// Operations of control vertices. The content is cbor{0 [[op, body]…], 3 day0}.
const (
	opCreate = 0
	opJoin   = 10
)

const roleAdmin = 2

// create is the body of the genesis: who made the room and how it is called.
type create struct {
	Title     string
	Pseudonym sig.Public
	Rdv       sig.Public
	Day       uint32
}

func (c *create) encode() []byte {
	b := append(wire.AppendMap(nil, 2), 0)
	b = append(wire.AppendArray(wire.AppendArray(b, 1), 2), opCreate)
	b = append(wire.AppendMap(b, 4), 0, envelope.ModeEpoch)
	b = wire.AppendText(append(wire.AppendMap(append(b, 1), 3), 0), c.Title)
	b = append(b, 1, envelope.ModeEpoch, 2, 0)
	b = wire.AppendArray(wire.AppendArray(append(b, 2), 1), 5)
	b = wire.AppendBytes(wire.AppendBytes(b, c.Pseudonym[:]), c.Rdv[:])
	b = wire.AppendBytes(wire.AppendBytes(b, nil), nil)
	b = append(b, roleAdmin)
	b = wire.AppendBytes(wire.AppendArray(append(b, 3), 1), c.Pseudonym[:])
	return wire.AppendUint(append(b, 3), uint64(c.Day))
}

// join is the body of a newcomer's first vertex.
type join struct {
	Pseudonym sig.Public
	Rdv       sig.Public
	MAC       [32]byte
	Name      string // claimed, shown as such
}

func (j *join) encode() []byte {
	n := 3
	if j.Name != "" {
		n++
	}
	b := append(wire.AppendMap(nil, 1), 0)
	b = append(wire.AppendArray(wire.AppendArray(b, 1), 2), opJoin)
	b = wire.AppendBytes(append(wire.AppendMap(b, n), 0), j.Pseudonym[:])
	b = wire.AppendBytes(append(b, 1), j.Rdv[:])
	b = wire.AppendBytes(append(b, 2), j.MAC[:])
	if j.Name != "" {
		b = wire.AppendText(append(b, 4), j.Name)
	}
	return b
}

// control is what this version reads of a control vertex.
type control struct {
	Create *create
	Join   *join
}

// decodeControl reads the content of a control vertex. Operations of later versions are skipped.
func decodeControl(b []byte) (c control, err error) {
	d := wire.NewDecoder(b)
	for m := d.Map(8); m.Next(); {
		switch m.Key {
		case 0:
			for n := d.Array(64); n > 0 && d.Err() == nil; n-- {
				c.op(d)
			}
		case 3:
			day := uint32(d.Uint(1<<32 - 1))
			if c.Create != nil {
				c.Create.Day = day
			}
		default:
			d.Skip()
		}
	}
	return c, d.End()
}

func (c *control) op(d *wire.Decoder) {
	if d.Array(2) != 2 {
		d.Fail(wire.Invalid("operation without a body"))
		return
	}
	switch d.Uint(1 << 16) {
	case opCreate:
		c.Create = decodeCreate(d)
	case opJoin:
		c.Join = decodeJoin(d)
	default:
		d.Skip()
	}
}

func decodeCreate(d *wire.Decoder) *create {
	var c create
	for m := d.Map(4); m.Next(); {
		switch m.Key {
		case 1:
			for p := d.Map(8); p.Next(); {
				if p.Key == 0 {
					c.Title = d.Text(MaxName)
				} else {
					d.Skip()
				}
			}
		case 2:
			if d.Array(1) == 1 && d.Array(5) == 5 {
				d.Fixed(c.Pseudonym[:])
				d.Fixed(c.Rdv[:])
				d.Skip()
				d.Skip()
				d.Skip()
			}
		default:
			d.Skip()
		}
	}
	return &c
}

func decodeJoin(d *wire.Decoder) *join {
	var j join
	for m := d.Map(8); m.Next(); {
		switch m.Key {
		case 0:
			d.Fixed(j.Pseudonym[:])
		case 1:
			d.Fixed(j.Rdv[:])
		case 2:
			d.Fixed(j.MAC[:])
		case 4:
			j.Name = d.Text(MaxName)
		default:
			d.Skip()
		}
	}
	return &j
}

// checkName refuses names and titles that are too long or not text.
func checkName(what, s string) error {
	if len(s) > MaxName || !utf8.ValidString(s) {
		return wire.Invalid("%s of %d bytes: UTF-8 of at most %d bytes is allowed", what, len(s), MaxName)
	}
	return nil
}

package qr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pars-network/pars/pkg/fountain"
	"github.com/pars-network/pars/pkg/wire"
)

// UR writes messages as BCR-2020-005 has it, so that other people's programs can read them.
type UR struct {
	name  string
	msg   []byte // CBOR
	parts *fountain.Parts
	seq   uint32
}

// URBytes is the type of plain bytes.
const URBytes = "bytes"

// NewUR prepares a message in parts whose fragments have at most size bytes; one part when it fits. With the type
// bytes the data is wrapped in CBOR, with any other it is CBOR already. Errors wrap wire.ErrInvalid.
func NewUR(name string, data []byte, size int) (*UR, error) {
	if err := checkType(name); err != nil {
		return nil, err
	}
	if name == URBytes {
		data = wire.AppendBytes(nil, data)
	}
	u := &UR{name: name, msg: data}
	if len(data) <= size {
		return u, nil
	}
	var err error
	u.parts, err = fountain.NewParts(data, size)
	return u, err
}

// Count is the number of fragments.
func (u *UR) Count() int {
	if u.parts == nil {
		return 1
	}
	return u.parts.Count()
}

// Next returns the next part, in small letters; symbols take it in capitals.
func (u *UR) Next() string {
	if u.parts == nil {
		return "ur:" + u.name + "/" + encodeWords(u.msg)
	}
	u.seq++
	p := u.parts.Part(u.seq)
	return partText(u.name, &p)
}

// Rewind begins again with the first part.
func (u *UR) Rewind() { u.seq = 0 }

func partText(name string, p *fountain.Part) string {
	return fmt.Sprintf("ur:%s/%d-%d/%s", name, p.Seq, p.Count, encodeWords(p.Append(nil)))
}

// isUR reports whether a text is meant to be one.
func isUR(s string) bool { return len(s) > 3 && strings.EqualFold(s[:3], "ur:") }

// ParseUR reads one part: its type, and the message when it is whole or else the part. Errors wrap wire.ErrInvalid.
func ParseUR(s string) (name string, msg []byte, part *fountain.Part, err error) {
	if !isUR(s) {
		return "", nil, nil, wire.Invalid("a UR begins with ur:")
	}
	fields := strings.Split(strings.ToLower(s[3:]), "/")
	if err := checkType(fields[0]); err != nil {
		return "", nil, nil, err
	}
	body, err := decodeWords(fields[len(fields)-1])
	if err != nil {
		return "", nil, nil, err
	}
	switch len(fields) {
	case 2:
		return fields[0], body, nil, nil
	case 3:
		p, err := fountain.DecodePart(body)
		if err == nil && fields[1] != strconv.FormatUint(uint64(p.Seq), 10)+"-"+strconv.Itoa(p.Count) {
			err = wire.Invalid("part %s says it is %d-%d", fields[1], p.Seq, p.Count)
		}
		return fields[0], nil, &p, err
	}
	return "", nil, nil, wire.Invalid("UR of %d fields", len(fields))
}

// unwrap takes plain bytes out of their CBOR.
func unwrap(name string, msg []byte) ([]byte, error) {
	if name != URBytes {
		return msg, nil
	}
	d := wire.NewDecoder(msg)
	out := d.Bytes(0, len(msg))
	return out, d.End()
}

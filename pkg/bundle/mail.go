package bundle

import (
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// Mail is an envelope carried for others: what the mailbox of gossip keeps of it, and the envelope byte for byte.
type Mail struct {
	Copies   uint8 // how many may still be handed on; 1: to the recipient alone
	Hops     uint8 // how often; 0: to the recipient alone
	Priority uint8
	Token    [32]byte // hash of the token that deletes it; zero: none
	Envelope []byte
}

const mailHead = 3 + 32

// Courier's rules for mail at its start.
const (
	StartCopies   = 6
	ControlCopies = 10
	StartHops     = 7
)

// Record returns the record of a mail.
func (m *Mail) Record() Record {
	b := append(make([]byte, 0, mailHead+len(m.Envelope)), m.Copies, m.Hops, m.Priority)
	return Record{Kind: KindEnvelope, Payload: append(append(b, m.Token[:]...), m.Envelope...)}
}

// DecodeMail reads the payload of an envelope record. Size and version are checked here; the envelope is for its
// recipient to open.
func DecodeMail(b []byte) (*Mail, error) {
	var m Mail
	r := wire.NewReader(b)
	m.Copies, m.Hops, m.Priority = r.Byte(), r.Byte(), r.Byte()
	copy(m.Token[:], r.Take(32))
	m.Envelope = r.Take(r.Len())
	if r.Err() != nil {
		return nil, refuse(BadCanonical, "envelope: %v", r.Err())
	}
	if _, err := envelope.DecodeOuter(m.Envelope); err != nil {
		return nil, refuse(BadSize, "%v", err)
	}
	return &m, nil
}

// HandOver parts a mail between who keeps and who takes a copy (binary spray): half of the copies go, one hop less.
// ok is false when it may go to its recipient alone.
func (m *Mail) HandOver() (kept, given Mail, ok bool) {
	if m.Copies <= 1 || m.Hops == 0 {
		return *m, Mail{}, false
	}
	kept, given = *m, *m
	given.Copies, given.Hops = m.Copies/2, m.Hops-1
	kept.Copies -= given.Copies
	return kept, given, true
}

package gossip

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxMailFrame = 70 << 10
	maxQuestions = 4096 // of one stream
)

// ErrFull says that no storer had room.
var ErrFull = errors.New("mailbox is full")

// ErrLater says that a storer asks to come back.
var ErrLater = errors.New("mailbox asks to come back later")

// serveMail answers one peer until its stream ends. now is asked for each question.
func (m *Mailbox) serveMail(rw io.ReadWriter, from Depositor, policy Policy, now func() time.Time) error {
	r := bufio.NewReaderSize(rw, 4096)
	for range maxQuestions {
		typ, body, err := wire.ReadFrame(r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if len(body) > maxMailFrame {
			return wire.Invalid("mail frame of %d bytes", len(body))
		}
		out, err := m.answer(typ, body, from, policy, now())
		if err != nil {
			return err
		}
		if _, err := rw.Write(out); err != nil {
			return err
		}
	}
	return wire.Invalid("too many questions on one stream")
}

// answer returns the frames that answer one question. An error ends the stream.
func (m *Mailbox) answer(typ byte, body []byte, from Depositor, policy Policy, now time.Time) ([]byte, error) {
	switch typ {
	case framePut:
		p, err := DecodePut(body)
		if err != nil {
			return nil, err
		}
		return m.answerPut(p, from, policy, now)
	case frameGet:
		g, err := DecodeGet(body)
		if err != nil {
			return nil, err
		}
		if !allowed(policy, Candidate{Op: OpGet, From: from.Peer.Name(), Contact: from.Trust == Contact}) {
			return wire.AppendFrame(nil, frameLater, be32(60)), nil
		}
		list, more, ok := m.Fetch(g, from.Peer, now)
		if !ok {
			return wire.AppendFrame(nil, frameLater, be32(60)), nil
		}
		return appendMail(list, more), nil
	case frameAck:
		list, err := DecodeAcks(body)
		if err != nil {
			return nil, err
		}
		if _, err := m.Delete(list, now.Unix()); err != nil {
			return nil, err
		}
		return wire.AppendFrame(nil, frameEnd, []byte{0}), nil
	case frameHave:
		r, err := DecodeRange(body)
		if err != nil {
			return nil, err
		}
		set := m.Held(r)
		return wire.AppendFrame(nil, frameSet, set.Append(nil)), nil
	}
	return nil, wire.Invalid("mail frame of type %d", typ)
}

func appendMail(list [][]byte, more bool) []byte {
	var out []byte
	for _, env := range list {
		out = wire.AppendFrame(out, frameMail, env)
	}
	end := []byte{0}
	if more {
		end[0] = 1
	}
	return wire.AppendFrame(out, frameEnd, end)
}

func (m *Mailbox) answerPut(p Put, from Depositor, policy Policy, now time.Time) ([]byte, error) {
	o, err := envelope.DecodeOuter(p.Envelope)
	if err != nil {
		return nil, err
	}
	id := envelope.EnvelopeID(p.Envelope)
	if !allowed(policy, Candidate{ID: id, Op: OpPut, Size: len(p.Envelope), Expiry: m.Rules.Expires(o.Expiry, now.Unix()), From: from.Peer.Name(),
		Contact: from.Trust == Contact, StampBits: m.Rules.StampBits, Body: p.Envelope}) {
		return wire.AppendFrame(nil, frameFull, nil), nil
	}
	a, wait, err := m.Put(p, from, now)
	switch {
	case err != nil:
		return nil, err
	case a == Kept:
		return wire.AppendFrame(nil, frameOK, id[:]), nil
	case a == Later:
		return wire.AppendFrame(nil, frameLater, be32(uint32(wait))), nil
	}
	return wire.AppendFrame(nil, map[Answer]byte{NoRoom: frameFull, Duplicate: frameDup, Refused: frameNo}[a], nil), nil
}

func allowed(p Policy, c Candidate) bool {
	if p == nil {
		return true
	}
	v, _ := p.Decide(c)
	return v == Accept
}

func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// mailClient asks over one stream.
type mailClient struct {
	w io.Writer
	r *bufio.Reader
}

func newMailClient(rw io.ReadWriter) *mailClient { return &mailClient{rw, bufio.NewReader(rw)} }

func (c *mailClient) ask(typ byte, body []byte) (byte, []byte, error) {
	if _, err := c.w.Write(wire.AppendFrame(nil, typ, body)); err != nil {
		return 0, nil, err
	}
	return c.read()
}

func (c *mailClient) read() (byte, []byte, error) {
	typ, body, err := wire.ReadFrame(c.r)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && len(body) > maxMailFrame {
		err = wire.Invalid("mail frame of %d bytes", len(body))
	}
	return typ, body, err
}

// put hands one envelope over. fresh is false when the storer had it.
func (c *mailClient) put(p Put) (fresh bool, err error) {
	typ, body, err := c.ask(framePut, p.Append(nil))
	if err != nil {
		return false, err
	}
	switch typ {
	case frameOK:
		if id := envelope.EnvelopeID(p.Envelope); string(body) != string(id[:]) {
			return false, wire.Invalid("answer to another envelope")
		}
		return true, nil
	case frameDup:
		return false, nil
	case frameFull:
		return false, ErrFull
	case frameLater:
		return false, ErrLater
	case frameNo:
		return false, errors.New("the storer refuses the envelope")
	}
	return false, wire.Invalid("answer of type %d", typ)
}

// get asks for mail. Each is checked; what is not asked for or not valid ends the answer.
func (c *mailClient) get(g Get, each func(env []byte) error) (more bool, err error) {
	asked := map[[16]byte]bool{}
	for _, t := range g.Tags {
		asked[t] = true
	}
	typ, body, err := c.ask(frameGet, g.Append(nil))
	for n := 0; ; n++ {
		switch {
		case err != nil:
			return false, err
		case typ == frameEnd && len(body) == 1 && body[0] <= 1:
			return body[0] == 1, nil
		case typ == frameLater:
			return false, ErrLater
		case typ != frameMail || n >= MaxHave:
			return false, wire.Invalid("answer of type %d", typ)
		}
		o, derr := envelope.DecodeOuter(body)
		if derr != nil || !asked[o.Tag] {
			return false, wire.Invalid("mail that was not asked for")
		}
		if err := each(body); err != nil {
			return false, err
		}
		typ, body, err = c.read()
	}
}

// held asks what the other courier holds.
func (c *mailClient) held(r Range) (Have, error) {
	typ, body, err := c.ask(frameHave, r.Append(nil))
	if err != nil {
		return Have{}, err
	}
	if typ != frameSet {
		return Have{}, wire.Invalid("answer of type %d", typ)
	}
	return DecodeHave(body)
}

func (c *mailClient) ack(list []Ack) error {
	for len(list) > 0 {
		n := min(len(list), maxAcks)
		if typ, _, err := c.ask(frameAck, AppendAcks(nil, list[:n])); err != nil || typ != frameEnd {
			return errors.Join(err, wire.Invalid("answer of type %d", typ))
		}
		list = list[n:]
	}
	return nil
}

// Deposit hands envelopes to one storer and returns how many it keeps. It goes on until the storer has no room.
func (n *Node) Deposit(ctx context.Context, to PeerID, list []Put) (kept int, err error) {
	err = n.withMail(ctx, to, func(c *mailClient) error {
		for _, p := range list {
			if _, err := c.put(p); err != nil {
				return err
			}
			kept++
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("deposit with %s: %w", to.Name(), err)
	}
	return kept, err
}

// Poll asks one storer for what waits under tags, padded with random ones so that it cannot count them, and
// without what have names. each gets every envelope; whether it opens is the caller's matter.
func (n *Node) Poll(ctx context.Context, at PeerID, tags [][16]byte, held []envelope.ID, each func(env []byte) error) error {
	err := n.withMail(ctx, at, func(c *mailClient) error {
		for len(tags) > 0 {
			k := min(len(tags), GetTags)
			for more := true; more; {
				var key [16]byte
				if _, err := io.ReadFull(n.Rand, key[:]); err != nil {
					return err
				}
				g, err := NewGet(tags[:k], NewHave(held, key), n.randomTag)
				if err != nil {
					return err
				}
				had := len(held)
				more, err = c.get(g, func(env []byte) error {
					held = append(held, envelope.EnvelopeID(env))
					return each(env)
				})
				if err != nil {
					return err
				}
				if more && len(held) == had {
					return ErrLater
				}
			}
			tags = tags[k:]
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("poll %s: %w", at.Name(), err)
	}
	return err
}

func (n *Node) randomTag() (t [16]byte, err error) {
	_, err = io.ReadFull(n.Rand, t[:])
	return t, err
}

// Acknowledge tells a storer that envelopes have arrived, by the tokens that only the two of a session can make.
func (n *Node) Acknowledge(ctx context.Context, at PeerID, list []Ack) error {
	return n.withMail(ctx, at, func(c *mailClient) error { return c.ack(list) })
}

// Holds asks another courier for the set of what it keeps.
func (n *Node) Holds(ctx context.Context, at PeerID) (h Have, err error) {
	err = n.withMail(ctx, at, func(c *mailClient) error {
		h, err = c.held(Range{})
		return err
	})
	if err != nil {
		err = fmt.Errorf("ask %s: %w", at.Name(), err)
	}
	return h, err
}

// Meet gives another courier half of the copies that the node's own mailbox has to spread, and returns how many
// letters it took.
func (n *Node) Meet(ctx context.Context, other PeerID) (given int, err error) {
	err = n.withMail(ctx, other, func(c *mailClient) error {
		have, err := c.held(Range{})
		if err != nil {
			return err
		}
		for _, p := range n.Mail.Spread(have, n.Now().Unix()) {
			fresh, err := c.put(p)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			if err := n.Mail.Shared(p); err != nil {
				return err
			}
			given++
		}
		return nil
	})
	return given, err
}

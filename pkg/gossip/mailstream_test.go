package gossip

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// The streams: what one puts another fetches, whatever is cut or lied about.
func TestMailStreams(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	dial := func(name string, by Trust) *mailClient {
		a, b := net.Pipe()
		t.Cleanup(func() { a.Close() })
		go func() { m.serveMail(b, who(name, by), nil, func() time.Time { return start }); b.Close() }()
		return newMailClient(a)
	}
	ali := dial("ali", Contact)
	env, token := m.sample(2, 300), [32]byte{8}
	if fresh, err := ali.put(Put{Copies: 6, Hash: TokenHash(token), Envelope: env}); !fresh || err != nil {
		t.Fatalf("put: %v %v", fresh, err)
	}
	if fresh, err := ali.put(Put{Copies: 6, Hash: TokenHash(token), Envelope: env}); fresh || err != nil {
		t.Errorf("put again: %v %v", fresh, err)
	}
	bob := dial("bob", Stranger)
	g, _ := NewGet([][16]byte{[16]byte(env[4:20])}, Have{}, anyTag)
	n := 0
	more, err := bob.get(g, func(got []byte) error { n++; return nil })
	if n != 1 || more || err != nil {
		t.Errorf("got %d, %v, %v", n, more, err)
	}
	have, err := bob.held(Range{})
	if err != nil || !have.Has(envelope.EnvelopeID(env)) {
		t.Errorf("held: %v", err)
	}
	if err := bob.ack([]Ack{{envelope.EnvelopeID(env), token}}); err != nil || len(m.letters) != 0 {
		t.Errorf("ack: %v, %d left", err, len(m.letters))
	}
	for range 2 {
		_, err = dial("carol", Stranger).put(Put{Copies: 1, Envelope: m.sample(0, 300)})
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("beyond the quota: %v", err)
	}
	for name, b := range map[string][]byte{"type": wire.AppendFrame(nil, 9, []byte{1}), "put": wire.AppendFrame(nil, framePut, make([]byte, 40)),
		"get": wire.AppendFrame(nil, frameGet, make([]byte, 40)), "ack": wire.AppendFrame(nil, frameAck, make([]byte, 40)),
		"have": wire.AppendFrame(nil, frameHave, make([]byte, 40)), "long": wire.AppendFrame(nil, framePut, make([]byte, 100<<10))} {
		if err := m.serveMail(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b), io.Discard}, who("x", Stranger), nil, time.Now); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A storer that lies is left.
func TestLyingStorer(t *testing.T) {
	m := newBox(t, newDisk(), nil)
	other := m.sample(0, 300)
	g, _ := NewGet(nil, Have{}, anyTag)
	for name, b := range map[string][]byte{"not asked": wire.AppendFrame(nil, frameMail, other), "no envelope": wire.AppendFrame(nil, frameMail, []byte{1}),
		"type": wire.AppendFrame(nil, frameOK, nil), "cut": {5}, "end": wire.AppendFrame(nil, frameEnd, []byte{2}), "nothing": {}} {
		c := newMailClient(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b), io.Discard})
		if _, err := c.get(g, func([]byte) error { return nil }); err == nil {
			t.Errorf("%s: believed", name)
		}
	}
	ok := wire.AppendFrame(nil, frameOK, make([]byte, 20))
	c := newMailClient(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(ok), io.Discard})
	if _, err := c.put(Put{Copies: 1, Envelope: other}); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("an answer to another envelope: %v", err)
	}
}

package bootstrap

import (
	"bytes"
	"context"
	"errors"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/wire"
)

// CheckList verifies a list, or a rotation, that came by hand, with what is remembered of lists. Nothing is kept of it.
// A list.Refusal says what is wrong; its reason list.UnknownSet is no evidence of tampering here.
func (s *Setup) CheckList(b []byte) error {
	trust, err := s.Trust()
	if err != nil {
		return err
	}
	state, err := loadMemory(s.Memory)
	if err != nil {
		return err
	}
	state.follow(trust)
	if bytes.HasPrefix(b, []byte("PBR1")) {
		r, err := list.DecodeRotation(b)
		if err != nil {
			return err
		}
		_, err = trust.Rotate(r)
		return err
	}
	l, err := list.Read(b, s.boot().AllowPrivate)
	if err != nil {
		return err
	}
	at := list.Arrival{Now: uint64(s.Now().Unix()), Seen: state.Seen, Lenient: true}
	_, err = trust.Check(l.Root, state.Held[trust.Line(l.Root)], at)
	return err
}

// TakeList gives a list, or a rotation, to the memory of the race, so that the next race finds it, and asks nobody.
func (s *Setup) TakeList(ctx context.Context, b []byte) error {
	trust, err := s.Trust()
	if err != nil {
		return err
	}
	r := &Race{Trust: trust, Private: s.boot().AllowPrivate, Memory: s.Memory, Now: s.Now,
		Roads: []Road{FileRoad("bundle", "record", func() ([]byte, error) { return b, nil })}}
	if _, err = r.Run(ctx); errors.Is(err, wire.ErrNotFound) {
		return nil // it names nobody: a rotation
	}
	return err
}

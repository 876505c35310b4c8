// Package libp2p carries the questions of pkg/evm/gateway over streams of a host: a stream a question. It stands apart so
// that a program without a network of its own can speak to its node without linking one.
package libp2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/evm/gateway"
)

const (
	askWithin = 5 * time.Second // a question must have come
	within    = 40 * time.Second
)

// Serve answers questions under protocols on a host until ctx ends or Unserve. name gives a protocol its place in the
// network, as profile.Protocol does.
func Serve(ctx context.Context, s *gateway.Server, h host.Host, name func(string) string, protocols ...string) {
	for _, p := range protocols {
		h.SetStreamHandler(protocol.ID(name(p)), func(st network.Stream) {
			ctx, cancel := context.WithTimeout(ctx, within)
			defer cancel()
			defer st.Reset()
			stop := context.AfterFunc(ctx, func() { st.Reset() })
			defer stop()
			late := time.AfterFunc(askWithin, func() { st.Reset() })
			ask, err := gateway.ReadAsk(bufio.NewReader(st))
			if !late.Stop() || err != nil {
				return
			}
			list, status := s.Answer(ctx, string(st.Conn().RemotePeer()), p, ask)
			if gateway.WriteAnswer(st, list, status) == nil {
				st.Close()
			}
		})
	}
}

// Unserve takes the handlers away.
func Unserve(h host.Host, name func(string) string, protocols ...string) {
	for _, p := range protocols {
		h.RemoveStreamHandler(protocol.ID(name(p)))
	}
}

// Over returns the Exchange with a peer of a host, whose addresses the host knows.
func Over(h host.Host, id peer.ID, name func(string) string) gateway.Exchange {
	return func(ctx context.Context, p string, ask []byte, pieces, limit int) ([][]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		s, err := h.NewStream(ctx, id, protocol.ID(name(p)))
		if err != nil {
			return nil, fmt.Errorf("no stream: %w", err)
		}
		defer s.Reset()
		stop := context.AfterFunc(ctx, func() { s.Reset() })
		defer stop()
		if err := gateway.WriteAsk(s, ask); err != nil {
			return nil, err
		}
		out, err := gateway.ReadAnswer(bufio.NewReader(s), pieces, limit)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return out, err
	}
}

package gateway

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
)

const askWithin = 5 * time.Second // a question must have come

func protocols() []string { return []string{LightProtocol, ProofProtocol, TxProtocol} }

// Serve answers on a host until ctx ends or Unserve. name gives a protocol its place in the network, as
// profile.Protocol does.
func (s *Server) Serve(ctx context.Context, h host.Host, name func(string) string) {
	for _, p := range protocols() {
		h.SetStreamHandler(protocol.ID(name(p)), func(st network.Stream) {
			ctx, cancel := context.WithTimeout(ctx, 2*within)
			defer cancel()
			defer st.Reset()
			stop := context.AfterFunc(ctx, func() { st.Reset() })
			defer stop()
			late := time.AfterFunc(askWithin, func() { st.Reset() })
			ask, err := ReadAsk(bufio.NewReader(st))
			if !late.Stop() || err != nil {
				return
			}
			list, status := s.Answer(ctx, string(st.Conn().RemotePeer()), p, ask)
			if WriteAnswer(st, list, status) == nil {
				st.Close()
			}
		})
	}
}

// Unserve takes the handlers away.
func Unserve(h host.Host, name func(string) string) {
	for _, p := range protocols() {
		h.RemoveStreamHandler(protocol.ID(name(p)))
	}
}

// Over returns the Exchange with a peer of a host, whose addresses the host knows.
func Over(h host.Host, id peer.ID, name func(string) string) Exchange {
	return func(ctx context.Context, p string, ask []byte, pieces, limit int) ([][]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*within)
		defer cancel()
		s, err := h.NewStream(ctx, id, protocol.ID(name(p)))
		if err != nil {
			return nil, fmt.Errorf("no stream: %w", err)
		}
		defer s.Reset()
		stop := context.AfterFunc(ctx, func() { s.Reset() })
		defer stop()
		if err := WriteAsk(s, ask); err != nil {
			return nil, err
		}
		out, err := ReadAnswer(bufio.NewReader(s), pieces, limit)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return out, err
	}
}

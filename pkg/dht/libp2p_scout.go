package dht

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	idpb "github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"
)

// ErrWrongNet says that a peer answers and does not serve the DHT of this network.
var ErrWrongNet = errors.New("it does not serve this network")

const (
	maxAnswer   = 256 << 10 // twenty-one peers of eight addresses need a tenth of it
	maxGreeting = 1 << 10
	multistream = "/multistream/1.0.0"
)

// Scout calls nodes for a crawl, with no host around it: it dials, names the protocol together with the first request
// instead of asking first whether it is spoken, and puts all requests to a node on one stream. It answers nothing.
type Scout struct {
	Net      network.Network // the caller's, as of link.Bare
	Protocol string          // of Node.Protocol
}

// Call connects to a node.
func (s *Scout) Call(ctx context.Context, p Peer) (Talk, error) {
	ai := info(p)
	s.Net.Peerstore().AddAddrs(ai.ID, ai.Addrs, time.Minute)
	c, err := s.Net.DialPeer(ctx, ai.ID)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", ai.ID, err)
	}
	return &talk{conn: c, protocol: s.Protocol}, nil
}

// talk is one connection of a Scout.
type talk struct {
	conn     network.Conn
	protocol string
	kad      *phrase
}

// FindNode is of Talk.
func (t *talk) FindNode(ctx context.Context, key []byte) ([]Peer, error) {
	m, err := proto.Marshal(&pb.Message{Type: pb.Message_FIND_NODE, Key: key})
	if err != nil {
		return nil, err
	}
	if t.kad == nil {
		if t.kad, err = open(ctx, t.conn, t.protocol); err != nil {
			return nil, err
		}
	}
	var answer pb.Message
	if err := t.kad.ask(ctx, append(binary.AppendUvarint(nil, uint64(len(m))), m...), &answer); err != nil {
		return nil, err
	}
	return named(pb.PBPeersToPeerInfos(answer.GetCloserPeers())), nil
}

// named keeps those of an answer that can be dialled, and no more than an honest node gives: K, and the one that was asked for.
func named(list []*peer.AddrInfo) (out []Peer) {
	for _, ai := range list[:min(len(list), K+1)] {
		if addrs := dialable(ai.Addrs); len(addrs) > 0 && isPeerID(ai.ID) {
			out = append(out, Peer{ID: PeerID(ai.ID), Class: Learned, Addrs: bytesOf(addrs)})
		}
	}
	return out
}

func bytesOf(addrs []ma.Multiaddr) (out [][]byte) {
	for _, a := range addrs {
		out = append(out, a.Bytes())
	}
	return out
}

// Hello is of Talk.
func (t *talk) Hello(ctx context.Context) (h Hello, err error) {
	l, err := open(ctx, t.conn, string(identify.ID))
	if err != nil {
		return h, err
	}
	defer l.s.Reset() // the answer is whole, or nobody waits for its rest
	var m idpb.Identify
	if err := l.ask(ctx, nil, &m); err != nil {
		return h, err
	}
	h = Hello{Agent: m.GetAgentVersion(), Protocols: m.GetProtocols()}
	slices.Sort(h.Protocols)
	return h, nil
}

// HangUp is of Talk.
func (t *talk) HangUp() { t.conn.Close() }

// phrase is a stream on which one protocol is spoken.
type phrase struct {
	s     pipe
	r     *bufio.Reader
	greet []byte // what is still to be said first; its echo is the answer
}

type pipe interface {
	io.ReadWriter
	Reset() error
}

func open(ctx context.Context, c network.Conn, protocol string) (*phrase, error) {
	s, err := c.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	return begin(s, protocol), nil
}

func begin(s pipe, protocol string) *phrase {
	return &phrase{s: s, r: bufio.NewReader(s), greet: greeting(multistream, protocol)}
}

// greeting are lines of multistream-select, each uvarint length ‖ text ‖ newline.
func greeting(words ...string) (b []byte) {
	for _, w := range words {
		b = append(append(binary.AppendUvarint(b, uint64(len(w)+1)), w...), '\n')
	}
	return b
}

// ask sends a request and reads the answer to it, which is a message behind its length.
func (l *phrase) ask(ctx context.Context, request []byte, answer proto.Message) error {
	stop := context.AfterFunc(ctx, func() { l.s.Reset() })
	defer stop()
	err := l.exchange(request, answer)
	var reset *network.StreamError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &reset) && reset.Remote && reset.ErrorCode == network.StreamProtocolNegotiationFailed:
		return ErrWrongNet // its "na" was lost: the request behind the greeting makes it end the stream
	}
	return err
}

func (l *phrase) exchange(request []byte, answer proto.Message) error {
	if _, err := l.s.Write(append(slices.Clip(l.greet), request...)); err != nil {
		return err
	}
	if want := l.greet; want != nil {
		l.greet = nil
		if err := l.greeted(want); err != nil {
			return err
		}
	}
	b, err := message(l.r, maxAnswer)
	if err != nil {
		return err
	}
	return proto.Unmarshal(b, answer)
}

// greeted reads what a peer says to a greeting: the same words, or that it does not know the second.
func (l *phrase) greeted(want []byte) error {
	for len(want) > 0 {
		b, err := message(l.r, maxGreeting)
		switch {
		case err != nil:
			return err
		case string(b) == "na\n":
			return ErrWrongNet
		}
		ours, ok := bytes.CutPrefix(want, append(binary.AppendUvarint(nil, uint64(len(b))), b...))
		if !ok {
			return fmt.Errorf("greeting answered by %q", b[:min(len(b), 40)])
		}
		want = ours
	}
	return nil
}

// message reads what stands behind its length.
func message(r *bufio.Reader, most uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > most {
		return nil, fmt.Errorf("message of %d bytes", n)
	}
	var b bytes.Buffer // grows with what comes
	_, err = io.CopyN(&b, r, int64(n))
	return b.Bytes(), err
}

package dht

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"
)

// told is a stream on which all that comes is known.
type told struct{ in *bytes.Reader }

func (t told) Read(b []byte) (int, error)  { return t.in.Read(b) }
func (t told) Write(b []byte) (int, error) { return len(b), nil }
func (told) Reset() error                  { return nil }

// hear is what a Scout makes of an answer.
func hear(b []byte) ([]Peer, error) {
	t := &talk{kad: begin(told{bytes.NewReader(b)}, "/kad")}
	return t.FindNode(context.Background(), []byte("x"))
}

func framed(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }

func answerOf(t testing.TB, list ...peer.AddrInfo) []byte {
	t.Helper()
	b, err := proto.Marshal(&pb.Message{Type: pb.Message_FIND_NODE, CloserPeers: pb.RawPeerInfosToPBPeers(list)})
	if err != nil {
		t.Fatal(err)
	}
	return append(greeting(multistream, "/kad"), framed(b)...)
}

// What an honest node answers is taken; one that answers for another protocol, at length, or nonsense is told apart, and
// peers that are none are dropped.
func TestScoutHears(t *testing.T) {
	id := peer.ID(place().Peer)
	at := []ma.Multiaddr{ma.StringCast("/ip4/5.6.7.8/tcp/1")}
	long := peer.ID(strings.Repeat("x", 10_000))
	list, err := hear(answerOf(t, peer.AddrInfo{ID: id, Addrs: at}, peer.AddrInfo{ID: long, Addrs: at}, peer.AddrInfo{ID: "no", Addrs: at}, peer.AddrInfo{ID: id}))
	if err != nil || len(list) != 1 || list[0].ID != PeerID(id) || len(list[0].Addrs) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	many := make([]peer.AddrInfo, 500)
	for i := range many {
		many[i] = peer.AddrInfo{ID: id, Addrs: at}
	}
	if list, err = hear(answerOf(t, many...)); err != nil || len(list) != K+1 {
		t.Errorf("%d of 500 taken, %v", len(list), err)
	}
	hello := greeting(multistream)
	if _, err := hear(append(bytes.Clone(hello), framed([]byte("na\n"))...)); !errors.Is(err, ErrWrongNet) {
		t.Errorf("a node of another network: %v", err)
	}
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"another greeting":  greeting("/multistream/2.0.0", "/kad"),
		"another protocol":  greeting(multistream, "/kad/2"),
		"a long greeting":   framed(make([]byte, 2000)),
		"an answer too big": append(greeting(multistream, "/kad"), binary.AppendUvarint(nil, 1<<62)...),
		"an answer cut off": answerOf(t, many...)[:400],
		"no protobuf":       append(greeting(multistream, "/kad"), framed([]byte{0xff, 0xff})...),
	} {
		if list, err := hear(b); err == nil || errors.Is(err, ErrWrongNet) {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
}

// A big answer costs what has come of it.
func TestScoutMemory(t *testing.T) {
	b := append(binary.AppendUvarint(nil, maxAnswer), 1, 2, 3)
	if n := testing.AllocsPerRun(10, func() { message(bufio.NewReaderSize(bytes.NewReader(b), 16), maxAnswer) }); n > 20 {
		t.Errorf("%.0f allocations", n)
	}
	got, err := message(bufio.NewReader(bytes.NewReader(b)), maxAnswer)
	if err == nil || cap(got) > 4096 {
		t.Errorf("%d bytes held for three, %v", cap(got), err)
	}
}

// A real node of another network is told apart from one that is silent, and neither holds a crawl up.
func TestScoutMeetsStrangers(t *testing.T) {
	other := real(t, func(n *Node) { n.NetID[0]++ })
	mute := real(t, func(n *Node) { n.Server = false })
	held := make(chan struct{})
	t.Cleanup(func() { close(held) })
	s := scout(t)
	mute.Host.SetStreamHandler(protocol.ID(s.Protocol), func(network.Stream) { <-held })
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	for _, c := range []struct {
		n    *Node
		want error
	}{{other, ErrWrongNet}, {mute, context.DeadlineExceeded}} {
		talk, err := s.Call(wait(t, 5*time.Second), self(c.n))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := talk.FindNode(ctx, []byte("x")); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
		if h, err := talk.Hello(wait(t, 5*time.Second)); err != nil || h.Agent != "pars" {
			t.Errorf("%+v, %v", h, err)
		}
		talk.HangUp()
	}
}

func FuzzScoutAnswer(f *testing.F) {
	f.Add(answerOf(f, peer.AddrInfo{ID: peer.ID(place().Peer), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/5.6.7.8/tcp/1")}}))
	f.Add(append(greeting(multistream), framed([]byte("na\n"))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := hear(b)
		if err != nil && list != nil || len(list) > K+1 {
			t.Errorf("%d peers, %v", len(list), err)
		}
		for _, p := range list {
			if id, err := ParsePeerID(PeerName(p.ID)); err != nil || id != p.ID || len(p.Addrs) > maxAddrs {
				t.Errorf("%q %v", p.ID, err)
			}
		}
	})
}

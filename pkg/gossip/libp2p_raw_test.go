package gossip

import (
	"context"
	"encoding/binary"
	"io"
	"slices"
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"
)

// rawPeer is a host that speaks the router's protocol by hand.
type rawPeer struct {
	host host.Host
	mu   sync.Mutex
	rpcs []*pb.RPC
	out  network.Stream
	also []network.Stream
	heed func(*pb.RPC, peer.ID) // what it does with what it hears; nil: nothing
}

// raw adds a host that speaks the protocol by hand.
func (l *lab) raw() *rawPeer { return l.rawAt("") }

func (l *lab) rawAt(ip string) *rawPeer {
	r := &rawPeer{host: l.host(ip)}
	r.host.SetStreamHandler(pubsub.GossipSubID_v12, func(s network.Stream) {
		for {
			rpc, err := readRPC(s)
			if err != nil {
				s.Reset()
				return
			}
			r.mu.Lock()
			if r.heed == nil && len(r.rpcs) < 5000 {
				r.rpcs = append(r.rpcs, rpc)
			}
			heed := r.heed
			r.mu.Unlock()
			if heed != nil {
				heed(rpc, s.Conn().RemotePeer())
			}
		}
	})
	return r
}

func (r *rawPeer) all() []*pb.RPC {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.rpcs)
}

func (r *rawPeer) dial(l *lab, n *Node) {
	l.t.Helper()
	s, err := r.host.NewStream(context.Background(), n.Host.ID(), pubsub.GossipSubID_v12)
	if err != nil {
		l.t.Fatal(err)
	}
	r.out = s
	r.also = append(r.also, s)
}

// everyone sends to all that were dialled; one that hung up is passed over.
func (r *rawPeer) everyone(rpc *pb.RPC) {
	for _, s := range r.also {
		_ = writeRPC(s, rpc)
	}
}

// joins subscribes and asks to be a neighbour.
func (r *rawPeer) joins(l *lab) {
	r.everyone(&pb.RPC{Subscriptions: []*pb.RPC_SubOpts{{Subscribe: ptr(true), Topicid: ptr(l.cut.Topic(0))}},
		Control: &pb.ControlMessage{Graft: []*pb.ControlGraft{{TopicID: ptr(l.cut.Topic(0))}}}})
}

func (r *rawPeer) send(l *lab, rpc *pb.RPC) {
	l.t.Helper()
	if err := writeRPC(r.out, rpc); err != nil {
		l.t.Fatal(err)
	}
}

func (r *rawPeer) graft(l *lab) {
	l.t.Helper()
	r.send(l, &pb.RPC{Control: &pb.ControlMessage{Graft: []*pb.ControlGraft{{TopicID: ptr(l.cut.Topic(0))}}}})
}

func readRPC(s network.Stream) (*pb.RPC, error) {
	var n uint64
	var one [1]byte
	for shift := 0; ; shift += 7 {
		if _, err := readFull(s, one[:]); err != nil {
			return nil, err
		}
		n |= uint64(one[0]&0x7f) << shift
		if one[0] < 0x80 {
			break
		}
	}
	b := make([]byte, n)
	if _, err := readFull(s, b); err != nil {
		return nil, err
	}
	rpc := &pb.RPC{}
	return rpc, proto.Unmarshal(b, rpc)
}

func readFull(s network.Stream, b []byte) (int, error) { return io.ReadFull(s, b) }

func writeRPC(s network.Stream, rpc *pb.RPC) error {
	b, err := proto.Marshal(rpc)
	if err != nil {
		return err
	}
	_, err = s.Write(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
	return err
}

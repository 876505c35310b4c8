package gossip

import (
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"

	"github.com/pars-network/pars/pkg/envelope"
)

func (n *Node) inspected(m map[peer.ID]*pubsub.PeerScoreSnapshot) {
	scores := make(map[PeerID]scoreNow, len(m))
	for p, sc := range m {
		now := scoreNow{all: sc.Score, app: sc.AppSpecificScore, colocation: sc.IPColocationFactor, behaviour: sc.BehaviourPenalty}
		for _, t := range sc.Topics {
			now.topic += t.FirstMessageDeliveries - t.InvalidMessageDeliveries
		}
		scores[PeerID(p)] = now
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.scores = scores
}

// tracer counts. It is called inside the library's loop.
type tracer struct{ n *Node }

// OnNewOutboundStream is of pubsub.RawTracer.
func (t tracer) OnNewOutboundStream(p peer.ID, _ protocol.ID) { t.n.came(PeerID(p)) }

// OnClosedOutboundStream is of pubsub.RawTracer.
func (t tracer) OnClosedOutboundStream(p peer.ID) { t.n.went(PeerID(p)) }

// Graft is of pubsub.RawTracer.
func (t tracer) Graft(p peer.ID, topic string) { t.n.grafted(PeerID(p), topic, true) }

// Prune is of pubsub.RawTracer.
func (t tracer) Prune(p peer.ID, topic string) { t.n.grafted(PeerID(p), topic, false) }

// DuplicateMessage is of pubsub.RawTracer.
func (t tracer) DuplicateMessage(m *pubsub.Message) { t.n.repeated(PeerID(m.ReceivedFrom)) }

// RecvRPC is of pubsub.RawTracer.
func (t tracer) RecvRPC(r *pubsub.RPC) {
	payload, ids := 0, 0
	for _, m := range r.Publish {
		payload += len(m.GetData())
	}
	for _, h := range r.GetControl().GetIhave() {
		ids += len(h.GetMessageIDs())
	}
	t.n.received(PeerID(r.From()), proto.Size(&r.RPC), payload, ids)
}

// SendRPC is of pubsub.RawTracer.
func (t tracer) SendRPC(r *pubsub.RPC, to peer.ID) {
	ids := 0
	for _, w := range r.GetControl().GetIwant() {
		ids += len(w.GetMessageIDs())
	}
	if t.n.sent(PeerID(to), proto.Size(&r.RPC), ids) {
		for _, m := range r.Publish {
			t.n.handedOver(envelope.EnvelopeID(m.GetData()))
		}
	}
}

// DropRPC is of pubsub.RawTracer.
func (t tracer) DropRPC(r *pubsub.RPC, _ peer.ID) { t.n.dropped(len(r.Publish)) }

package gossip

import (
	"context"
	"slices"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/envelope"
)

// messageID is the content's id and the topic's number. Without a topic in it, an envelope that an attacker
// publishes first in another topic would be a duplicate in its own, and silenced there.
func (n *Node) messageID(m *pb.Message) string {
	id := envelope.EnvelopeID(m.GetData())
	if n.public(m.GetTopic()) != nil {
		return string(id[:]) + m.GetTopic()
	}
	topic, _ := n.Cut.ParseTopic(m.GetTopic())
	return string(id[:]) + string([]byte{topic})
}

// filter lets only the network's topics in.
type filter struct{ n *Node }

// CanSubscribe is of pubsub.SubscriptionFilter.
func (f filter) CanSubscribe(topic string) bool {
	_, err := f.n.Cut.ParseTopic(topic)
	return err == nil || f.n.public(topic) != nil
}

// FilterIncomingSubscriptions is of pubsub.SubscriptionFilter.
func (f filter) FilterIncomingSubscriptions(_ peer.ID, list []*pb.RPC_SubOpts) ([]*pb.RPC_SubOpts, error) {
	if len(list) > 2*f.n.Cut.Topics() {
		return nil, pubsub.ErrTooManySubscriptions
	}
	return slices.DeleteFunc(slices.Clone(list), func(o *pb.RPC_SubOpts) bool { return !f.CanSubscribe(o.GetTopicid()) }), nil
}

// inspect drops the messages of a peer that sends too much, before any is hashed or marked as seen: else a
// copy that was refused for its bearer would silence the honest ones. Its control passes.
func (n *Node) inspect(p peer.ID, rpc *pubsub.RPC) error {
	if len(rpc.Publish) == 0 {
		return nil
	}
	bytes := 0
	for _, m := range rpc.Publish {
		bytes += len(m.GetData())
	}
	t, _ := n.trust(PeerID(p))
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.congested(t) || !n.quota.Allow(PeerID(p), len(rpc.Publish), bytes, t == Contact, n.Now()) {
		n.count.Refused[OverQuota] += uint64(len(rpc.Publish))
		rpc.Publish = nil
	}
	return nil
}

// validate is asked once for each message that was not seen before, own ones too.
func (n *Node) validate(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if p := n.public(m.GetTopic()); p != nil {
		return n.judgePublic(p, PeerID(from), m.GetData())
	}
	topic, err := n.Cut.ParseTopic(m.GetTopic())
	if err != nil {
		return pubsub.ValidationReject
	}
	v, cause := n.judge(topic, PeerID(from), m.GetData())
	if v == Accept {
		return pubsub.ValidationAccept
	}
	n.refuse(cause)
	if v == Reject {
		return pubsub.ValidationReject
	}
	return pubsub.ValidationIgnore
}

package gossip

import (
	"net"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p-pubsub/timecache"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/wire"
)

func (n *Node) options(p Params) ([]pubsub.Option, error) {
	gs := pubsub.DefaultGossipSubParams()
	gs.D, gs.Dlo, gs.Dhi, gs.Dout, gs.Dscore, gs.Dlazy, gs.GossipFactor = p.D, p.Dlo, p.Dhi, p.Dout, p.Dscore, p.Dlazy, p.Factor
	gs.HeartbeatInterval, gs.HistoryLength, gs.HistoryGossip, gs.PruneBackoff = p.Heartbeat, p.History, p.Gossip, p.Backoff
	gs.MaxIHaveMessages, gs.MaxIHaveLength = p.MaxIHaveMessages, p.MaxIHaveLength
	gs.OpportunisticGraftTicks = p.GraftEvery
	var direct []peer.AddrInfo
	for _, s := range n.Direct {
		ai, err := peer.AddrInfoFromString(s)
		if err != nil {
			return nil, wire.Invalid("peer %q: a multiaddr ending in /p2p/PEER_ID is needed", s)
		}
		direct = append(direct, *ai)
	}
	opts := []pubsub.Option{
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), // the policy alone still sends who wrote it
		pubsub.WithMessageIdFn(n.messageID), // without an author the library's own id is empty for all messages
		pubsub.WithMaxMessageSize(p.MaxMessage), pubsub.WithMaxControlMessageSize(p.MaxControl),
		pubsub.WithSeenMessagesTTL(p.SeenFor), pubsub.WithSeenMessagesStrategy(timecache.Strategy_LastSeen),
		pubsub.WithGossipSubParams(gs), pubsub.WithFloodPublish(false), pubsub.WithPeerExchange(false), pubsub.WithDirectPeers(direct),
		pubsub.WithPeerGater(pubsub.DefaultPeerGaterParams()), pubsub.WithSubscriptionFilter(filter{n}),
		pubsub.WithPeerOutboundQueueSize(p.SendQueue), pubsub.WithValidateQueueSize(p.ValidateQueue), pubsub.WithValidateThrottle(p.ValidateLimit),
		pubsub.WithDefaultValidator(n.validate, pubsub.WithValidatorInline(n.Policy == nil)),
		pubsub.WithAppSpecificRpcInspector(n.inspect), pubsub.WithRawTracer(tracer{n}),
	}
	if n.noScore {
		return opts, nil
	}
	score, limits := n.scoring(ScoreRules())
	return append(opts, pubsub.WithPeerScore(score, limits), pubsub.WithPeerScoreInspect(n.inspected, time.Second)), nil
}

// scoring writes the weights the way the library takes them.
func (n *Node) scoring(s Score) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	topic := &pubsub.TopicScoreParams{SkipAtomicValidation: true, TopicWeight: 1,
		TimeInMeshWeight: s.MeshTimeWeight, TimeInMeshQuantum: time.Second, TimeInMeshCap: s.MeshTimeCap,
		FirstMessageDeliveriesWeight: s.FirstWeight, FirstMessageDeliveriesCap: s.FirstCap, FirstMessageDeliveriesDecay: s.FirstDecay,
		MeshMessageDeliveriesWeight: s.MeshDeliveryWeight, MeshFailurePenaltyWeight: s.MeshFailurePenalty,
		InvalidMessageDeliveriesWeight: s.InvalidWeight, InvalidMessageDeliveriesDecay: s.InvalidDecay}
	params := &pubsub.PeerScoreParams{Topics: map[string]*pubsub.TopicScoreParams{}, TopicScoreCap: s.TopicCap,
		AppSpecificWeight: 1, AppSpecificScore: func(p peer.ID) float64 {
			t, stake := n.trust(PeerID(p))
			return t.AppScore(stake)
		},
		IPColocationFactorWeight: s.ColocationWeight, IPColocationFactorThreshold: s.ColocationThreshold,
		BehaviourPenaltyWeight: s.BehaviourWeight, BehaviourPenaltyThreshold: s.BehaviourThreshold, BehaviourPenaltyDecay: s.BehaviourDecay,
		DecayInterval: s.Decay, DecayToZero: 0.01, RetainScore: s.Retain}
	for i := range n.Cut.Topics() {
		params.Topics[n.Cut.Topic(uint8(i))] = topic
	}
	for i := range n.Public {
		params.Topics[n.publicName(&n.Public[i])] = topic
	}
	for _, p := range Exempt(n.Exempt) {
		params.IPColocationFactorWhitelist = append(params.IPColocationFactorWhitelist,
			&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	return params, &pubsub.PeerScoreThresholds{GossipThreshold: s.Gossip, PublishThreshold: s.Publish, GraylistThreshold: s.Graylist,
		AcceptPXThreshold: s.PX, OpportunisticGraftThreshold: s.Graft}
}

func (n *Node) trust(p PeerID) (Trust, float64) {
	if n.Trust == nil {
		return Stranger, 0
	}
	return n.Trust(p)
}

func (n *Node) roundTrip(p PeerID) time.Duration { return n.Host.Peerstore().LatencyEWMA(peer.ID(p)) }

package gossip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p-pubsub/timecache"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// Node is one running instance of the overlay. Set the fields, Start, Close. The host is the caller's and
// outlives it. Functions among the fields are called on any goroutine and must not block, but for Deliver.
type Node struct {
	Host   host.Host
	Rules  // NetID, Genesis, StampBits
	Cut    Cut
	Relay  bool    // serves topics for others
	Shards int     // how many; 0 all
	Topics []uint8 // read beside those of Groups
	Now    func() time.Time
	Rand   io.Reader // safe for several goroutines
	Secret [32]byte  // draws the cover
	Quiet  bool      // publish later, so that the first hop tells less
	// LineRate is how many bytes a second all of it may send; 0: no limit. Above it what strangers hand over is dropped.
	LineRate float64

	Groups  func() [][32]byte             // R of each session; nil: none
	Mine    func(tag [16]byte) bool       // the tag is of a session here; nil: of none
	Deliver func(Heard)                   // called on one goroutine for each envelope that is Mine, or with All for each
	All     bool                          // deliver what is not Mine too
	Trust   func(PeerID) (Trust, float64) // and stake of a relay; nil: all are strangers
	Direct  []string                      // multiaddrs of contacts and anchors, to which everything is passed
	Exempt  []netip.Prefix                // further networks in which many share an address
	Policy  Policy                        // of an operator; nil: none
	Mail    *Mailbox                      // kept for who is away; nil: none

	noScore bool // for the tests that show what scoring is good for
	params  *Params

	ps            *pubsub.PubSub
	cancel        context.CancelFunc
	run           sync.WaitGroup
	heard         *inbox
	wake, refresh chan struct{}

	topicMu sync.Mutex // guards topics
	topics  map[uint8]*joined

	mu      sync.Mutex // guards all below
	closed  bool
	mode    Mode
	out     outgoing
	tracked map[envelope.ID]int // own messages on their way: handed to how many
	budget  Bucket
	line    Bucket
	quota   Quota
	seen    Seen[envelope.ID]
	passed  Seen[placed]
	count   Metrics
	latency Samples
	peers   map[PeerID]*neighbour
	scores  map[PeerID]scoreNow
}

// joined is a topic that is read, or only written.
type joined struct {
	topic *pubsub.Topic
	leave pubsub.RelayCancelFunc // nil: only written
}

// Start begins to read and pass on. Without a mode set before, it is Normal.
func (n *Node) Start(ctx context.Context) error {
	p := ParamsFor(n.Relay)
	if n.params != nil {
		p = *n.params
	}
	if err := p.Check(); err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	n.heard, n.wake, n.refresh = newInbox(), make(chan struct{}, 1), make(chan struct{}, 1)
	n.topics, n.tracked, n.peers = map[uint8]*joined{}, map[envelope.ID]int{}, map[PeerID]*neighbour{}
	n.count.Refused = map[Cause]uint64{}
	n.line = Bucket{Rate: n.LineRate, Burst: n.LineRate}
	if n.mode == (Mode{}) {
		n.mode = Normal()
	}
	ctx, n.cancel = context.WithCancel(ctx)
	opts, err := n.options(p)
	if err == nil {
		n.ps, err = pubsub.NewGossipSub(ctx, n.Host, opts...)
	}
	if err != nil {
		n.cancel()
		return fmt.Errorf("start gossip: %w", err)
	}
	if n.Mail != nil {
		n.Host.SetStreamHandler(n.protocol("mail/1"), n.serveStream)
	}
	n.run.Go(func() { n.send(ctx) })
	n.run.Go(func() { n.tend(ctx) })
	n.run.Go(n.hand)
	return nil
}

// Close leaves the overlay and waits for what runs.
func (n *Node) Close() error {
	if n.cancel == nil {
		return nil
	}
	if n.Mail != nil {
		n.Host.RemoveStreamHandler(n.protocol("mail/1"))
	}
	n.cancel()
	n.heard.close()
	n.run.Wait()
	return nil
}

func (n *Node) self() string { return string(n.Host.ID()) }

func (n *Node) protocol(suffix string) protocol.ID {
	return protocol.ID("/pars/" + n.Cut.NetID8 + "/" + suffix)
}

// hand gives what was heard to the reader, one after the other.
func (n *Node) hand() {
	for {
		h, ok := n.heard.take()
		if !ok {
			return
		}
		n.Deliver(h)
	}
}

// messageID is the content's id and the topic's number. Without a topic in it, an envelope that an attacker
// publishes first in another topic would be a duplicate in its own, and silenced there.
func (n *Node) messageID(m *pb.Message) string {
	id := envelope.EnvelopeID(m.GetData())
	topic, _ := n.Cut.ParseTopic(m.GetTopic())
	return string(id[:]) + string([]byte{topic})
}

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

// filter lets only the network's topics in.
type filter struct{ n *Node }

// CanSubscribe is of pubsub.SubscriptionFilter.
func (f filter) CanSubscribe(topic string) bool {
	_, err := f.n.Cut.ParseTopic(topic)
	return err == nil
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

// settle joins the topics of want and leaves all others that were read.
func (n *Node) settle(want []uint8) {
	n.topicMu.Lock()
	defer n.topicMu.Unlock()
	for _, i := range slices.Sorted(maps.Keys(n.topics)) {
		if j := n.topics[i]; j.leave != nil && !slices.Contains(want, i) {
			n.drop(i, j)
		}
	}
	for _, i := range want {
		j := n.topics[i]
		if j != nil && j.leave != nil {
			continue
		}
		if j != nil {
			n.drop(i, j)
		}
		t, err := n.ps.Join(n.Cut.Topic(i))
		if err != nil {
			continue // closing
		}
		if leave, err := t.Relay(); err == nil {
			n.topics[i] = &joined{t, leave}
		}
	}
}

func (n *Node) drop(i uint8, j *joined) {
	if j.leave != nil {
		j.leave()
	}
	j.topic.Close() // fails only when it is in use, or all is closing
	delete(n.topics, i)
}

// Joined returns the numbers of the topics that are read.
func (n *Node) Joined() []uint8 {
	n.topicMu.Lock()
	defer n.topicMu.Unlock()
	var out []uint8
	for i, j := range n.topics {
		if j.leave != nil {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

// handle returns a topic to write to; one that is not read is opened for writing alone.
func (n *Node) handle(i uint8) (*pubsub.Topic, error) {
	n.topicMu.Lock()
	defer n.topicMu.Unlock()
	if j := n.topics[i]; j != nil {
		return j.topic, nil
	}
	t, err := n.ps.Join(n.Cut.Topic(i), pubsub.FanoutOnly())
	if err != nil {
		return nil, err
	}
	n.topics[i] = &joined{topic: t}
	return t, nil
}

func (n *Node) publish(ctx context.Context, i uint8, env []byte) error {
	t, err := n.handle(i)
	if err != nil {
		return err
	}
	err = t.Publish(ctx, env)
	if errors.Is(err, pubsub.ErrTopicClosed) { // left between the two lines above
		if t, err = n.handle(i); err == nil {
			err = t.Publish(ctx, env)
		}
	}
	var seen pubsub.ValidationError
	if errors.As(err, &seen) {
		return nil // heard already: it is on its way
	}
	return err
}

// Connect dials a peer named by a multiaddr that ends in /p2p/PEER_ID.
func (n *Node) Connect(ctx context.Context, addr string) (PeerID, error) {
	ai, err := peer.AddrInfoFromString(addr)
	if err != nil {
		return "", wire.Invalid("peer %q: a multiaddr ending in /p2p/PEER_ID is needed", addr)
	}
	if err := n.Host.Connect(ctx, *ai); err != nil {
		return "", fmt.Errorf("connect to %s: %w", ai.ID, err)
	}
	return PeerID(ai.ID), nil
}

// Self returns this node's addresses as others dial them.
func (n *Node) Self() (id string, addrs []string) {
	id = n.Host.ID().String()
	list := n.Host.Addrs()
	if len(list) == 0 {
		list, _ = n.Host.Network().InterfaceListenAddresses()
	}
	for _, a := range list {
		addrs = append(addrs, a.String()+"/p2p/"+id)
	}
	return id, addrs
}

// Name writes a peer id the usual way.
func (p PeerID) Name() string { return peer.ID(p).String() }

const streamLimit = time.Minute

// serveStream answers one stream of the mailbox.
func (n *Node) serveStream(s network.Stream) {
	p := PeerID(s.Conn().RemotePeer())
	t, _ := n.trust(p)
	err := n.Mail.serveMail(patientStream{s, n.Now}, Depositor{p, string(p), t}, n.Policy, n.Now)
	if err != nil {
		s.Reset()
		return
	}
	s.Close()
}

// patientStream gives each read and write its own time.
type patientStream struct {
	network.Stream
	now func() time.Time
}

// Read is of io.Reader.
func (p patientStream) Read(b []byte) (int, error) {
	p.SetReadDeadline(p.now().Add(streamLimit)) // a transport without deadlines ends with its connection
	return p.Stream.Read(b)
}

// Write is of io.Writer.
func (p patientStream) Write(b []byte) (int, error) {
	p.SetWriteDeadline(p.now().Add(streamLimit))
	return p.Stream.Write(b)
}

// withMail opens a stream to the mailbox of a connected or known peer.
func (n *Node) withMail(ctx context.Context, to PeerID, f func(*mailClient) error) error {
	s, err := n.Host.NewStream(ctx, peer.ID(to), n.protocol("mail/1"))
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { s.Reset() })
	defer stop()
	if err := f(newMailClient(patientStream{s, n.Now})); err != nil {
		s.Reset()
		return errors.Join(ctx.Err(), err)
	}
	return s.Close()
}

// Storers returns the connected peers that keep mail.
func (n *Node) Storers() (out []PeerID) {
	for _, p := range n.Host.Network().Peers() {
		if ok, err := n.Host.Peerstore().SupportsProtocols(p, n.protocol("mail/1")); err == nil && len(ok) > 0 {
			out = append(out, PeerID(p))
		}
	}
	return out
}

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

// topicPeers returns the connected peers that read a topic.
func (n *Node) topicPeers(i uint8) (out []PeerID) {
	for _, p := range n.ps.ListPeers(n.Cut.Topic(i)) {
		out = append(out, PeerID(p))
	}
	return out
}

func (n *Node) roundTrip(p PeerID) time.Duration { return n.Host.Peerstore().LatencyEWMA(peer.ID(p)) }

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

// Join is of pubsub.RawTracer.
func (tracer) Join(string) {}

// Leave is of pubsub.RawTracer.
func (tracer) Leave(string) {}

// ValidateMessage is of pubsub.RawTracer.
func (tracer) ValidateMessage(*pubsub.Message) {}

// DeliverMessage is of pubsub.RawTracer.
func (tracer) DeliverMessage(*pubsub.Message) {}

// RejectMessage is of pubsub.RawTracer; the validator counts by cause.
func (tracer) RejectMessage(*pubsub.Message, string) {}

// ThrottlePeer is of pubsub.RawTracer.
func (tracer) ThrottlePeer(peer.ID) {}

// UndeliverableMessage is of pubsub.RawTracer; nothing is subscribed.
func (tracer) UndeliverableMessage(*pubsub.Message) {}

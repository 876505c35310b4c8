package gossip

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

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
	Public  []Public                      // topics of messages that are not sealed

	noScore bool // for the tests that show what scoring is good for
	params  *Params

	ps            *pubsub.PubSub
	cancel        context.CancelFunc
	run           sync.WaitGroup
	heard         *inbox
	wake, refresh chan struct{}

	topicMu sync.Mutex // guards topics, open
	topics  map[uint8]*joined
	open    map[string]*joined // public ones, by their full name

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

// Start begins to read and pass on. Without a mode set before, it is Normal.
func (n *Node) Start(ctx context.Context) error {
	p := DefaultParams()
	if n.params != nil {
		p = *n.params
	}
	if err := p.Check(); err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	n.heard, n.wake, n.refresh = newInbox(), make(chan struct{}, 1), make(chan struct{}, 1)
	n.topics, n.tracked, n.peers = map[uint8]*joined{}, map[envelope.ID]int{}, map[PeerID]*neighbour{}
	n.open = map[string]*joined{}
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

package gossip

import (
	"context"
	"errors"
	"fmt"

	pubsub "github.com/libp2p/go-libp2p-pubsub"

	"github.com/pars-network/pars/pkg/wire"
)

// Public is a topic of messages that are not sealed, because everybody may read them and can judge them. Only nodes that
// name it take part.
type Public struct {
	Name string // below /pars/<netid8>/g/, and not one of a shard
	Max  int    // bytes of a message
	// Judge decides whether a message is passed on. It is called on several goroutines, once for each message. Reject is for
	// what no honest peer can have passed on: it costs the bearer its place.
	Judge func(from PeerID, b []byte) Verdict
}

// ErrPublic says that a node takes no part in a public topic, or not now.
var ErrPublic = errors.New("not in this topic")

func (n *Node) publicName(p *Public) string { return "/pars/" + n.Cut.NetID8 + "/g/" + p.Name }

// public finds the topic of a full name, or nil.
func (n *Node) public(topic string) *Public {
	for i := range n.Public {
		if n.publicName(&n.Public[i]) == topic {
			return &n.Public[i]
		}
	}
	return nil
}

// settlePublic joins them while topics are read, and leaves them else.
func (n *Node) settlePublic(live bool) {
	n.topicMu.Lock()
	defer n.topicMu.Unlock()
	for i := range n.Public {
		name := n.publicName(&n.Public[i])
		j := n.open[name]
		switch {
		case !live && j != nil:
			j.leave()
			j.topic.Close()
			delete(n.open, name)
		case live && j == nil:
			t, err := n.ps.Join(name)
			if err != nil {
				continue // closing
			}
			if leave, err := t.Relay(); err == nil {
				n.open[name] = &joined{t, leave}
			}
		}
	}
}

// PublishPublic hands a message of one's own to the readers of a public topic, without a delay: it does not tell who was
// the first to have it more than any other.
func (n *Node) PublishPublic(ctx context.Context, name string, b []byte) error {
	for i := range n.Public {
		p := &n.Public[i]
		if p.Name != name {
			continue
		}
		if len(b) == 0 || len(b) > p.Max {
			return wire.Invalid("message of %d bytes", len(b))
		}
		n.topicMu.Lock()
		j := n.open[n.publicName(p)]
		n.topicMu.Unlock()
		if j == nil {
			break
		}
		err := j.topic.Publish(ctx, b)
		var seen pubsub.ValidationError
		if errors.As(err, &seen) {
			return nil // heard already
		}
		return err
	}
	return fmt.Errorf("%s: %w", name, ErrPublic)
}

// PublicPeers counts the connected peers that read a public topic.
func (n *Node) PublicPeers(name string) int {
	if n.ps == nil {
		return 0
	}
	return len(n.ps.ListPeers("/pars/" + n.Cut.NetID8 + "/g/" + name))
}

// judgePublic is validate for a public topic.
func (n *Node) judgePublic(p *Public, from PeerID, b []byte) pubsub.ValidationResult {
	if string(from) == n.self() {
		return pubsub.ValidationAccept
	}
	if len(b) == 0 || len(b) > p.Max {
		return pubsub.ValidationReject
	}
	switch p.Judge(from, b) {
	case Accept:
		return pubsub.ValidationAccept
	case Reject:
		return pubsub.ValidationReject
	}
	return pubsub.ValidationIgnore
}

package gossip

import (
	"context"
	"errors"
	"maps"
	"slices"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
)

// joined is a topic that is read, or only written.
type joined struct {
	topic *pubsub.Topic
	leave pubsub.RelayCancelFunc // nil: only written
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

// topicPeers returns the connected peers that read a topic.
func (n *Node) topicPeers(i uint8) (out []PeerID) {
	for _, p := range n.ps.ListPeers(n.Cut.Topic(i)) {
		out = append(out, PeerID(p))
	}
	return out
}

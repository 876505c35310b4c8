package gossip

import (
	"slices"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
)

// PeerStats is what the overlay knows of one peer.
type PeerStats struct {
	ID                                       PeerID
	Topics                                   []uint8 // that it reads, of the network's
	Mesh                                     []uint8 // in which it is a neighbour
	Score, App, Colocation, Behaviour, Topic float64
	RTT                                      time.Duration
	In, Out, Dup                             uint64
}

// neighbour is what the overlay did with one peer.
type neighbour struct {
	mesh         map[uint8]bool
	in, out, dup uint64
}

// scoreNow is a peer's score and its parts.
type scoreNow struct{ all, app, colocation, behaviour, topic float64 }

// Peers returns the connected peers that speak gossip, by id.
func (n *Node) Peers() []PeerStats {
	reads := map[PeerID][]uint8{}
	for i := range n.Cut.Topics() {
		for _, p := range n.topicPeers(uint8(i)) {
			reads[p] = append(reads[p], uint8(i))
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []PeerStats
	for id, nb := range n.peers {
		sc := n.scores[id]
		s := PeerStats{ID: id, Topics: reads[id], Score: sc.all, App: sc.app, Colocation: sc.colocation, Behaviour: sc.behaviour, Topic: sc.topic,
			In: nb.in, Out: nb.out, Dup: nb.dup, RTT: n.roundTrip(id)}
		for t := range nb.mesh {
			s.Mesh = append(s.Mesh, t)
		}
		slices.Sort(s.Mesh)
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b PeerStats) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// readers returns how many connected peers read a topic.
func (n *Node) readers(i uint8) int { return len(n.topicPeers(i)) }

// near returns what is counted of a peer. The caller holds mu.
func (n *Node) near(p PeerID) *neighbour {
	nb := n.peers[p]
	if nb == nil {
		nb = &neighbour{mesh: map[uint8]bool{}}
		n.peers[p] = nb
	}
	return nb
}

func (n *Node) came(p PeerID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.near(p)
}

func (n *Node) went(p PeerID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.peers, p)
}

func (n *Node) grafted(p PeerID, topic string, in bool) {
	i, err := n.Cut.ParseTopic(topic)
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if in {
		n.near(p).mesh[i] = true
		n.count.Grafts++
		return
	}
	if nb := n.peers[p]; nb != nil {
		delete(nb.mesh, i)
	}
	n.count.Prunes++
}

func (n *Node) repeated(from PeerID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if nb := n.peers[from]; nb != nil {
		nb.dup++
	}
	n.count.Duplicates++
}

func (n *Node) received(from PeerID, size, payload, ihave int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if nb := n.peers[from]; nb != nil {
		nb.in += uint64(size)
	}
	n.count.In += uint64(size)
	n.count.Control += uint64(size - payload)
	n.count.IHave += uint64(ihave)
}

// sent reports whether own messages are on their way, so that the caller looks for them.
func (n *Node) sent(to PeerID, size, iwant int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if nb := n.peers[to]; nb != nil {
		nb.out += uint64(size)
	}
	n.count.Out += uint64(size)
	n.count.IWant += uint64(iwant)
	n.budget.Spend(float64(size), n.Now())
	n.line.Spend(float64(size), n.Now())
	return len(n.tracked) > 0
}

func (n *Node) handedOver(id envelope.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.tracked[id]; ok {
		n.tracked[id]++
	}
}

func (n *Node) dropped(messages int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count.Dropped += uint64(messages)
}

// congested reports whether more was sent than the line may carry, so that what strangers bring has to wait for
// others to bring it. The caller holds mu.
func (n *Node) congested(t Trust) bool {
	return n.LineRate > 0 && t < Friend && n.line.Debt(n.Now()) > 0
}

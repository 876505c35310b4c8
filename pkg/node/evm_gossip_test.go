package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/gossip"
)

// TestChainByGossip: what a node with servers learns goes over gossip to one that asks nobody, and through it to the
// next; what is forged goes no further.
func TestChainByGossip(t *testing.T) {
	l := newChainLab(t)
	one := l.node(tempHome(t), true, nil)
	l.follows(one, labHead)
	at := one.Addrs()[0]
	quiet := func(peers ...string) func(*Node) { return func(n *Node) { n.Peers, n.NoDHT = peers, true } }
	two := l.node(tempHome(t), false, quiet(at))
	three := l.node(tempHome(t), false, quiet(two.Addrs()[0]))
	l.follows(two, labHead) // by the protocol: who begins needs a committee
	l.follows(three, labHead)
	until(t, "they hear each other", func() bool {
		return two.mail.g.PublicPeers(two.chain.topicName()) == 2 && three.mail.g.PublicPeers(three.chain.topicName()) == 1
	})
	for _, n := range []*Node{two, three} { // nobody is asked from now on
		n.chain.c.Lights, n.chain.c.Peers = nil, nil
	}
	u := l.c.Update(labHead+1, l.c.All())
	clear(u.NextBranch)
	good := u.Encode(l.c.Spec, light.KindOptimistic)
	u.Signature[7] ^= 1
	forged := u.Encode(l.c.Spec, light.KindOptimistic)
	for name, b := range map[string][]byte{"forged": forged, "torn": good[:50], "a checkpoint": l.c.Bootstrap(labHead).Encode(l.c.Spec)} {
		k := light.KindOptimistic
		if name == "a checkpoint" {
			k = light.KindBootstrap
		}
		if v := two.chain.judge("x", append(append(two.chain.tag(), byte(k)), b...)); v != gossip.Reject {
			t.Errorf("%s: %v", name, v)
		}
	}
	if v := two.chain.judge("x", append(append(two.chain.tag(), byte(light.KindOptimistic)), l.c.Update(labHead-1, l.c.All()).Encode(l.c.Spec, light.KindOptimistic)...)); v != gossip.Ignore {
		t.Errorf("old: %v", v)
	}
	if st := two.chain.status(); st.Slot != labHead {
		t.Errorf("a refused update moved the head: %+v", st)
	}
	l.skew.Add((labNext - labHead - 1) * 10)
	for slot := uint64(labHead + 2); slot <= labNext; slot++ { // the first may find no mesh yet; a chain goes on
		l.beacon.Move(slot)
		l.follows(one, slot)
		if two.chain.status().Heard > 0 && three.chain.status().Heard > 0 {
			continue
		}
		for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end) && three.chain.status().Heard == 0; {
			<-time.After(5 * time.Millisecond)
		}
	}
	until(t, "the head came by gossip", func() bool { return three.chain.status().Slot == labNext && two.chain.status().Slot == labNext })
	if st := three.chain.status(); st.Heard == 0 || st.From[:6] != "gossip" || st.State != "following" {
		t.Errorf("%+v", st)
	}
}

// TestFlood: forged updates cost few verifications, of one bearer and of a crowd; who brings true ones beside is heard.
func TestFlood(t *testing.T) {
	l := newChainLab(t)
	n := l.node(tempHome(t), true, func(n *Node) { n.NoDHT = true })
	l.follows(n, labHead)
	u := l.c.Update(labHead+1, l.c.All())
	clear(u.NextBranch)
	message := func() []byte {
		return append(append(n.chain.tag(), byte(light.KindOptimistic)), u.Encode(l.c.Spec, light.KindOptimistic)...)
	}
	good := u.Signature
	flood := func(bearers int) (rejected int) {
		for i := range 200 {
			u.Signature[9] = byte(i)
			if n.chain.judge(gossip.PeerID(fmt.Sprint(i%bearers)), message()) == gossip.Reject {
				rejected++
			}
		}
		return rejected
	}
	if got := flood(1); got < 1 || got > falseBurst+2 {
		t.Errorf("%d signatures of one bearer were looked at", got)
	}
	if got := flood(200); got > falseAll*falseBurst {
		t.Errorf("%d signatures of a crowd were looked at", got)
	}
	l.skew.Add(5)
	u.Signature = good
	if v := n.chain.judge("honest", message()); v != gossip.Accept {
		t.Errorf("a true one beside: %v", v)
	}
}

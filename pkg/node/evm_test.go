package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/gateway/libp2p"
	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/evm/teller"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/profile"
)

const (
	labHead = 152 // where the servers begin
	labNext = 177
)

// chainLab is a chain that began 153 slots ago, with servers of it, and a clock that jumps.
type chainLab struct {
	t      *testing.T
	c      *evmtest.Chain
	beacon *evmtest.Beacon
	rpc    *evmtest.RPC
	urls   [2]string
	skew   atomic.Int64 // seconds
	p      *profile.Profile
	seed   string
}

// labChain is made once: its blocks do not depend on who looks.
var labChain = sync.OnceValue(func() *evmtest.Chain {
	return evmtest.NewAt(labNext+3, uint64(time.Now().Unix()-(labHead+1)*10-2))
})

func newChainLab(t *testing.T) *chainLab {
	t.Helper()
	l := &chainLab{t: t, c: labChain()}
	now := l.c.Spec.TimeOf(labHead+2) + 2
	l.skew.Store(now - time.Now().Unix())
	l.beacon, l.rpc = &evmtest.Beacon{Chain: l.c, Head: labHead}, &evmtest.RPC{Chain: l.c, Head: labHead + 1}
	for i, h := range []http.Handler{l.beacon, l.rpc} {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		l.urls[i] = s.URL
	}
	p := *testProfile(t, "devnet")
	p.ChainID, p.Chain = l.c.Profile.ChainID, l.c.Profile.Chain
	l.p = &p
	l.seed = seederOf(t, l.p)
	return l
}

func (l *chainLab) now() time.Time { return time.Now().Add(time.Duration(l.skew.Load()) * time.Second) }

// later moves clock and servers to the last slots.
func (l *chainLab) later() {
	l.beacon.Move(labNext)
	l.rpc.Move(labNext + 1)
	l.skew.Add((labNext - labHead - 1) * 10)
}

func (l *chainLab) config(dir string) HomeConfig {
	return HomeConfig{Dir: dir, Profile: l.p, Clock: l.now}
}

// node runs one on loopback that begins at a checkpoint; with servers it is a gateway.
func (l *chainLab) node(dir string, servers bool, more func(*Node)) *Node {
	l.t.Helper()
	h, err := OpenHome(l.config(dir), true)
	if err != nil {
		l.t.Fatal(err)
	}
	ch := &Chain{Profile: l.p, Checkpoint: evm.Hash(l.c.Root(136))}
	if servers {
		ch.Beacon, ch.RPC, ch.Gateway = l.urls[:1], l.urls[1:], true
	}
	n := &Node{Home: h, Profile: l.p, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, NoMDNS: true, NoResolve: true, Peers: []string{l.seed}, Chain: ch}
	if more != nil {
		more(n)
	}
	if err := n.Start(l.t.Context()); err != nil {
		h.Close()
		l.t.Fatal(err)
	}
	n.chain.delay = time.Millisecond
	l.t.Cleanup(func() { n.Close() })
	return n
}

// nudge lets a node look at the chain now and then until something holds: more often, and gateways call it a flood.
func (l *chainLab) nudge(n *Node, what string, ok func() bool) {
	l.t.Helper()
	var last time.Time
	until(l.t, what, func() bool {
		if time.Since(last) > 300*time.Millisecond {
			n.chain.kick()
			last = time.Now()
		}
		return ok()
	})
}

// follows waits for a head.
func (l *chainLab) follows(n *Node, slot uint64) {
	l.t.Helper()
	l.nudge(n, fmt.Sprintf("head %d", slot), func() bool { return n.chain.status().Slot >= slot })
}

// meets waits until a node knows gateways.
func (l *chainLab) meets(n *Node, gates int) {
	l.t.Helper()
	l.nudge(n, "gateways are known", func() bool {
		n.chain.mu.Lock()
		if len(n.chain.gates) < gates && !n.chain.busy {
			n.chain.search = pace{}
		}
		n.chain.mu.Unlock()
		return n.chain.status().Gateways >= gates
	})
}

// TestChainByGateways: a node that knows no server of the chain finds gateways by their role, follows, reads, and its
// transaction, queued before there was anybody, is included and final by proof. Its programs have all this by the socket.
func TestChainByGateways(t *testing.T) {
	l := newChainLab(t)
	dir := tempHome(t)
	light := l.node(dir, false, nil)
	a, chain := teller.Dial(t.Context(), dir)
	if a == nil || chain.ID != l.p.ChainID {
		t.Fatalf("socket: %v %+v", a, chain)
	}
	raw, err := l.c.Blocks[labHead+1].Transactions()[0].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if done, err := a.Send(t.Context(), teller.Sending{ID: [16]byte{1}, Raw: raw}); err != nil || done.Why == "" || done.Entry.State != "signed" {
		t.Fatalf("queued alone: %+v %v", done, err)
	}
	one, two := l.node(tempHome(t), true, nil), l.node(tempHome(t), true, nil)
	l.follows(one, labHead)
	l.follows(two, labHead)
	l.meets(light, 2)
	l.follows(light, labHead)
	if st := light.chain.status(); st.State != "following" || st.From == "" || st.Queue["signed"]+st.Queue["sent"] != 1 {
		t.Errorf("status %+v", st)
	}
	acc, m, err := light.chain.c.Account(t.Context(), evm.Address(evmtest.Payee()), "")
	if err != nil || acc.Balance.Sign() == 0 || m.Block < labHead {
		t.Errorf("balance %v %+v %v", acc.Balance, m, err)
	}
	until(t, "it is sent", func() bool { l.rpc.Lock(); defer l.rpc.Unlock(); return len(l.rpc.Sent) > 0 })
	l.rpc.Lock()
	if !bytes.Equal(l.rpc.Sent[0], raw) {
		t.Error("other bytes were sent")
	}
	l.rpc.Unlock()
	l.later()
	l.follows(one, labNext)
	l.follows(two, labNext)
	l.nudge(light, "it is final", func() bool { return light.chain.status().Queue["final"] == 1 })
	l.program(t, a)
}

// program reads through the running node as pars-evm does.
func (l *chainLab) program(t *testing.T, a teller.API) {
	var list []teller.Entry
	if err := a.Queue(t.Context(), func(e teller.Entry) error { list = append(list, e); return nil }); err != nil || len(list) != 1 || list[0].Block != labHead+1 {
		t.Errorf("queue %+v %v", list, err)
	}
	cl := &evm.Client{Profile: l.p, Now: l.now, Checkpoint: evm.Hash(l.c.Root(136))}
	if err := cl.Open(); err != nil {
		t.Fatal(err)
	}
	cl.Peers = func() []evm.Peer { return []evm.Peer{teller.Peer(a, cl.Spec())} }
	if err := cl.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, _ := cl.Head(); h.Slot != labNext {
		t.Errorf("head %d", h.Slot)
	}
	r, err := cl.Call(t.Context(), evm.Address(l.c.Contract), nil, "")
	if err != nil || new(big.Int).SetBytes(r.Return).Int64() != labNext {
		t.Errorf("call %x %v", r.Return, err)
	}
	if _, err := a.Edit(t.Context(), teller.Editing{ID: [16]byte{1}, Do: teller.Cancel}); err == nil {
		t.Error("a final transaction was cancelled")
	}
	if done, err := a.Edit(t.Context(), teller.Editing{ID: [16]byte{1}, Do: teller.Drop}); err != nil || done.Entry != nil {
		t.Errorf("drop: %+v %v", done, err)
	}
}

// bentAsker lies about one account.
type bentAsker struct {
	proof.Asker
	about evm.Address
}

func (b bentAsker) Ask(ctx context.Context, batch []proof.Ask, limit int) ([]proof.Answer, error) {
	out, err := b.Asker.Ask(ctx, batch, limit)
	for i, a := range batch {
		if err == nil && a.Method == "eth_getProof" && a.Params[0] == b.about {
			raw := bytes.Clone(out[i].Result)
			at := bytes.Index(raw, []byte(`"0x`)) + 40
			raw[at] ^= 1
			out[i].Result = raw
		}
	}
	return out, err
}

// TestLyingGateway: a gateway that passes the challenge and lies later is caught by the proof, left and not found again;
// the answer comes from an honest one.
func TestLyingGateway(t *testing.T) {
	l := newChainLab(t)
	payee := evm.Address(evmtest.Payee())
	d := strangerOf(t, 101, l.seed, l.p)
	beacon, err := evm.NewBeacon(l.urls[0], http.DefaultClient, l.c.Spec)
	if err != nil {
		t.Fatal(err)
	}
	srv := &gateway.Server{Spec: l.c.Spec, ChainID: l.p.ChainID, Light: beacon, Now: l.now, Proofs: bentAsker{&evm.RPC{URL: l.urls[1], HTTP: http.DefaultClient}, payee}}
	libp2p.Serve(t.Context(), srv, d.Host, l.p.Protocol, gateway.Protocols()...)
	cards := &dht.Services{Host: d.Host, NetID: d.NetID, Now: l.now}
	terms := func(context.Context) (*dht.ChainCard, error) {
		return &dht.ChainCard{ID: l.p.ChainID, Genesis: [32]byte(l.c.Spec.GenesisRoot), Head: labHead}, nil
	}
	if err := errors.Join(cards.Start(), cards.Serve(roleTx(l.p.ChainID), terms)); err != nil {
		t.Fatal(err)
	}
	defer cards.Close()
	tells(t, d, roleTx(l.p.ChainID))
	light := l.node(tempHome(t), false, nil)
	l.meets(light, 1)
	l.follows(light, labHead)
	if _, _, err := light.chain.c.Account(t.Context(), payee, ""); err == nil {
		t.Error("the lie was taken")
	}
	if st := light.chain.status(); st.Lies != 1 || st.Gateways != 0 {
		t.Errorf("not left: %+v", st)
	}
	if v, _ := light.mail.trust(gossip.PeerID(d.Host.ID())); v != gossip.Failed {
		t.Errorf("gossip trusts it as %v", v)
	}
	good := l.node(tempHome(t), true, nil)
	l.follows(good, labHead)
	l.meets(light, 1)
	if acc, _, err := light.chain.c.Account(t.Context(), payee, ""); err != nil || acc.Balance.Sign() == 0 {
		t.Errorf("%+v %v", acc, err)
	}
	light.chain.mu.Lock()
	defer light.chain.mu.Unlock()
	if slices.ContainsFunc(light.chain.gates, func(g gate) bool { return g.ID == d.Host.ID() }) {
		t.Error("the liar was taken again")
	}
}

// TestThriftyChain: on a metered line the newest final block is asked for, seldom, and nothing of strangers is answered.
func TestThriftyChain(t *testing.T) {
	l := newChainLab(t)
	n := l.node(tempHome(t), true, func(n *Node) { n.NoDHT = true })
	l.follows(n, labHead)
	n.Metered = true
	n.Signals(n.own(n.clock()))
	if !n.public().Closed() {
		t.Error("strangers are served on a metered line")
	}
	if _, err := n.chain.step(t.Context()); err != nil { // one that began before has ended
		t.Fatal(err)
	}
	l.beacon.Move(labHead + 1)
	if wait, err := n.chain.step(t.Context()); err != nil || wait < time.Minute {
		t.Errorf("looks again in %v, %v", wait, err)
	}
	if st := n.chain.status(); st.Slot != labHead {
		t.Errorf("asked for each slot: %+v", st)
	}
}

func (n *Node) public() *gateway.Server { return &n.chain.public }

// TestChainAcrossRestart: the head is kept, written now and then and at the end, and another checkpoint is not needed.
func TestChainAcrossRestart(t *testing.T) {
	l, dir := newChainLab(t), tempHome(t)
	n := l.node(dir, true, func(n *Node) { n.NoDHT = true })
	l.follows(n, labHead)
	n.Close()
	n = l.node(dir, true, func(n *Node) { n.NoDHT, n.Offline, n.Chain.Checkpoint, n.Chain.Gateway = true, true, evm.Hash{}, false })
	if st := n.chain.status(); st.Slot != labHead || st.From != "" {
		t.Errorf("after a restart: %+v", st)
	}
	if _, err := n.chain.shelf.Bootstrap(t.Context(), evm.Hash(l.c.Root(136))); err != nil {
		t.Errorf("the checkpoint for others is gone: %v", err)
	}
	a, _ := teller.Dial(t.Context(), dir)
	if done, err := a.Run(t.Context()); err != nil || done.Entry != nil {
		t.Errorf("%+v %v", done, err)
	}
	raw, err := l.c.Blocks[labHead+1].Transactions()[0].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	done, err := (chainDesk{n}).Send(t.Context(), teller.Sending{ID: [16]byte{1}, Raw: raw})
	if err != nil || done.Entry == nil || done.Entry.State != "signed" || done.Why == "" {
		t.Errorf("queued without a network: %+v, %v", done, err)
	}
}

// TestNoChain: without one, programs are told so, and status and metrics say nothing of it.
func TestNoChain(t *testing.T) {
	dir := tempHome(t)
	n := start(t, dir, nil)
	if a, _ := teller.Dial(t.Context(), dir); a != nil {
		t.Error("a chain is offered")
	}
	st, err := api(t, dir).Status(t.Context())
	if err != nil || st.EVM != nil {
		t.Errorf("%+v %v", st.EVM, err)
	}
	n.Chain = &Chain{Profile: testProfile(t, "pars-2026")}
	if _, err := newFollower(n); !errors.Is(err, evm.ErrNoFinality) {
		t.Errorf("a chain that publishes no proof: %v", err)
	}
	n.Chain = nil
}

// TestUnderWay: ended and unclear entries need nobody.
func TestUnderWay(t *testing.T) {
	f := &follower{queue: map[string]int{}}
	for s := queue.Draft; s <= queue.Unclear; s++ {
		f.queue[s.String()] = 1
	}
	if got := f.underWay(); got != 4 {
		t.Errorf("%d under way", got)
	}
}

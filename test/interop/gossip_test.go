//go:build interop

package interop

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/link"
)

// An unmodified router of the library, given our topic's name and the id function that the design note writes down,
// and ours: a thousand envelopes each way, each heard once.
func TestStockGossipsub(t *testing.T) {
	const n = 1000
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var hosts [2]host.Host
	for i := range hosts {
		h, err := link.Host(link.Options{Seed: [32]byte{byte(i), 77}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		hosts[i] = h
	}
	rules := gossip.Rules{NetID: [32]byte{1, 2, 3, 4}, Genesis: time.Now().Unix() - 3600, StampBits: 2}
	cut := gossip.Cut{NetID8: "01020304", Bits: 1}
	var mu sync.Mutex
	ours, stock := map[envelope.ID]int{}, map[envelope.ID]int{}
	node := &gossip.Node{Host: hosts[0], Rules: rules, Cut: cut, Now: time.Now, Rand: rand.Reader, Topics: []uint8{1}, All: true, Deliver: func(h gossip.Heard) {
		mu.Lock()
		defer mu.Unlock()
		ours[h.ID]++
	}}
	if err := node.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	ps, err := pubsub.NewGossipSub(ctx, hosts[1], pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(func(m *pb.Message) string {
			id := envelope.EnvelopeID(m.GetData())
			hexes := m.GetTopic()[strings.LastIndex(m.GetTopic(), "/")+1:]
			i, _ := strconv.ParseUint(hexes, 16, 8)
			return string(id[:]) + string([]byte{byte(i)})
		}))
	if err != nil {
		t.Fatal(err)
	}
	topic, err := ps.Join(cut.Topic(1))
	if err != nil {
		t.Fatal(err)
	}
	sub, err := topic.Subscribe(pubsub.WithBufferSize(4096))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			m, err := sub.Next(ctx)
			if err != nil {
				return
			}
			if m.ReceivedFrom == hosts[1].ID() {
				continue
			}
			mu.Lock()
			stock[envelope.EnvelopeID(m.Data)]++
			mu.Unlock()
			if m.From != nil || m.Seqno != nil || m.Signature != nil || m.Key != nil {
				t.Errorf("a message of ours shows an author: %x", m.From)
			}
		}
	}()
	if err := hosts[1].Connect(ctx, peer.AddrInfo{ID: hosts[0].ID(), Addrs: hosts[0].Addrs()}); err != nil {
		t.Fatal(err)
	}
	untilTrue(t, ctx, func() bool {
		return len(ps.ListPeers(cut.Topic(1))) == 1 && len(node.Peers()) == 1 && len(node.Peers()[0].Mesh) == 1
	})
	for range n {
		if err := node.Queue(gossip.Pending{Topic: 1, Envelope: sealedLetter(t, rules), Now: true}); err != nil {
			t.Fatal(err)
		}
		if err := topic.Publish(ctx, sealedLetter(t, rules)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // sleep: 200 a second each way, within what a stranger may send
	}
	count := func(m map[envelope.ID]int) (ids, times int) {
		mu.Lock()
		defer mu.Unlock()
		for _, k := range m {
			times += k
		}
		return len(m), times
	}
	untilTrue(t, ctx, func() bool { a, _ := count(ours); b, _ := count(stock); return a == n && b == n })
	for name, m := range map[string]map[envelope.ID]int{"ours": ours, "stock": stock} {
		if ids, times := count(m); ids != n || times != n {
			t.Errorf("%s heard %d envelopes %d times, want %d once", name, ids, times, n)
		}
	}
	if m := node.Metrics(); m.Delivered != 2*n || len(m.Refused) != 0 {
		t.Errorf("counted %d delivered, refused %v", m.Delivered, m.Refused)
	}
	// What ours refuses it refuses from the stock router too, and tells nobody else.
	bad := sealedLetter(t, rules)
	bad[28] = 1
	if err := topic.Publish(ctx, bad); err != nil {
		t.Fatal(err)
	}
	untilTrue(t, ctx, func() bool { return node.Metrics().Refused[gossip.BadForm] == 1 })
	t.Logf("ours heard %d, the stock router %d, last id %s", len(ours), len(stock), hex.EncodeToString(bad[:4]))
}

func sealedLetter(t *testing.T, r gossip.Rules) []byte {
	t.Helper()
	b := make([]byte, 1024)
	rand.Read(b)
	b[0], b[1] = 1, 0
	binary.BigEndian.PutUint16(b[2:], r.ExpiryIn(time.Now().Unix(), 100))
	clear(b[28:32])
	r.Stamp(b, 0, func() bool { return false })
	return b
}

// untilTrue waits until ok, or for ctx.
func untilTrue(t *testing.T, ctx context.Context, ok func() bool) {
	t.Helper()
	for !ok() {
		if ctx.Err() != nil {
			t.Fatal("it does not come about")
		}
		time.Sleep(5 * time.Millisecond) // sleep: between looks
	}
}

package dht

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	kad "github.com/libp2p/go-libp2p-kad-dht"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p-kbucket/peerdiversity"
	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/wire"
)

const dialTTL = 10 * time.Minute // how long an address from an answer is kept

// Node is one running instance of the DHT. Set the fields, Start, Close. The host is the caller's and outlives it.
// What the mode follows from, power, reachability and the user's will, the caller knows: for another mode it closes
// the node and starts a new one.
type Node struct {
	Host    host.Host
	NetID   [32]byte
	Chain   uint64 // whose roles are kept
	Server  bool   // answers others; phones and the unreachable do not
	LAN     bool   // the second instance, that of the local network
	Bare    bool   // neither table nor refresh: for a crawl
	Records int    // most records kept for others; 0: 65,536
	Now     func() time.Time
	Rand    io.Reader
	Secret  [32]byte          // draws the storers when a crowd stands around a key
	Seeds   func() []Peer     // whom to ask before anybody is known; called on any goroutine
	Contact func(PeerID) bool // nil: nobody; called on any goroutine, must not block

	kad                   *kad.IpfsDHT
	rpc                   *pb.ProtocolMessenger
	roles                 map[string]bool
	values, providersKept *shelf
	mu                    sync.Mutex // guards all below
	quota                 Quota
	refused               int
	served                int
	size                  Size
	trips                 []time.Duration
}

// Protocol is the prefix of a network's protocol ids.
func (n *Node) prefix() protocol.ID { return protocol.ID(fmt.Sprintf("/pars/%x", n.NetID[:4])) }

// Protocol returns the id under which nodes of the network serve the DHT.
func (n *Node) Protocol() string {
	if n.LAN {
		return string(n.prefix() + "/lan/kad/1.0.0")
	}
	return string(n.prefix() + "/kad/1.0.0")
}

// Start begins to serve, in server mode, and to keep the table.
func (n *Node) Start() error {
	n.roles = map[string]bool{}
	for _, role := range Roles(n.Chain) {
		for shard := range uint8(Shards) {
			n.roles[string(RoleKey(n.NetID, role, shard))] = true
		}
	}
	self := NodeID(PeerID(n.Host.ID()))
	n.values = &shelf{now: n.Now, s: Shelf{Self: self, Max: n.Records}}
	n.providersKept = &shelf{now: n.Now, s: Shelf{Self: self, Max: n.Records}, perKey: 256}
	mode := kad.ModeClient
	if n.Server {
		mode = kad.ModeServer
	}
	opts := []kad.Option{
		kad.ProtocolPrefix(n.prefix()), kad.Mode(mode),
		kad.Validator(record.NamespacedValidator{"pars": rule{n}}), // replaces /pk and /ipns, which strangers would fill
		kad.BucketSize(K), kad.Concurrency(10), kad.Resiliency(3),
		kad.MaxRecordAge(48 * time.Hour), kad.ValueGCInterval(time.Hour),
		kad.ValueDatastore(n.values), kad.ProviderDatastore(n.providersKept),
		kad.ProviderManagerOpts(records.ProvideValidity(24 * time.Hour)),
		kad.RoutingTablePeerDiversityFilter(&diversity{n: n, in: map[peer.ID]Peer{}}),
		kad.QueryFilter(func(_ any, ai peer.AddrInfo) bool { return len(n.reach(ai.Addrs)) > 0 }),
		kad.AddressFilter(n.reach), kad.OnRequestHook(n.hook),
		kad.BootstrapPeersFunc(n.seedInfos),
	}
	if n.LAN {
		opts = append(opts, kad.ProtocolExtension("/lan"), kad.RoutingTableFilter(n.beside))
	}
	if n.Bare {
		opts = append(opts, kad.DisableAutoRefresh(), kad.RoutingTableFilter(func(any, peer.ID) bool { return false }))
	}
	d, err := kad.New(n.Host, opts...)
	if err != nil {
		return fmt.Errorf("start the DHT: %w", err)
	}
	n.kad = d
	n.rpc, err = pb.NewProtocolMessenger(d.MessageSender())
	return err
}

// Close stops serving.
func (n *Node) Close() error {
	if n.kad == nil {
		return nil
	}
	n.Host.RemoveStreamHandler(protocol.ID(n.Protocol())) // the library leaves it, and would answer out of closed stores
	return n.kad.Close()
}

// rule is Validator with the node's clock, as the library asks it.
type rule struct{ n *Node }

// Validate is asked before a record is stored.
func (r rule) Validate(key string, value []byte) error {
	return Validator{r.n.NetID}.Validate([]byte(key), value, r.n.Now().Unix())
}

// Select is asked which of two records is kept.
func (r rule) Select(key string, values [][]byte) (int, error) {
	return Validator{r.n.NetID}.Select([]byte(key), values, r.n.Now().Unix())
}

// hook sees each request before it is served. A request without a key fails, and the stream is reset, before anything
// is verified or stored.
func (n *Node) hook(_ context.Context, s network.Stream, m *pb.Message) {
	p := PeerID(s.Conn().RemotePeer())
	typ := m.GetType()
	put := typ == pb.Message_PUT_VALUE || typ == pb.Message_ADD_PROVIDER
	size := len(m.GetKey()) + len(m.GetRecord().GetValue()) + 64*len(m.GetProviderPeers())
	fits := typ != pb.Message_PUT_VALUE || len(m.GetRecord().GetValue()) == RecordSize
	known := typ != pb.Message_ADD_PROVIDER || n.roles[string(m.GetKey())]
	n.mu.Lock()
	ok := n.quota.Allow(p, put, size, n.contact(p), n.Now()) && fits && known
	if n.served++; !ok {
		n.refused++
	}
	n.mu.Unlock()
	if !ok {
		m.Key, m.Record = nil, nil
	}
}

func (n *Node) contact(p PeerID) bool { return n.Contact != nil && n.Contact(p) }

// Stats are what a node has done for others since it started.
type Stats struct {
	Peers   int // in the table
	Served  int // requests, those refused among them
	Refused int
	Records int
}

// Stats returns the counters.
func (n *Node) Stats() Stats {
	records := n.values.count()
	n.mu.Lock()
	defer n.mu.Unlock()
	return Stats{n.Known(), n.served, n.refused, records}
}

// Self returns this node as others see it.
func (n *Node) Self() Peer {
	addrs := n.Host.Addrs()
	if listen, err := n.Host.Network().InterfaceListenAddresses(); err == nil && len(addrs) == 0 {
		addrs = listen
	}
	return n.peer(peer.AddrInfo{ID: n.Host.ID(), Addrs: addrs}, Listed)
}

// PeerID returns this node's peer id as text.
func (n *Node) PeerID() string { return n.Host.ID().String() }

// diversity is Crowd for the routing table. The library would group by rules of its own, refuse whoever has no IP,
// and count each address; it is shown one address that says nothing, so that it asks once for each peer.
type diversity struct {
	n *Node

	mu    sync.Mutex // guards below
	crowd Crowd
	in    map[peer.ID]Peer
}

// PeerAddresses is of peerdiversity.PeerIPGroupFilter.
func (*diversity) PeerAddresses(peer.ID) []ma.Multiaddr {
	return []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1")}
}

// Allow is of peerdiversity.PeerIPGroupFilter.
func (d *diversity) Allow(g peerdiversity.PeerGroupInfo) bool {
	p := d.n.peer(peer.AddrInfo{ID: g.Id, Addrs: d.n.Host.Peerstore().Addrs(g.Id)}, Table)
	for _, c := range d.n.Host.Network().ConnsToPeer(g.Id) {
		p.Addrs = append(p.Addrs, c.RemoteMultiaddr().Bytes()) // where it is, whatever it says
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.crowd.Admit(p) {
		return false
	}
	d.in[g.Id] = p
	return true
}

// Increment is of peerdiversity.PeerIPGroupFilter; Allow has counted already.
func (*diversity) Increment(peerdiversity.PeerGroupInfo) {}

// Decrement is of peerdiversity.PeerIPGroupFilter.
func (d *diversity) Decrement(g peerdiversity.PeerGroupInfo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.in[g.Id]; ok {
		d.crowd.Leave(p)
		delete(d.in, g.Id)
	}
}

// reach is dialable, and for the local network what is on one.
func (n *Node) reach(addrs []ma.Multiaddr) []ma.Multiaddr {
	if n.LAN {
		addrs = slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool { return !Local(a.Bytes()) })
	}
	return dialable(addrs)
}

// beside reports whether a peer is connected over a local network: what it says of its addresses is no proof.
func (n *Node) beside(_ any, p peer.ID) bool {
	return slices.ContainsFunc(n.Host.Network().ConnsToPeer(p), func(c network.Conn) bool { return Local(c.RemoteMultiaddr().Bytes()) })
}

// dialable drops what nobody can dial, and loopback where there is more: private networks are a whole country's.
func dialable(addrs []ma.Multiaddr) []ma.Multiaddr {
	var out, loop []ma.Multiaddr
	for _, a := range addrs {
		ip, ok := addrIP(a.Bytes())
		switch {
		case ok && (ip.IsUnspecified() || ip.IsMulticast()) || len(a.Bytes()) > maxAddr:
		case ok && ip.IsLoopback():
			loop = append(loop, a)
		default:
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		out = loop
	}
	return out[:min(len(out), maxAddrs)]
}

func (n *Node) peer(ai peer.AddrInfo, class Class) Peer {
	p := Peer{ID: PeerID(ai.ID), Class: class}
	if n.contact(p.ID) {
		p.Class = Contact
	}
	for _, a := range n.reach(ai.Addrs) {
		p.Addrs = append(p.Addrs, a.Bytes())
	}
	return p
}

func info(p Peer) peer.AddrInfo {
	ai := peer.AddrInfo{ID: peer.ID(p.ID)}
	for _, b := range p.Addrs {
		if a, err := ma.NewMultiaddrBytes(b); err == nil {
			ai.Addrs = append(ai.Addrs, a)
		}
	}
	return ai
}

func (n *Node) seedInfos() []peer.AddrInfo {
	if n.Seeds == nil {
		return nil
	}
	var out []peer.AddrInfo
	for _, p := range n.Seeds() {
		out = append(out, info(p))
	}
	return out
}

// Known returns how many peers stand in the table.
func (n *Node) Known() int { return n.kad.RoutingTable().Size() }

// Table returns the peers in the table.
func (n *Node) Table() []Peer { return n.near(ID(n.kad.PeerKey()), n.Known()) }

func (n *Node) near(at ID, count int) []Peer {
	var out []Peer
	for _, id := range n.kad.RoutingTable().NearestPeers(kbucket.ID(at[:]), count) {
		out = append(out, n.peer(n.Host.Peerstore().PeerInfo(id), Table))
	}
	return out
}

// Join asks the seeds for this node's own neighbourhood and fills the table: one that was not refreshed finds little.
// Without a table and without an answering seed the error wraps wire.ErrNotFound.
func (n *Node) Join(ctx context.Context) error {
	l := n.lookup(Find, []byte(n.Host.ID()), 1)
	if r := n.run(ctx, l, nil, nil); len(l.Nearest(1)) == 0 {
		return errors.Join(ctx.Err(), fmt.Errorf("join the DHT: no seed answers (%s): %w", r.Reason, wire.ErrNotFound))
	}
	if err := n.settle(ctx); err != nil {
		return err
	}
	select {
	case err := <-n.kad.ForceRefresh():
		if err != nil && n.Known() == 0 {
			return fmt.Errorf("refresh the table: %w", err)
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// settle waits until the table has taken one of those that answered: the library looks at each once more, on its own
// time, and refreshes nothing out of an empty table.
func (n *Node) settle(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		if n.Known() > 0 || n.Bare {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("join the DHT: nobody who answered serves it: %w", wire.ErrNotFound)
}

// ask sends FIND_NODE, or with value FIND_VALUE.
func (n *Node) ask(ctx context.Context, value bool, a Ask) ([]Peer, []byte, error) {
	began := n.Now()
	to := info(a.Peer)
	n.Host.Peerstore().AddAddrs(to.ID, to.Addrs, dialTTL)
	var closer []*peer.AddrInfo
	var err error
	var v []byte
	if value {
		rec, list, gerr := n.rpc.GetValue(ctx, to.ID, string(a.Key))
		v, closer, err = rec.GetValue(), list, gerr
	} else {
		closer, err = n.rpc.GetClosestPeers(ctx, to.ID, peer.ID(a.Key))
	}
	if err != nil {
		return nil, nil, err
	}
	n.took(n.Now().Sub(began))
	return n.usable(closer), v, nil
}

// isPeerID reports whether it is one: the library takes from an answer whatever bytes stand there.
func isPeerID(id peer.ID) bool {
	_, err := peer.IDFromBytes([]byte(id))
	return err == nil && len(id) <= maxPeerID
}

// usable keeps those of an answer that can be dialled.
func (n *Node) usable(list []*peer.AddrInfo) []Peer {
	var out []Peer
	for _, ai := range list {
		if p := n.peer(*ai, Learned); len(p.Addrs) > 0 && isPeerID(ai.ID) {
			out = append(out, p)
		}
	}
	return out
}

// store sends a record to one peer.
func (n *Node) store(ctx context.Context, to Peer, key, value []byte) error {
	ai := info(to)
	n.Host.Peerstore().AddAddrs(ai.ID, ai.Addrs, dialTTL)
	return n.rpc.PutValue(ctx, ai.ID, record.MakePutRecord(string(key), value))
}

// provide tells one peer that this node serves under a role key.
func (n *Node) provide(ctx context.Context, to Peer, key []byte) error {
	self := peer.AddrInfo{ID: n.Host.ID(), Addrs: n.reach(n.Host.Addrs())}
	ai := info(to)
	n.Host.Peerstore().AddAddrs(ai.ID, ai.Addrs, dialTTL)
	return n.rpc.PutProviderAddrs(ctx, ai.ID, []byte(key), self)
}

// providers asks one peer who serves under a role key, and for peers nearer to it.
func (n *Node) providers(ctx context.Context, a Ask) (found, closer []Peer, err error) {
	ai := info(a.Peer)
	n.Host.Peerstore().AddAddrs(ai.ID, ai.Addrs, dialTTL)
	provs, list, err := n.rpc.GetProviders(ctx, ai.ID, []byte(a.Key))
	if err != nil {
		return nil, nil, err
	}
	return n.usable(provs), n.usable(list), nil
}

// Call connects to a peer and hears what it is.
func (n *Node) Call(ctx context.Context, p Peer) (Hello, error) {
	ai := info(p)
	if err := n.Host.Connect(ctx, ai); err != nil {
		return Hello{}, fmt.Errorf("connect to %s: %w", ai.ID, err)
	}
	var h Hello
	if v, err := n.Host.Peerstore().Get(ai.ID, "AgentVersion"); err == nil {
		h.Agent, _ = v.(string)
	}
	list, err := n.Host.Peerstore().GetProtocols(ai.ID)
	for _, p := range list {
		h.Protocols = append(h.Protocols, string(p))
	}
	slices.Sort(h.Protocols)
	h.Serves = slices.Contains(h.Protocols, n.Protocol())
	return h, err
}

// Ping asks a peer of this network for an answer and returns how long it took.
func (n *Node) Ping(ctx context.Context, p PeerID) (time.Duration, error) {
	began := n.Now()
	if err := n.rpc.Ping(ctx, peer.ID(p)); err != nil {
		return 0, fmt.Errorf("ping %s: %w", PeerName(p), err)
	}
	return n.Now().Sub(began), nil
}

// FindNode asks one peer for those nearest to what key hashes to.
func (n *Node) FindNode(ctx context.Context, p PeerID, key []byte) ([]Peer, error) {
	list, err := n.rpc.GetClosestPeers(ctx, peer.ID(p), peer.ID(key))
	if err != nil {
		return nil, err
	}
	return n.usable(list), nil
}

// PeerName writes a peer id the usual way.
func PeerName(p PeerID) string { return peer.ID(p).String() }

// ParsePeerID reads what PeerName writes.
func ParsePeerID(s string) (PeerID, error) {
	id, err := peer.Decode(s)
	if err != nil {
		return "", wire.Invalid("peer id %q", s)
	}
	return PeerID(id), nil
}

// ParsePeer reads a multiaddr that ends in /p2p/PEER_ID.
func ParsePeer(s string) (Peer, error) {
	ai, err := peer.AddrInfoFromString(s)
	if err != nil || len(ai.Addrs) == 0 {
		return Peer{}, wire.Invalid("peer %q: a multiaddr ending in /p2p/PEER_ID is needed", s)
	}
	return Peer{ID: PeerID(ai.ID), Addrs: [][]byte{ai.Addrs[0].Bytes()}, Class: Listed}, nil
}

// AddrNames writes the addresses of p, each with its peer id at the end.
func (p Peer) AddrNames() []string {
	var out []string
	for _, a := range info(p).Addrs {
		out = append(out, a.String()+"/p2p/"+PeerName(p.ID))
	}
	return out
}

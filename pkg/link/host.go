package link

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	bhost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	trim "github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/wire"
)

// Options say what a host is for.
type Options struct {
	Seed      [32]byte // of the Ed25519 key that is its identity
	Listen    []string // multiaddrs; none: it only dials
	Some      bool     // one address that it can listen at is enough
	Limits    Limits
	Low       int                      // connections down to which idle ones are closed, 0: 32
	High      int                      // connections above which they are, 0: twice Low
	Dial      time.Duration            // how long a dial may take, 0: 10 s; half of it on a local network
	Handshake time.Duration            // how long that of a caller may take, 0: 10 s
	Open      func() bool              // asked before each dial and each call taken; nil: always
	Count     func(sent, received int) // told of what streams carry, from many goroutines; may be nil
}

// Host returns a host of TCP, Noise and yamux: what the protocols need and nothing that only makes it larger. It speaks
// identify without naming a version. The caller closes it.
func Host(o Options) (host.Host, error) {
	if o.Low == 0 {
		o.Low = 32
	}
	if o.High == 0 {
		o.High = 2 * o.Low
	}
	if o.Dial == 0 {
		o.Dial = 10 * time.Second
	}
	if o.Handshake == 0 {
		o.Handshake = handshakeWithin
	}
	sw, bus, err := newSwarm(o)
	if err != nil {
		return nil, err
	}
	h, err := onSwarm(o, sw, &bhost.HostOpts{EventBus: bus, UserAgent: "pars", ProtocolVersion: "pars/1"})
	if err != nil {
		sw.Close()
		return nil, err
	}
	h.Start()
	return h, nil
}

func onSwarm(o Options, sw *swarm.Swarm, opts *bhost.HostOpts) (_ *bhost.BasicHost, err error) {
	if err := listen(sw, o.Listen, o.Some); err != nil {
		return nil, err
	}
	if opts.ConnManager, err = trim.NewConnManager(o.Low, o.High); err != nil {
		return nil, err
	}
	return bhost.NewHost(sw, opts)
}

func newSwarm(o Options) (*swarm.Swarm, event.Bus, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(o.Seed[:]))
	if err != nil {
		return nil, nil, err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	ps, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(ps.AddPrivKey(id, key), ps.AddPubKey(id, key.GetPublic())); err != nil {
		return nil, nil, err
	}
	rm, err := o.Limits.manager()
	if err != nil {
		return nil, nil, err
	}
	bus := eventbus.NewBus()
	opts := []swarm.Option{swarm.WithResourceManager(rm), swarm.WithDialTimeout(o.Dial), swarm.WithDialTimeoutLocal(o.Dial / 2)}
	var door connmgr.ConnectionGater
	if o.Open != nil {
		door = gate{o.Open}
		opts = append(opts, swarm.WithConnectionGater(door))
	}
	if o.Count != nil {
		opts = append(opts, swarm.WithMetrics(counter{o.Count}))
	}
	sw, err := swarm.NewSwarm(id, ps, bus, opts...)
	if err != nil {
		return nil, nil, err
	}
	if err := addTCP(sw, key, rm, door, o.Handshake); err != nil {
		sw.Close()
		return nil, nil, err
	}
	return sw, bus, nil
}

func addTCP(sw *swarm.Swarm, key crypto.PrivKey, rm network.ResourceManager, door connmgr.ConnectionGater, patience time.Duration) error {
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	secure, err := noise.New(noise.ID, key, muxers)
	if err != nil {
		return err
	}
	up, err := upgrader.New([]sec.SecureTransport{secure}, muxers, nil, rm, door, upgrader.WithAcceptTimeout(patience))
	if err != nil {
		return err
	}
	// With port reuse, libp2p's default, two programs share a port and each gets half of the calls.
	t, err := tcp.NewTCPTransport(up, rm, nil, tcp.DisableReuseport())
	if err != nil {
		return err
	}
	return sw.AddTransport(t)
}

func listen(sw *swarm.Swarm, addrs []string, some bool) error {
	var errs []error
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return wire.Invalid("listen %q: a multiaddr like /ip4/0.0.0.0/tcp/4001 is needed: %v", s, err)
		}
		if err := sw.AddListenAddr(a); err != nil {
			errs = append(errs, fmt.Errorf("listen at %s: %w", a, err))
		}
	}
	if some && len(errs) < len(addrs) {
		return nil
	}
	return errors.Join(errs...)
}

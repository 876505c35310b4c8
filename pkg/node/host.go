package node

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	bhost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

func seedKey(seed [32]byte) []byte { return ed25519.NewKeyFromSeed(seed[:]) }

// newHost assembles a host of TCP, Noise and yamux by hand: what the node needs and nothing that only
// makes it larger. It speaks identify without naming a version. With every it must listen at all
// addresses given, else at one at least.
func newHost(key crypto.PrivKey, id peer.ID, listen []ma.Multiaddr, every bool) (host.Host, error) {
	ps, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	if err := ps.AddPrivKey(id, key); err != nil {
		return nil, err
	}
	if err := ps.AddPubKey(id, key.GetPublic()); err != nil {
		return nil, err
	}
	limits := rcmgr.DefaultLimits
	rm, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits.Scale(256<<20, 512)))
	if err != nil {
		return nil, err
	}
	bus := eventbus.NewBus()
	sw, err := swarm.NewSwarm(id, ps, bus, swarm.WithResourceManager(rm), swarm.WithDialTimeout(10*time.Second), swarm.WithDialTimeoutLocal(5*time.Second))
	if err != nil {
		return nil, err
	}
	if err := addTransports(sw, key, rm); err != nil {
		sw.Close()
		return nil, err
	}
	if err := listenAll(sw, listen, every); err != nil {
		sw.Close()
		return nil, err
	}
	cm, err := connmgr.NewConnManager(32, 64)
	if err != nil {
		sw.Close()
		return nil, err
	}
	h, err := bhost.NewHost(sw, &bhost.HostOpts{EventBus: bus, ConnManager: cm, UserAgent: "pars", ProtocolVersion: "pars/1"})
	if err != nil {
		sw.Close()
		return nil, err
	}
	h.Start()
	return h, nil
}

func listenAll(sw *swarm.Swarm, addrs []ma.Multiaddr, every bool) error {
	var errs []error
	for _, a := range addrs {
		if err := sw.AddListenAddr(a); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", a, err))
		}
	}
	if len(errs) == 0 || !every && len(errs) < len(addrs) {
		return nil
	}
	return errors.Join(errs...)
}

func addTransports(sw *swarm.Swarm, key crypto.PrivKey, rm network.ResourceManager) error {
	muxers := []tptu.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	secure, err := noise.New(noise.ID, key, muxers)
	if err != nil {
		return err
	}
	up, err := tptu.New([]sec.SecureTransport{secure}, muxers, nil, rm, nil)
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

// parsePeer reads a multiaddr that ends in /p2p/PEERID.
func parsePeer(s string) (*peer.AddrInfo, error) {
	info, err := peer.AddrInfoFromString(s)
	if err != nil {
		return nil, fmt.Errorf("peer %q: a multiaddr ending in /p2p/PEER_ID is needed: %w", s, err)
	}
	return info, nil
}

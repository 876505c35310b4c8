package link

import (
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
)

// counter tells of each byte that a stream reads or writes. It keeps nothing: whoever is told does.
type counter struct{ count func(sent, received int) }

// LogSentMessage tells of bytes sent.
func (c counter) LogSentMessage(n int64) { c.count(int(n), 0) }

// LogRecvMessage tells of bytes received.
func (c counter) LogRecvMessage(n int64) { c.count(0, int(n)) }

func (counter) LogSentMessageStream(int64, protocol.ID, peer.ID)      {}
func (counter) LogRecvMessageStream(int64, protocol.ID, peer.ID)      {}
func (counter) GetBandwidthForPeer(peer.ID) (s metrics.Stats)         { return s }
func (counter) GetBandwidthForProtocol(protocol.ID) (s metrics.Stats) { return s }
func (counter) GetBandwidthTotals() (s metrics.Stats)                 { return s }
func (counter) GetBandwidthByPeer() map[peer.ID]metrics.Stats         { return nil }
func (counter) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }
func (counter) Reset()                                                {}
func (counter) TrimIdle(time.Time)                                    {}

// gate lets no connection through while open says no: before a byte of a handshake is spent on it.
type gate struct{ open func() bool }

// InterceptPeerDial is asked before a peer is dialled.
func (g gate) InterceptPeerDial(peer.ID) bool { return g.open() }

// InterceptAddrDial is asked before an address is dialled.
func (g gate) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }

// InterceptAccept is asked when somebody calls.
func (g gate) InterceptAccept(network.ConnMultiaddrs) bool { return g.open() }

// InterceptSecured is asked when it is known who it is.
func (g gate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool { return true }

// InterceptUpgraded is asked when the connection is ready.
func (g gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

package gossip

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const streamLimit = time.Minute

// serveStream answers one stream of the mailbox.
func (n *Node) serveStream(s network.Stream) {
	p := PeerID(s.Conn().RemotePeer())
	t, _ := n.trust(p)
	err := n.Mail.serveMail(patientStream{s, n.Now}, Depositor{p, string(p), t}, n.Policy, n.Now)
	if err != nil {
		s.Reset()
		return
	}
	s.Close()
}

// patientStream gives each read and write its own time.
type patientStream struct {
	network.Stream
	now func() time.Time
}

// Read is of io.Reader.
func (p patientStream) Read(b []byte) (int, error) {
	p.SetReadDeadline(p.now().Add(streamLimit)) // a transport without deadlines ends with its connection
	return p.Stream.Read(b)
}

// Write is of io.Writer.
func (p patientStream) Write(b []byte) (int, error) {
	p.SetWriteDeadline(p.now().Add(streamLimit))
	return p.Stream.Write(b)
}

// withMail opens a stream to the mailbox of a connected or known peer.
func (n *Node) withMail(ctx context.Context, to PeerID, f func(*mailClient) error) error {
	s, err := n.Host.NewStream(ctx, peer.ID(to), n.protocol("mail/1"))
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { s.Reset() })
	defer stop()
	if err := f(newMailClient(patientStream{s, n.Now})); err != nil {
		s.Reset()
		return errors.Join(ctx.Err(), err)
	}
	return s.Close()
}

// Storers returns the connected peers that keep mail.
func (n *Node) Storers() (out []PeerID) {
	for _, p := range n.Host.Network().Peers() {
		if ok, err := n.Host.Peerstore().SupportsProtocols(p, n.protocol("mail/1")); err == nil && len(ok) > 0 {
			out = append(out, PeerID(p))
		}
	}
	return out
}

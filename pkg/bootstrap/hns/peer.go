package hns

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// Dialer opens connections. *net.Dialer is one; so is a proxy.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Peer is a connection to a full node. It is not safe for concurrent use.
type Peer struct {
	Addr   string
	Height uint32 // of its tip, as it says

	net  *Network
	conn net.Conn
	r    *bufio.Reader
}

// maxTalk is what a peer may send, asked or not, until it has answered.
const maxTalk = maxPacket

// Dial connects and says hello. addr is HOST or HOST:PORT.
func Dial(ctx context.Context, n *Network, d Dialer, addr string, now time.Time) (*Peer, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(addr, strconv.Itoa(int(n.Port)))
	}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", addr, err)
	}
	p := &Peer{Addr: addr, net: n, conn: conn, r: bufio.NewReader(conn)}
	if err := p.within(ctx, func() error { return p.hello(now) }); err != nil {
		conn.Close()
		return nil, err
	}
	return p, nil
}

// Close ends the connection.
func (p *Peer) Close() error { return p.conn.Close() }

// within runs f, and ends its reads and writes when ctx does.
func (p *Peer) within(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { p.conn.SetDeadline(time.Unix(1, 0)) })
	err := f()
	stop()
	if cause := ctx.Err(); err != nil && cause != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("peer %s: %w", p.Addr, err)
	}
	return nil
}

func (p *Peer) hello(now time.Time) error {
	v := version{protocol: protocol, time: uint64(max(now.Unix(), 0)), agent: "/pars/"}
	rand.Read(v.nonce[:]) // never fails
	if err := p.send(cmdVersion, v.encode()); err != nil {
		return err
	}
	theirs, acked := (*version)(nil), false
	for budget := maxTalk; theirs == nil || !acked; {
		cmd, b, err := p.receive(&budget)
		switch {
		case err != nil:
			return err
		case cmd == cmdVerack:
			acked = true
		case cmd == cmdVersion && theirs == nil:
			if theirs, err = decodeVersion(b); err != nil {
				return err
			}
			if err := p.send(cmdVerack, nil); err != nil {
				return err
			}
		}
	}
	p.Height = theirs.height
	return nil
}

func (p *Peer) send(cmd byte, payload []byte) error {
	_, err := p.conn.Write(appendPacket(nil, p.net.Magic, cmd, payload))
	return err
}

// receive returns the next packet that is no ping.
func (p *Peer) receive(budget *int) (byte, []byte, error) {
	for {
		cmd, b, err := readPacket(p.r, p.net.Magic, budget)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || cmd != cmdPing {
			return cmd, b, err
		}
		if err := p.send(cmdPong, b); err != nil {
			return 0, nil, err
		}
	}
}

// ask sends a question and waits for the first packet of the kind that answers it.
func (p *Peer) ask(ctx context.Context, cmd byte, payload []byte, want byte) (answer []byte, err error) {
	err = p.within(ctx, func() error {
		if err := p.send(cmd, payload); err != nil {
			return err
		}
		for budget := maxTalk; ; {
			got, b, err := p.receive(&budget)
			if err != nil || got == want {
				answer = b
				return err
			}
		}
	})
	return answer, err
}

// Headers asks for what follows on the last block of the locator that the peer has, at most 2,000. None of them is checked.
func (p *Peer) Headers(ctx context.Context, locator []Hash) ([]*Header, error) {
	b, err := p.ask(ctx, cmdGetHeaders, encodeLocator(locator), cmdHeaders)
	if err != nil {
		return nil, err
	}
	list, err := DecodeHeaders(b)
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", p.Addr, err)
	}
	return list, nil
}

// Prove asks for the proof of a key under a root, and checks it. The value is nil where there is none.
func (p *Peer) Prove(ctx context.Context, root, key Hash) (proof *Proof, value []byte, err error) {
	b, err := p.ask(ctx, cmdGetProof, append(root[:], key[:]...), cmdProof)
	if err != nil {
		return nil, nil, err
	}
	gotRoot, gotKey, proof, err := decodeProofPacket(b)
	if err == nil && (gotRoot != root || gotKey != key) {
		err = wire.Invalid("the proof is of another name or root")
	}
	if err == nil {
		value, err = proof.Verify(root, key)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("peer %s: %w", p.Addr, err)
	}
	return proof, value, nil
}

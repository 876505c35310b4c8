package exchange

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"time"
)

const (
	udpTimeout = 1500 * time.Millisecond
	udpTries   = 2
	udpSize    = 1232 // larger answers are asked again over TCP
	linger     = 300 * time.Millisecond
)

// datagram asks over UDP: a new port, id and letters for each try, and TCP for what does not fit or does not come.
type datagram struct {
	client *Client
	tcp    *stream
}

func (d *datagram) exchange(ctx context.Context, query []byte) ([]byte, error) {
	var last error
	for range udpTries {
		out, err := d.once(ctx, query)
		switch {
		case err == nil && (out[2]&2 != 0 || len(out) > udpSize): // TC
			return d.tcp.exchange(ctx, query)
		case err == nil:
			return out, nil
		case ctx.Err() != nil:
			return nil, err
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		}
		last = err
	}
	if out, err := d.tcp.exchange(ctx, query); err == nil {
		return out, nil
	}
	return nil, last
}

func (d *datagram) once(ctx context.Context, query []byte) ([]byte, error) {
	conn, err := d.client.dialer.DialContext(ctx, "udp", d.client.server.Dial)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	try, cancel := context.WithTimeout(ctx, udpTimeout)
	defer cancel()
	stop := context.AfterFunc(try, func() { conn.SetDeadline(past()) })
	defer stop()
	own := masked(query)
	if _, err := conn.Write(own); err != nil {
		return nil, err
	}
	out, err := d.await(conn, own)
	if ctx.Err() != nil && err != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		copy(out[12:], question(query))
	}
	return out, err
}

// await takes the first answer that is ours. One without EDNS to a question with it is what an injector sends: then the
// socket is listened to a while longer, and a better one counts.
func (d *datagram) await(conn net.Conn, own []byte) ([]byte, error) {
	buf := make([]byte, maxMessage)
	var first []byte
	for {
		n, err := conn.Read(buf)
		if err != nil {
			if first != nil {
				return first, nil
			}
			return nil, err
		}
		b := bytes.Clone(buf[:n])
		if !exact(own, b) {
			continue
		}
		if first != nil && !bytes.Equal(first, b) {
			d.client.injected.Store(true)
		}
		if edns(b) || !edns(own) {
			return b, nil
		}
		if first == nil {
			late := time.AfterFunc(linger, func() { conn.SetReadDeadline(past()) })
			defer late.Stop()
		}
		first = b
	}
}

// past is a deadline that is over.
func past() time.Time { return time.Unix(1, 0) }

// masked gives the query a random id and random letters, which only who saw it can repeat.
func masked(query []byte) []byte {
	out := bytes.Clone(query)
	copy(out, random(2))
	q := question(out)
	if q == nil {
		return out
	}
	coin := random(len(q))
	for i, at := 0, 0; i < len(q)-5; {
		for n := int(q[i]); n > 0; n-- {
			i++
			if c := q[i] | 0x20; c >= 'a' && c <= 'z' && coin[at]&1 == 1 {
				q[i] ^= 0x20
			}
			at++
		}
		i++
	}
	return out
}

// exact wants the id and every letter back.
func exact(query, answer []byte) bool {
	q := question(query)
	return q != nil && len(answer) > 12 && answer[2]&0x80 != 0 && bytes.Equal(query[:2], answer[:2]) && bytes.Equal(q, question(answer))
}

// edns tells whether a message has additional records that may be an OPT; an injected answer has none.
func edns(m []byte) bool { return binary.BigEndian.Uint16(m[10:]) > 0 }

package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	inFlight    = 16
	idle        = 10 * time.Second
	dialTimeout = 5 * time.Second
)

var errClosed = errors.New("the connection ended")

// stream asks over one TCP or TLS connection, many queries at a time (RFC 7766, RFC 7858).
type stream struct {
	client *Client

	mu     sync.Mutex // guards conn, closed
	conn   *session
	closed bool
	wg     sync.WaitGroup
}

// session is one connection and the queries that wait on it.
type session struct {
	net.Conn
	slots chan struct{}
	timer *time.Timer // ends the connection when nothing was asked for a while

	mu      sync.Mutex // guards waiting, err, and writes
	waiting map[uint16]chan []byte
	err     error
}

// exchange tries again once when the server had closed a connection that was kept.
func (s *stream) exchange(ctx context.Context, query []byte) ([]byte, error) {
	for try := 0; ; try++ {
		conn, fresh, err := s.session(ctx)
		if err != nil {
			return nil, err
		}
		out, err := conn.ask(ctx, s.prepare(query))
		if err == nil || fresh || try > 0 || !errors.Is(err, errClosed) {
			return out, err
		}
	}
}

func (s *stream) prepare(query []byte) []byte {
	if s.client.server.Kind == DoT {
		return padded(query)
	}
	return append([]byte(nil), query...)
}

// session returns the open connection, or a new one.
func (s *stream) session(ctx context.Context) (conn *session, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, net.ErrClosed
	}
	if s.conn != nil && !s.conn.ended() {
		return s.conn, false, nil
	}
	raw, err := s.dial(ctx)
	if err != nil {
		return nil, false, err
	}
	conn = &session{Conn: raw, slots: make(chan struct{}, inFlight), waiting: map[uint16]chan []byte{}}
	conn.timer = time.AfterFunc(idle, func() { raw.Close() })
	s.conn = conn
	s.wg.Go(conn.read)
	return conn, true, nil
}

func (s *stream) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for try := 0; ; try++ {
		raw, err := s.client.dialer.DialContext(ctx, "tcp", s.client.server.Dial)
		if err != nil || s.client.server.Kind != DoT {
			return raw, err
		}
		conf := s.client.tlsConfig()
		conf.NextProtos = []string{"dot"}
		conn := tls.Client(raw, conf)
		if err = conn.HandshakeContext(ctx); err == nil {
			return conn, nil
		}
		raw.Close()
		if try > 0 || !s.client.retryECH(err) {
			return nil, err
		}
	}
}

// Close ends the connection and waits for its reader.
func (s *stream) Close() error {
	s.mu.Lock()
	s.closed = true
	if s.conn != nil {
		s.conn.Conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

func (c *session) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

func (c *session) ask(ctx context.Context, query []byte) ([]byte, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-c.slots }()
	id, reply, err := c.send(query)
	if err != nil {
		return nil, err
	}
	defer c.forget(id)
	select {
	case out, ok := <-reply:
		switch {
		case !ok:
			return nil, errClosed
		case !belongs(query, out):
			return nil, ErrForeign
		}
		return out, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *session) send(query []byte) (uint16, chan []byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, errClosed
	}
	var id uint16
	for taken := true; taken; { // at most 16 of 65,536 are
		b := random(2)
		id = uint16(b[0])<<8 | uint16(b[1])
		_, taken = c.waiting[id]
	}
	query[0], query[1] = byte(id>>8), byte(id)
	reply := make(chan []byte, 1)
	c.waiting[id] = reply
	c.timer.Reset(idle)
	if err := writeMessage(c.Conn, query); err != nil {
		c.err = err
		c.Conn.Close()
		delete(c.waiting, id)
		return 0, nil, errClosed
	}
	return id, reply, nil
}

func (c *session) forget(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// read hands out answers until the connection ends or is idle.
func (c *session) read() {
	defer c.timer.Stop()
	defer c.Conn.Close()
	for {
		m, err := readMessage(c.Conn)
		if err == nil && len(m) < 12 {
			err = io.ErrUnexpectedEOF
		}
		c.mu.Lock()
		if err != nil {
			c.err = err
			for id, reply := range c.waiting {
				delete(c.waiting, id)
				close(reply)
			}
			c.mu.Unlock()
			return
		}
		id := uint16(m[0])<<8 | uint16(m[1])
		if reply, ok := c.waiting[id]; ok {
			delete(c.waiting, id)
			reply <- m
		}
		c.mu.Unlock()
	}
}

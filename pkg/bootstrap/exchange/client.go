package exchange

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/miekg/dns"
)

// maxMessage is the largest answer in bytes.
const maxMessage = 64<<10 - 1

// ErrForeign says that an answer is not to the question that was asked.
var ErrForeign = errors.New("the answer is to another question")

// Dialer opens connections. *net.Dialer is one; so are the proxies of this package.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	server   Server
	dialer   Dialer
	exchange func(context.Context, []byte) ([]byte, error)
	close    func() error

	queries, bytes atomic.Int64
	injected       atomic.Bool
	ech            atomic.Pointer[[]byte] // handed out by the server in place of server.ECH
}

// New returns a client; nothing is sent yet. A nil dialer is the system's.
func New(s Server, d Dialer) *Client {
	if d == nil {
		d = &net.Dialer{}
	}
	c := &Client{server: s, dialer: d}
	switch s.Kind {
	case DoH:
		h := newHTTP(c)
		c.exchange, c.close = h.exchange, h.Close
	case DoT, TCP:
		t := &stream{client: c}
		c.exchange, c.close = t.exchange, t.Close
	default:
		u := &datagram{client: c, tcp: &stream{client: c}}
		c.exchange, c.close = u.exchange, u.tcp.Close
	}
	return c
}

// Server returns what New was given.
func (c *Client) Server() Server { return c.server }

// Exchange sends one message and returns the answer with the id and the letters of the query.
func (c *Client) Exchange(ctx context.Context, query []byte) ([]byte, error) {
	if len(query) < 12 || len(query) > maxMessage {
		return nil, fmt.Errorf("query of %d bytes", len(query))
	}
	if c.server.HideName && len(c.server.ECH) == 0 {
		return nil, fmt.Errorf("%s: no key to hide its name", c.server)
	}
	c.queries.Add(1)
	out, err := c.exchange(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.server, err)
	}
	c.bytes.Add(int64(len(query) + len(out)))
	copy(out, query[:2])
	return out, nil
}

// Stats returns how many queries were sent, the bytes of them and their answers, and whether somebody on the way answered
// in the server's name.
func (c *Client) Stats() (queries, bytes int, injected bool) {
	return int(c.queries.Load()), int(c.bytes.Load()), c.injected.Load()
}

// Close ends the connection and waits for its goroutine.
func (c *Client) Close() error { return c.close() }

// question is the bytes of the first question of a message that was not compressed, or nil.
func question(m []byte) []byte {
	if len(m) < 12 || binary.BigEndian.Uint16(m[4:]) != 1 {
		return nil
	}
	i := 12
	for i < len(m) && m[i] != 0 {
		if m[i] > 63 {
			return nil
		}
		i += 1 + int(m[i])
	}
	if i+5 > len(m) {
		return nil
	}
	return m[12 : i+5]
}

// belongs tells whether answer is a response to query, letters apart.
func belongs(query, answer []byte) bool {
	q, a := question(query), question(answer)
	return q != nil && a != nil && answer[2]&0x80 != 0 && bytes.EqualFold(q, a)
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

// tlsConfig is for the server's name, pin and ECH.
func (c *Client) tlsConfig() *tls.Config {
	s := c.server
	conf := &tls.Config{ServerName: s.SNI, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	if p := c.ech.Load(); p != nil {
		s.ECH = *p
	}
	if len(s.ECH) > 0 {
		conf.MinVersion, conf.EncryptedClientHelloConfigList = tls.VersionTLS13, s.ECH
	}
	if len(s.SPKI) > 0 {
		conf.InsecureSkipVerify = true // the pin is all there is to check
		conf.VerifyConnection = func(state tls.ConnectionState) error {
			sum := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
			if subtle.ConstantTimeCompare(sum[:], s.SPKI) != 1 {
				return errors.New("the certificate has not the key that is pinned")
			}
			return nil
		}
	}
	return conf
}

// retryECH takes the configuration that a server hands out when it does not know ours. True asks for another try, also when an
// exchange beside this one has taken it already.
func (c *Client) retryECH(err error) bool {
	var rejected *tls.ECHRejectionError
	if !errors.As(err, &rejected) || len(rejected.RetryConfigList) == 0 {
		return false
	}
	c.ech.Store(&rejected.RetryConfigList)
	return true
}

// padded adds EDNS padding, so that the length of a question tells nothing (RFC 8467: blocks of 128 bytes).
func padded(query []byte) []byte {
	var m dns.Msg
	if m.Unpack(query) != nil {
		return query
	}
	opt := m.IsEdns0()
	if opt == nil {
		return query
	}
	const head = 4
	n := (128 - (len(query)+head)%128) % 128
	opt.Option = append(opt.Option, &dns.EDNS0_PADDING{Padding: make([]byte, n)})
	out, err := m.Pack()
	if err != nil {
		return query
	}
	return out
}

func writeMessage(w io.Writer, m []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	return err
}

func readMessage(r io.Reader) ([]byte, error) {
	var n [2]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint16(n[:]))
	_, err := io.ReadFull(r, m)
	return m, err
}

package exchange

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"

	"github.com/pars-network/pars/pkg/wire"
)

// Proxy returns a dialer through socks5://[USER:PASSWORD@]HOST:PORT or http://HOST:PORT, for TCP alone: with one, nothing is asked
// over UDP. Errors wrap wire.ErrInvalid.
func Proxy(text string, next Dialer) (Dialer, error) {
	if next == nil {
		next = &net.Dialer{}
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, wire.Invalid("proxy is not socks5://HOST:PORT or http://HOST:PORT")
	}
	switch u.Scheme {
	case "socks5":
		var auth *proxy.Auth
		if u.User != nil {
			password, _ := u.User.Password()
			auth = &proxy.Auth{User: u.User.Username(), Password: password}
		}
		d, err := proxy.SOCKS5("tcp", u.Host, auth, forward{next})
		if err != nil {
			return nil, wire.Invalid("proxy: %v", err)
		}
		return tcpOnly{d.(proxy.ContextDialer)}, nil
	case "http":
		return tcpOnly{connect{u, next}}, nil
	}
	return nil, wire.Invalid("proxy scheme %q is none of socks5, http", u.Scheme)
}

// forward lets a Dialer stand below the proxy package.
type forward struct{ Dialer }

// Dial is of the older interface.
func (f forward) Dial(network, address string) (net.Conn, error) {
	return f.DialContext(context.Background(), network, address)
}

// tcpOnly refuses what would go past the proxy.
type tcpOnly struct{ Dialer }

// DialContext opens a TCP connection through the proxy.
func (t tcpOnly) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, fmt.Errorf("%s does not go through a proxy; name a server by tcp, tls or https", network)
	}
	return t.Dialer.DialContext(ctx, network, address)
}

// connect is an HTTP proxy.
type connect struct {
	proxy *url.URL
	next  Dialer
}

// DialContext asks the proxy for a tunnel (RFC 9110 section 9.3.6).
func (c connect) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.next.DialContext(ctx, network, c.proxy.Host)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(past()) })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": {""}}}
	if u := c.proxy.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		conn.Close()
		return nil, err
	}
	in := bufio.NewReaderSize(conn, 4096)
	resp, err := http.ReadResponse(in, req)
	switch {
	case err != nil:
	case resp.StatusCode != http.StatusOK:
		err = fmt.Errorf("the proxy answers %d", resp.StatusCode)
	case in.Buffered() > 0:
		err = fmt.Errorf("the proxy speaks before it is asked")
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

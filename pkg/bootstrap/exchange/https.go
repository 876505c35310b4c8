package exchange

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

const media = "application/dns-message"

// httpClient asks over HTTPS, HTTP/2 where the server has it.
type httpClient struct {
	client *Client

	mu   sync.Mutex // guards http
	http *http.Client
}

func newHTTP(c *Client) *httpClient {
	h := &httpClient{client: c}
	h.renew()
	return h
}

// renew makes a client for the server's present ECH configuration.
func (h *httpClient) renew() {
	if h.http != nil {
		h.http.CloseIdleConnections()
	}
	c := h.client
	t := &http.Transport{TLSClientConfig: c.tlsConfig(), ForceAttemptHTTP2: true, IdleConnTimeout: idle, MaxConnsPerHost: 1, TLSHandshakeTimeout: dialTimeout,
		ResponseHeaderTimeout: dialTimeout, MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return c.dialer.DialContext(ctx, network, c.server.Dial)
		}}
	h.http = &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (h *httpClient) exchange(ctx context.Context, query []byte) ([]byte, error) {
	query = bytes.Clone(padded(query)) // what cannot be padded is the caller's own
	query[0], query[1] = 0, 0          // the same question has the same URL, so that caches on the way help
	for try := 0; ; try++ {
		out, err := h.once(ctx, query)
		if err == nil || try > 0 {
			return out, err
		}
		h.mu.Lock()
		again := h.client.retryECH(err)
		if again {
			h.renew()
		}
		h.mu.Unlock()
		if !again {
			return nil, err
		}
	}
}

func (h *httpClient) once(ctx context.Context, query []byte) ([]byte, error) {
	req, err := h.request(ctx, query)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	client := h.http
	h.mu.Unlock()
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != media {
		return nil, fmt.Errorf("the server answers %d, %q", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	out, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage+1))
	switch {
	case err != nil:
		return nil, err
	case len(out) > maxMessage:
		return nil, fmt.Errorf("answer of more than %d bytes", maxMessage)
	case !belongs(query, out):
		return nil, ErrForeign
	}
	return out, nil
}

// request is a GET, or a POST for what would make a long URL.
func (h *httpClient) request(ctx context.Context, query []byte) (*http.Request, error) {
	s := h.client.server
	url := "https://" + s.Host + s.Path
	if len(query) <= 512 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"?dns="+base64.RawURLEncoding.EncodeToString(query), nil)
		if err == nil {
			req.Header.Set("Accept", media)
		}
		return plainHeaders(req), err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(query))
	if err == nil {
		req.Header.Set("Content-Type", media)
		req.Header.Set("Accept", media)
	}
	return plainHeaders(req), err
}

// plainHeaders says nothing about the program.
func plainHeaders(req *http.Request) *http.Request {
	if req != nil {
		req.Header.Set("User-Agent", "")
	}
	return req
}

func (h *httpClient) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.http.CloseIdleConnections()
	return nil
}

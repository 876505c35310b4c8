package evm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

const slow = 10 * time.Second

// NewHTTP returns a client for the servers asked here: it follows no redirection and asks for no compression, so that
// the bytes read are the bytes sent.
func NewHTTP() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// baseURL wants http or https and a host.
func baseURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return wire.Invalid("%.100q is no http or https URL", s)
	}
	return nil
}

// answerBody reads at most limit bytes.
func answerBody(r *http.Response, limit int) ([]byte, error) {
	if r.ContentLength > int64(limit) {
		return nil, wire.Invalid("answer of %d bytes, at most %d", r.ContentLength, limit)
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, wire.Invalid("answer does not end after %d bytes", limit)
	}
	return b, nil
}

// plainNet names a network error without its wrapping; the caller names the server.
func plainNet(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if errors.Is(u.Err, context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %v: %w", slow, u.Err)
		}
		return u.Err
	}
	return err
}

func trimBase(s string) string { return strings.TrimRight(s, "/") }

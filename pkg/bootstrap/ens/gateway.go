package ens

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// GatewayTimeout is how long one server has for its answer.
const GatewayTimeout = 5 * time.Second

// Web asks gateways by HTTPS. It does not follow redirects, and connects to no private address: a contract, which anybody may write,
// chooses whom it asks.
type Web struct {
	Client *http.Client
}

// NewWeb returns a Web over its own connections.
func NewWeb() *Web {
	d := &net.Dialer{Timeout: GatewayTimeout, Control: publicOnly}
	return &Web{&http.Client{
		Timeout:       GatewayTimeout,
		Transport:     &http.Transport{DialContext: d.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: GatewayTimeout},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// publicOnly sees the address after the name was looked up.
func publicOnly(_, address string, _ syscall.RawConn) error {
	p, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if a := p.Addr().Unmap(); !a.IsGlobalUnicast() || a.IsPrivate() || shared(a) {
		return fmt.Errorf("%v is no public address", a)
	}
	return nil
}

// shared is the space behind carriers' translators, and what stands for private addresses of IPv4 in IPv6.
func shared(a netip.Addr) bool {
	for _, s := range []string{"100.64.0.0/10", "0.0.0.0/8", "240.0.0.0/4", "64:ff9b::/96", "2002::/16"} {
		if netip.MustParsePrefix(s).Contains(a) {
			return true
		}
	}
	return false
}

// Fetch does what EIP-3668 says with one URL: GET when it has a place for the data, else POST. An answer 4xx is a refusal.
func (w *Web) Fetch(ctx context.Context, template string, sender Address, data []byte) (answer []byte, refused bool, err error) {
	hexData := "0x" + hex.EncodeToString(data)
	target := strings.NewReplacer("{sender}", sender.String(), "{data}", hexData).Replace(template)
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, false, wire.Invalid("gateways are asked by https alone")
	}
	method, body := http.MethodGet, io.Reader(nil)
	if !strings.Contains(template, "{data}") {
		b, err := json.Marshal(map[string]string{"data": hexData, "sender": sender.String()})
		if err != nil {
			return nil, false, err
		}
		method, body = http.MethodPost, bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(ctx, GatewayTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, false, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := w.Client.Do(req)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // the rest of it is the URL
		}
		return nil, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, resp.StatusCode/100 == 4, fmt.Errorf("status %d", resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 2*MaxReturn+1))
	if err != nil {
		return nil, false, err
	}
	answer, err = ParseGateway(b)
	return answer, false, err
}

// ParseGateway reads the JSON of a gateway: {"data": "0x…"}, and whatever fields beside. Errors wrap wire.ErrInvalid.
func ParseGateway(b []byte) ([]byte, error) {
	if len(b) > 2*MaxReturn {
		return nil, wire.Invalid("answer of more than %d bytes", 2*MaxReturn)
	}
	var v struct {
		Data string `json:"data"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, wire.Invalid("answer that is not JSON with data")
	}
	return unhex(v.Data)
}

func unhex(s string) ([]byte, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) > MaxReturn {
		return nil, wire.Invalid("%d characters that are not 0x and hex", len(s))
	}
	return b, nil
}

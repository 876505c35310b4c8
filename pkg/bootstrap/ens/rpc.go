package ens

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// RPC calls contracts on the word of a JSON-RPC server. Nothing of what it says is proven.
type RPC struct {
	URL    string
	Client *http.Client // nil: http.DefaultClient without its redirects
	Block  string       // latest when empty
}

// rpcError is the error of an answer.
type rpcError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Call runs eth_call.
func (r *RPC) Call(ctx context.Context, to [20]byte, data []byte) ([]byte, error) {
	block := r.Block
	if block == "" {
		block = "latest"
	}
	raw, err := r.ask(ctx, "eth_call", map[string]string{"to": Address(to).String(), "data": "0x" + hex.EncodeToString(data)}, block)
	if err != nil {
		return nil, err
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, wire.Invalid("answer of the server is no text")
	}
	return unhex(s)
}

// ChainID asks which chain the server is of.
func (r *RPC) ChainID(ctx context.Context) (uint64, error) {
	raw, err := r.ask(ctx, "eth_chainId")
	if err != nil {
		return 0, err
	}
	var s string
	var id uint64
	if json.Unmarshal(raw, &s) != nil {
		return 0, wire.Invalid("chain id of the server is no text")
	}
	if _, err := fmt.Sscanf(s, "0x%x", &id); err != nil {
		return 0, wire.Invalid("chain id %q of the server", s)
	}
	return id, nil
}

func (r *RPC) ask(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the URL of the server is none")
	}
	req.Header.Set("Content-Type", "application/json")
	client := r.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	resp, err := client.Do(req)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // a URL may hold a key
		}
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 2*MaxReturn+1024))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	out, err := ParseRPC(b)
	var revert *RevertError
	if err != nil && !errors.As(err, &revert) && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err != nil && revert == nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	return out, err
}

// ParseRPC reads one answer of JSON-RPC 2.0. A call that reverted is a *RevertError; an answer that is none wraps wire.ErrInvalid.
func ParseRPC(b []byte) (json.RawMessage, error) {
	if len(b) > 2*MaxReturn+1023 {
		return nil, wire.Invalid("answer of the server has %d bytes", len(b))
	}
	var v struct {
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, wire.Invalid("answer of the server is not JSON")
	}
	if v.Error == nil {
		if len(v.Result) == 0 {
			return nil, wire.Invalid("answer of the server has no result")
		}
		return v.Result, nil
	}
	var s string
	if v.Error.Code == 3 || json.Unmarshal(v.Error.Data, &s) == nil && strings.HasPrefix(s, "0x") {
		_ = json.Unmarshal(v.Error.Data, &s) // a revert may come without bytes
		data, err := unhex(s)
		if s != "" && err != nil {
			return nil, err
		}
		return nil, &RevertError{data}
	}
	return nil, fmt.Errorf("the server says %d %.200q", v.Error.Code, v.Error.Message)
}

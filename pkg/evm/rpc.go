package evm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/wire"
)

// RPC is a server with the JSON-RPC of the execution chain. It is a proof.Asker.
type RPC struct {
	URL  string
	HTTP *http.Client

	trips, bytes atomic.Int64
}

// RPCError is what a server said instead of a result.
type RPCError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Error quotes the server.
func (e *RPCError) Error() string { return fmt.Sprintf("%.200q (%d)", e.Message, e.Code) }

type rpcRequest struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type rpcAnswer struct {
	ID     *int            `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *RPCError       `json:"error"`
}

// Name is the server's part of the URL: what follows may be a key.
func (r *RPC) Name() string { return plainURL(r.URL) }

func unmarshal(b []byte, v any) error { return json.Unmarshal(b, v) }

// Traffic returns round trips and bytes received so far.
func (r *RPC) Traffic() (trips, bytes int64) { return r.trips.Load(), r.bytes.Load() }

// Ask sends a batch, or one bare request, and brings the answers into its order.
func (r *RPC) Ask(ctx context.Context, batch []proof.Ask, limit int) ([]proof.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*slow)
	defer cancel()
	reqs := make([]rpcRequest, len(batch))
	for i, a := range batch {
		if a.Params == nil {
			a.Params = []any{}
		}
		reqs[i] = rpcRequest{"2.0", i, a.Method, a.Params}
	}
	var body any = reqs
	if len(reqs) == 1 {
		body = reqs[0]
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	raw, err := r.post(ctx, b, limit+4096)
	if err != nil {
		return nil, err
	}
	return sortAnswers(raw, len(batch))
}

func (r *RPC) post(ctx context.Context, b []byte, limit int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	r.trips.Add(1)
	resp, err := r.HTTP.Do(req)
	if err != nil {
		return nil, plainNet(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	raw, err := answerBody(resp, limit)
	r.bytes.Add(int64(len(raw)))
	return raw, err
}

func sortAnswers(raw []byte, n int) ([]proof.Answer, error) {
	var list []rpcAnswer
	if first := bytes.TrimLeft(raw, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, wire.Invalid("answer is no JSON")
		}
	} else {
		var a rpcAnswer
		if err := json.Unmarshal(raw, &a); err != nil {
			return nil, wire.Invalid("answer is no JSON")
		}
		if n > 1 && a.Error != nil {
			return nil, fmt.Errorf("batch: %w", a.Error)
		}
		list = []rpcAnswer{a}
	}
	if len(list) != n {
		return nil, wire.Invalid("%d answers to %d requests", len(list), n)
	}
	out := make([]proof.Answer, n)
	seen := make([]bool, n)
	for _, a := range list {
		if a.ID == nil || *a.ID < 0 || *a.ID >= n || seen[*a.ID] {
			return nil, wire.Invalid("an answer to a request that was not made")
		}
		seen[*a.ID] = true
		out[*a.ID].Result = a.Result
		if a.Error != nil {
			out[*a.ID].Err = a.Error
		}
	}
	return out, nil
}

// lacks reports that a server does not know a method.
func lacks(err error) bool {
	var e *RPCError
	return errors.As(err, &e) && e.Code == -32601
}

// NewRPC checks the URL.
func NewRPC(url string, h *http.Client) (*RPC, error) { return &RPC{URL: url, HTTP: h}, baseURL(url) }

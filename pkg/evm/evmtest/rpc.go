package evmtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"
)

// RPC is an execution node. Bend, when set, may change what a method answers; it sees the parameters.
type RPC struct {
	Chain *Chain
	// Head is the newest block that is told.
	Head uint64
	Bend func(method string, params []json.RawMessage, answer any) any
	// Fail, when set, gives the error that a method answers with; empty: none.
	Fail func(method string) string
	// Lacks names methods that are not there.
	Lacks map[string]bool

	moved atomic.Uint64
	mu    sync.Mutex // guards Trips and Sent; see Lock
	Trips int
	Sent  [][]byte
}

type request struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// ServeHTTP answers one request or a batch.
func (r *RPC) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.Trips++
	r.mu.Unlock()
	var raw json.RawMessage
	if err := json.NewDecoder(q.Body).Decode(&raw); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var batch []request
	var out any
	if raw[0] == '[' {
		_ = json.Unmarshal(raw, &batch)
		list := []any{}
		for _, b := range batch {
			list = append(list, r.answer(b))
		}
		out = list
	} else {
		var one request
		_ = json.Unmarshal(raw, &one)
		out = r.answer(one)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

func (r *RPC) answer(q request) any {
	out := map[string]any{"jsonrpc": "2.0", "id": q.ID}
	if r.Lacks[q.Method] {
		out["error"] = failure{-32601, "the method " + q.Method + " does not exist/is not available"}
		return out
	}
	if r.Fail != nil {
		if s := r.Fail(q.Method); s != "" {
			out["error"] = failure{-32000, s}
			return out
		}
	}
	v, err := r.Call(q.Method, q.Params)
	if r.Bend != nil && err == nil {
		v = r.Bend(q.Method, q.Params, v)
	}
	if err != nil {
		out["error"] = failure{-32000, err.Error()}
	} else {
		out["result"] = v
	}
	return out
}

// Call answers one request, without Bend.
func (r *RPC) Call(method string, params []json.RawMessage) (any, error) {
	arg := func(i int, v any) {
		if i < len(params) {
			_ = json.Unmarshal(params[i], v)
		}
	}
	switch method {
	case "eth_chainId":
		return hexutil.Uint64(chainID), nil
	case "eth_getBlockByHash", "eth_getBlockReceipts":
		var h common.Hash
		var full bool
		arg(0, &h)
		arg(1, &full)
		b, n := r.byHash(h)
		if b == nil {
			return nil, nil
		}
		if method == "eth_getBlockReceipts" {
			return append(types.Receipts{}, r.Chain.Receipts[n]...), nil
		}
		return blockJSON(b, full), nil
	case "eth_getBlockByNumber":
		var n hexutil.Uint64
		arg(0, &n)
		if uint64(n) > r.head() {
			return nil, nil
		}
		return blockJSON(r.Chain.Blocks[n], false), nil
	case "eth_getProof", "eth_getCode":
		return r.state(method, arg)
	case "eth_createAccessList":
		return map[string]any{"accessList": types.AccessList{{Address: r.Chain.Contract, StorageKeys: []common.Hash{{}}}}, "gasUsed": "0x1"}, nil
	case "eth_getTransactionByHash", "eth_getTransactionReceipt":
		var h common.Hash
		arg(0, &h)
		return r.transaction(method, h), nil
	case "eth_sendRawTransaction":
		var raw hexutil.Bytes
		arg(0, &raw)
		tx := new(types.Transaction)
		if err := tx.UnmarshalBinary(raw); err != nil {
			return nil, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.Sent = append(r.Sent, raw)
		return tx.Hash(), nil
	}
	return nil, fmt.Errorf("no method %s", method)
}

func (r *RPC) byHash(h common.Hash) (*types.Block, uint64) {
	for n, b := range r.Chain.Blocks[:r.head()+1] {
		if b.Hash() == h {
			return b, uint64(n)
		}
	}
	return nil, 0
}

func (r *RPC) transaction(method string, h common.Hash) any {
	for n, b := range r.Chain.Blocks[:r.head()+1] {
		for i, tx := range b.Transactions() {
			if tx.Hash() == h && method == "eth_getTransactionReceipt" {
				return r.Chain.Receipts[n][i]
			}
			if tx.Hash() == h {
				return map[string]any{"hash": h, "blockHash": b.Hash(), "blockNumber": hexutil.Uint64(n)}
			}
		}
	}
	return nil
}

func blockJSON(b *types.Block, full bool) any {
	out := map[string]any{}
	raw, _ := json.Marshal(b.Header())
	_ = json.Unmarshal(raw, &out)
	txs := []any{}
	for _, tx := range b.Transactions() {
		if full {
			txs = append(txs, tx)
		} else {
			txs = append(txs, tx.Hash())
		}
	}
	out["hash"], out["transactions"], out["withdrawals"] = b.Hash(), txs, append(types.Withdrawals{}, b.Withdrawals()...)
	return out
}

func (r *RPC) state(method string, arg func(int, any)) (any, error) {
	var addr common.Address
	var keys []common.Hash
	var at struct{ BlockHash common.Hash }
	arg(0, &addr)
	if method == "eth_getProof" {
		arg(1, &keys)
		arg(2, &at)
	} else {
		arg(1, &at)
	}
	b, _ := r.byHash(at.BlockHash)
	if b == nil {
		return nil, fmt.Errorf("header not found")
	}
	st, err := trie.NewStateTrie(trie.StateTrieID(b.Root()), r.Chain.tdb)
	if err != nil {
		return nil, err
	}
	acc, err := st.GetAccount(addr)
	if err != nil {
		return nil, err
	}
	if method == "eth_getCode" {
		if acc == nil {
			return hexutil.Bytes{}, nil
		}
		return hexutil.Bytes(rawdb.ReadCode(r.Chain.db, common.BytesToHash(acc.CodeHash))), nil
	}
	storage := []any{}
	for _, k := range keys {
		var list []hexutil.Bytes
		if acc != nil && acc.Root != types.EmptyRootHash {
			t, err := trie.NewStateTrie(trie.StorageTrieID(b.Root(), crypto.Keccak256Hash(addr[:]), acc.Root), r.Chain.tdb)
			if err != nil {
				return nil, err
			}
			list = prove(t, k[:])
		}
		storage = append(storage, map[string]any{"key": k, "value": "0x0", "proof": append([]hexutil.Bytes{}, list...)})
	}
	return map[string]any{"address": addr, "accountProof": prove(st, addr[:]), "storageProof": storage}, nil
}

type prover struct{ list []hexutil.Bytes }

// Put collects the nodes in their order.
func (p *prover) Put(_, v []byte) error { p.list = append(p.list, v); return nil }

// Delete is not called.
func (p *prover) Delete([]byte) error { return nil }

func prove(t *trie.StateTrie, key []byte) []hexutil.Bytes {
	p := &prover{}
	if err := t.Prove(crypto.Keccak256(key), p); err != nil {
		panic(err)
	}
	return p.list
}

// Lock guards Trips and Sent while requests may be under way; Unlock ends it.
func (r *RPC) Lock() { r.mu.Lock() }

// Unlock is the end of Lock.
func (r *RPC) Unlock() { r.mu.Unlock() }

// Move sets the head while requests may be under way.
func (r *RPC) Move(head uint64) { r.moved.Store(head) }

func (r *RPC) head() uint64 { return max(r.Head, r.moved.Load()) }

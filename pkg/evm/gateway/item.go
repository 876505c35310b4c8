package gateway

import (
	"encoding/json"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/wire"
)

const maxNodes = 64

// ask is the item as JSON-RPC has it.
func (i *Item) ask() proof.Ask {
	at, block := map[string]any{"blockHash": i.Block}, i.Block
	switch i.Kind {
	case ItemProof:
		keys := make([]string, len(i.Keys))
		for j, k := range i.Keys {
			keys[j] = k.String()
		}
		return proof.Ask{Method: "eth_getProof", Params: []any{i.Address, keys, at}}
	case ItemCode:
		return proof.Ask{Method: "eth_getCode", Params: []any{i.Address, at}}
	case ItemHeader, ItemBody:
		return proof.Ask{Method: "eth_getBlockByHash", Params: []any{block, i.Kind == ItemBody}}
	case ItemNumber:
		return proof.Ask{Method: "eth_getBlockByNumber", Params: []any{hexutil.Uint64(i.Number), false}}
	case ItemReceipts:
		return proof.Ask{Method: "eth_getBlockReceipts", Params: []any{block}}
	}
	return proof.Ask{Method: "eth_getTransactionByHash", Params: []any{block}}
}

// itemOf is the inverse; false for what the protocol does not know.
func itemOf(a proof.Ask) (i Item, ok bool) {
	var full bool
	var at struct{ BlockHash common.Hash }
	var keys []common.Hash
	read := func(to ...any) bool {
		raw, err := json.Marshal(a.Params)
		var list []json.RawMessage
		if err != nil || json.Unmarshal(raw, &list) != nil || len(list) != len(to) {
			return false
		}
		for j, v := range to {
			if json.Unmarshal(list[j], v) != nil {
				return false
			}
		}
		return true
	}
	switch block := (*common.Hash)(&i.Block); a.Method {
	case "eth_getProof":
		i.Kind, ok = ItemProof, read((*common.Address)(&i.Address), &keys, &at)
		i.Block = evm.Hash(at.BlockHash)
	case "eth_getCode":
		i.Kind, ok = ItemCode, read((*common.Address)(&i.Address), &at)
		i.Block = evm.Hash(at.BlockHash)
	case "eth_getBlockByHash":
		if i.Kind, ok = ItemHeader, read(block, &full); full {
			i.Kind = ItemBody
		}
	case "eth_getBlockByNumber":
		i.Kind, ok = ItemNumber, read((*hexutil.Uint64)(&i.Number), &full) && !full
	case "eth_getBlockReceipts":
		i.Kind, ok = ItemReceipts, read(block)
	case "eth_getTransactionByHash":
		i.Kind, ok = ItemFind, read(block)
	}
	for _, k := range keys {
		i.Keys = append(i.Keys, evm.Hash(k))
	}
	return i, ok && len(keys) <= MaxKeys
}

// proofJSON is what is used of an answer to eth_getProof.
type proofJSON struct {
	Account []hexutil.Bytes `json:"accountProof"`
	Storage []wordJSON      `json:"storageProof"`
}

type wordJSON struct {
	Proof []hexutil.Bytes `json:"proof"`
}

type blockJSON struct {
	Txs         types.Transactions `json:"transactions"`
	Withdrawals types.Withdrawals  `json:"withdrawals"`
}

type placeJSON struct {
	Block  *common.Hash    `json:"blockHash"`
	Number *hexutil.Uint64 `json:"blockNumber"`
}

// pack brings a server's answer into the form of the wire; nil for none.
func (i *Item) pack(raw json.RawMessage) ([]byte, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	switch i.Kind {
	case ItemProof:
		var p proofJSON
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, err
		}
		b := appendNodes(wire.AppendArray(nil, 2), p.Account)
		b = wire.AppendArray(b, len(p.Storage))
		for _, w := range p.Storage {
			b = appendNodes(b, w.Proof)
		}
		return b, nil
	case ItemCode:
		var code hexutil.Bytes
		err := json.Unmarshal(raw, &code)
		return append([]byte{}, code...), err
	case ItemHeader, ItemNumber, ItemBody:
		return packBlock(raw, i.Kind == ItemBody)
	case ItemReceipts:
		return packReceipts(raw)
	}
	var at placeJSON
	if err := json.Unmarshal(raw, &at); err != nil || at.Block == nil || at.Number == nil {
		return nil, err
	}
	return wire.AppendUint(wire.AppendBytes(wire.AppendArray(nil, 2), at.Block[:]), uint64(*at.Number)), nil
}

func packReceipts(raw json.RawMessage) ([]byte, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	out := make([]*types.Receipt, len(list))
	for i, r := range list {
		var err error
		if out[i], err = proof.BareReceipt(r); err != nil {
			return nil, err
		}
	}
	return rlp.EncodeToBytes(out)
}

func appendNodes(b []byte, list []hexutil.Bytes) []byte {
	b = wire.AppendArray(b, len(list))
	for _, n := range list {
		b = wire.AppendBytes(b, n)
	}
	return b
}

func packBlock(raw json.RawMessage, full bool) ([]byte, error) {
	h := new(types.Header)
	if err := json.Unmarshal(raw, h); err != nil {
		return nil, err
	}
	if !full {
		return rlp.EncodeToBytes(h)
	}
	var b blockJSON
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, err
	}
	body := types.Body{Transactions: b.Txs}
	if h.WithdrawalsHash != nil {
		body.Withdrawals = append(types.Withdrawals{}, b.Withdrawals...)
	}
	return rlp.EncodeToBytes(types.NewBlockWithHeader(h).WithBody(body))
}

// unpack is the inverse: JSON as a server would have answered. Nothing of it is verified yet.
func (i *Item) unpack(b []byte) (json.RawMessage, error) {
	if len(b) == 0 && i.Kind != ItemCode {
		return json.RawMessage("null"), nil
	}
	var out any
	err := error(nil)
	switch i.Kind {
	case ItemProof:
		out, err = unpackProof(b, len(i.Keys))
	case ItemCode:
		out = hexutil.Bytes(b)
	case ItemHeader, ItemNumber:
		h := new(types.Header)
		err, out = rlp.DecodeBytes(b, h), h
	case ItemBody:
		return unpackBlock(b)
	case ItemReceipts:
		var list []*types.Receipt
		err, out = rlp.DecodeBytes(b, &list), &list
	case ItemFind:
		d := wire.NewDecoder(b)
		var at placeJSON
		at.Block, at.Number = new(common.Hash), new(hexutil.Uint64)
		if d.Array(2) != 2 {
			d.Fail(wire.Invalid("place without its two parts"))
		}
		d.Fixed(at.Block[:])
		*at.Number = hexutil.Uint64(d.Uint(1<<64 - 1))
		err, out = d.End(), at
	}
	if err != nil {
		return nil, wire.Invalid("item of kind %d: %v", i.Kind, err)
	}
	return json.Marshal(out)
}

func unpackProof(b []byte, keys int) (p proofJSON, err error) {
	d := wire.NewDecoder(b)
	nodes := func() (list []hexutil.Bytes) {
		list = []hexutil.Bytes{}
		for range d.Array(maxNodes) {
			list = append(list, d.Bytes(1, 1<<10))
		}
		return list
	}
	if d.Array(2) != 2 {
		d.Fail(wire.Invalid("proof without its two parts"))
	}
	p.Account, p.Storage = nodes(), []wordJSON{}
	if n := d.Array(MaxKeys); n != keys {
		d.Fail(wire.Invalid("%d storage proofs, asked for %d", n, keys))
	}
	for range keys {
		p.Storage = append(p.Storage, wordJSON{nodes()})
	}
	return p, d.End()
}

func unpackBlock(b []byte) (json.RawMessage, error) {
	block := new(types.Block)
	if err := rlp.DecodeBytes(b, block); err != nil {
		return nil, wire.Invalid("block: %v", err)
	}
	return blockOf(&proof.Body{Block: &proof.Block{Header: block.Header()}, Txs: block.Transactions(), Withdrawals: block.Withdrawals()})
}

package evm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/wire"
)

// asked is what every test of a liar reads; it must end with this answer or with none.
func asked(t *testing.T, c *evm.Client) (string, error) {
	t.Helper()
	ctx := t.Context()
	contract := evm.Address(chain().Contract)
	if err := c.Sync(ctx); err != nil {
		if _, ok := c.Head(); !ok || errors.Is(err, wire.ErrInvalid) {
			return "", err
		}
	}
	acc, m, err := c.Account(ctx, evm.Address(chain().Addr), "")
	if err != nil {
		return "", err
	}
	word, _, err := c.Storage(ctx, contract, evm.Hash{}, "")
	if err != nil {
		return "", err
	}
	gone, _, err := c.Storage(ctx, contract, evm.Hash{31: 9}, "")
	if err != nil {
		return "", err
	}
	call, err := c.Call(ctx, contract, nil, "")
	if err != nil {
		return "", err
	}
	r, _, err := c.Receipt(ctx, evm.Hash(chain().Receipts[139][0].TxHash))
	if err != nil {
		return "", err
	}
	logs, _, err := c.Logs(ctx, "130", "", evm.LogFilter{Addresses: []evm.Address{contract}})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(m.Block, m.Hash, acc, word, gone, call.Return, r, len(logs)), nil
}

type lie struct {
	update func(k light.Kind, u *light.Update)
	boot   func(b *light.Bootstrap)
	bytes  func([]byte) []byte
	rpc    func(method string, params []json.RawMessage, answer any) any
	says   string // part of the refusal
}

// object makes the answer of an execution node changeable.
func object(v any) map[string]any {
	b, _ := json.Marshal(v)
	out := map[string]any{}
	_ = json.Unmarshal(b, &out)
	return out
}

func on(method string, bend func(map[string]any) any) func(string, []json.RawMessage, any) any {
	return func(m string, _ []json.RawMessage, v any) any {
		if m != method || v == nil {
			return v
		}
		return bend(object(v))
	}
}

func list(v any, key string) []any { l, _ := v.(map[string]any)[key].([]any); return l }

func receipts(bend func([]any) []any) func(string, []json.RawMessage, any) any {
	return func(m string, _ []json.RawMessage, v any) any {
		if m != "eth_getBlockReceipts" {
			return v
		}
		b, _ := json.Marshal(v)
		var l []any
		_ = json.Unmarshal(b, &l)
		if len(l) == 0 {
			return v
		}
		return bend(l)
	}
}

func lies() map[string]lie {
	sign := func(bend func(*light.Update)) func(light.Kind, *light.Update) {
		return func(_ light.Kind, u *light.Update) {
			bend(u)
			chain().Sign(u, chain().All()) // even whoever could sign it must not get it past the branches
		}
	}
	each := func(bend func(*light.Update)) func(light.Kind, *light.Update) {
		return func(_ light.Kind, u *light.Update) { bend(u) }
	}
	attest := func(bend func(*light.Header)) func(light.Kind, *light.Update) {
		return each(func(u *light.Update) {
			h := u.Attested
			e := *h.Exec
			h.Exec, h.Branch = &e, append([]light.Root{}, h.Branch...)
			bend(&h)
			u.Attested = h
		})
	}
	flip := func(r *light.Root) { r[3] ^= 1 }
	return map[string]lie{
		// beacon
		"signature":          {update: each(func(u *light.Update) { u.Signature[5] ^= 1 }), says: "signature"},
		"foreign signature":  {update: each(func(u *light.Update) { v := chain().Update(40, 32); u.Signature = v.Signature }), says: "signature"},
		"signer bits":        {update: each(func(u *light.Update) { u.Bits[0] &^= 3 }), says: "signature"},
		"no signer":          {update: each(func(u *light.Update) { clear(u.Bits) }), says: "no signer"},
		"slot order":         {update: sign(func(u *light.Update) { u.SigSlot = u.Attested.Beacon.Slot }), says: "slots out of order"},
		"slot far ahead":     {update: each(func(u *light.Update) { u.SigSlot += 99_999_999 }), says: "has not come"},
		"finality branch":    {update: each(func(u *light.Update) { u.FinalityBranch = append([]light.Root{{1}}, u.FinalityBranch[1:]...) }), says: "branch"},
		"committee branch":   {update: each(func(u *light.Update) { u.NextBranch = append([]light.Root{{1}}, u.NextBranch[1:]...) }), says: "branch"},
		"payload branch":     {update: attest(func(h *light.Header) { flip(&h.Branch[0]) }), says: "execution header"},
		"state root":         {update: attest(func(h *light.Header) { flip(&h.Exec.StateRoot) }), says: "execution header"},
		"block hash":         {update: attest(func(h *light.Header) { flip(&h.Exec.Hash) }), says: "execution header"},
		"receipts root":      {update: attest(func(h *light.Header) { flip(&h.Exec.Receipts) }), says: "execution header"},
		"beacon parent":      {update: attest(func(h *light.Header) { flip(&h.Beacon.Parent) }), says: "signature"},
		"next committee key": {update: each(func(u *light.Update) { c := *u.Next; c.Keys = append([][48]byte{{1}}, c.Keys[1:]...); u.Next = &c }), says: "branch"},
		"committee key": {boot: func(b *light.Bootstrap) {
			c := *b.Current
			c.Keys = append([][48]byte{{1}}, c.Keys[1:]...)
			b.Current = &c
		}, says: "current committee"},
		"other checkpoint": {boot: func(b *light.Bootstrap) { *b = *chain().Bootstrap(96) }, says: "checkpoint"},
		"bootstrap header": {boot: func(b *light.Bootstrap) { b.Header.Beacon.Proposer++ }, says: "checkpoint"},
		"truncated":        {bytes: func(b []byte) []byte { return b[:len(b)/2] }, says: "size"},
		"surplus":          {bytes: func(b []byte) []byte { return append(b, make([]byte, 64)...) }, says: "size"},
		"endless":          {bytes: func(b []byte) []byte { return append(b, make([]byte, 64<<20)...) }, says: "does not end"},
		"not SSZ":          {bytes: func([]byte) []byte { return []byte("<html>blocked</html>") }, says: "size"},
		"empty":            {bytes: func([]byte) []byte { return nil }, says: "size"},
		// proofs
		"balance in words": {rpc: on("eth_getProof", func(o map[string]any) any { o["balance"], o["nonce"] = "0xffffff", "0x0"; return o }), says: ""},
		"proof node":       {rpc: on("eth_getProof", bendNode(func(s string) string { return s[:20] + "00" + s[22:] })), says: "proof"},
		"proof emptied":    {rpc: on("eth_getProof", func(o map[string]any) any { o["accountProof"] = []any{}; return o }), says: "0 nodes"},
		"proof cut": {rpc: on("eth_getProof", func(o map[string]any) any {
			l := list(any(o), "accountProof")
			o["accountProof"] = l[:len(l)-1]
			return o
		}), says: "missing"},
		"proof node extra": {rpc: on("eth_getProof", func(o map[string]any) any {
			o["accountProof"] = append(list(any(o), "accountProof"), "0x"+strings.Repeat("ab", 60))
			return o
		}), says: "lead to the key"},
		"node too large": {rpc: on("eth_getProof", func(o map[string]any) any {
			o["accountProof"] = append(list(any(o), "accountProof"), "0x"+strings.Repeat("ab", 2000))
			return o
		}), says: "proof node of 2000 bytes"},
		"10000 nodes": {rpc: on("eth_getProof", func(o map[string]any) any {
			l := make([]any, 10000)
			for i := range l {
				l[i] = "0xab"
			}
			o["accountProof"] = l
			return o
		}), says: "10000 nodes"},
		"other account":    {rpc: otherParams("eth_getProof", 0, common.Address{0xaa}), says: "proof"},
		"other block":      {rpc: otherParams("eth_getProof", 2, map[string]any{"blockHash": chain().Blocks[100].Hash()}), says: "missing"},
		"other key":        {rpc: otherParams("eth_getProof", 1, []common.Hash{{31: 7}}), says: "slot"},
		"no storage proof": {rpc: on("eth_getProof", func(o map[string]any) any { o["storageProof"] = []any{}; return o }), says: "storage proofs"},
		"slot said missing": {rpc: on("eth_getProof", func(o map[string]any) any {
			for _, s := range list(any(o), "storageProof") {
				s.(map[string]any)["proof"] = []any{}
			}
			return o
		}), says: "slot"},
		"code swapped": {rpc: func(m string, _ []json.RawMessage, v any) any {
			if m == "eth_getCode" {
				return hexutil.Bytes{0x60, 0x00}
			}
			return v
		}, says: "hash is not that of the account"},
		"code too long": {rpc: func(m string, _ []json.RawMessage, v any) any {
			if m == "eth_getCode" {
				return hexutil.Bytes(make([]byte, 50000))
			}
			return v
		}, says: "50000 bytes"},
		"long access list": {rpc: func(m string, _ []json.RawMessage, v any) any {
			if m != "eth_createAccessList" {
				return v
			}
			l := make(types.AccessList, 300)
			for i := range l {
				l[i].Address, l[i].StorageKeys = common.Address{1, byte(i >> 8), byte(i)}, []common.Hash{}
			}
			return map[string]any{"accessList": l}
		}, says: "300 addresses"},
		// blocks
		"receipt dropped":   {rpc: receipts(func(l []any) []any { return l[:len(l)-1] }), says: "receipts"},
		"receipt reordered": {rpc: receipts(func(l []any) []any { return append(l[len(l)-1:], l[:len(l)-1]...) }), says: ""},
		"status flipped":    {rpc: receipts(func(l []any) []any { l[0].(map[string]any)["status"] = "0x0"; return l }), says: "receipts"},
		"gas used":          {rpc: receipts(func(l []any) []any { l[0].(map[string]any)["gasUsed"] = "0x1"; return l }), says: ""},
		"cumulative gas":    {rpc: receipts(func(l []any) []any { l[0].(map[string]any)["cumulativeGasUsed"] = "0x1"; return l }), says: "receipts"},
		"log omitted":       {rpc: receipts(func(l []any) []any { l[0].(map[string]any)["logs"] = []any{}; return l }), says: "receipts"},
		"log data": {rpc: receipts(func(l []any) []any {
			for _, g := range list(l[0], "logs") {
				g.(map[string]any)["data"] = "0x00"
			}
			return l
		}), says: "receipts"},
		"header changed": {rpc: on("eth_getBlockByHash", func(o map[string]any) any { o["gasUsed"] = "0x1"; return o }), says: "header has hash"},
		"other header":   {rpc: otherParams("eth_getBlockByHash", 0, chain().Blocks[99].Hash()), says: "header has hash"},
		"other parent":   {rpc: otherParams("eth_getBlockByNumber", 0, "0x5"), says: "header has hash"},
		"transaction omitted": {rpc: on("eth_getBlockByHash", func(o map[string]any) any {
			if l := list(any(o), "transactions"); len(l) > 0 {
				o["transactions"] = l[1:]
			}
			return o
		}), says: "transactions"},
		"withdrawal added": {rpc: on("eth_getBlockByHash", func(o map[string]any) any {
			o["withdrawals"] = []any{map[string]any{"index": "0x1", "validatorIndex": "0x1", "address": common.Address{1}, "amount": "0x1"}}
			return o
		}), says: "withdrawals"},
		"null for included": {rpc: func(m string, _ []json.RawMessage, v any) any {
			if m == "eth_getTransactionByHash" {
				return nil
			}
			return v
		}, says: "cannot be proven"},
		"in another block": {rpc: on("eth_getTransactionByHash", func(o map[string]any) any {
			o["blockHash"], o["blockNumber"] = chain().Blocks[137].Hash(), "0x89"
			return o
		}), says: "is not in the block"},
		"in a foreign block": {rpc: on("eth_getTransactionByHash", func(o map[string]any) any { o["blockHash"] = common.Hash{1}; return o }), says: "not on the verified chain"},
		"no JSON":            {rpc: func(string, []json.RawMessage, any) any { return "nonsense" }, says: ""},
	}
}

func bendNode(bend func(string) string) func(map[string]any) any {
	return func(o map[string]any) any {
		l := list(any(o), "accountProof")
		l[len(l)-1] = bend(l[len(l)-1].(string))
		return o
	}
}

// otherParams answers another question than the one asked.
func otherParams(method string, i int, with any) func(string, []json.RawMessage, any) any {
	return func(m string, params []json.RawMessage, v any) any {
		if m != method || len(params) <= i || v == nil {
			return v
		}
		r := newRPC()
		p := append([]json.RawMessage{}, params...)
		p[i], _ = json.Marshal(with)
		if i == 1 && string(params[1]) == "[]" {
			return v
		}
		out, err := r.Call(m, p)
		if err != nil {
			return v
		}
		return out
	}
}

// Whatever a server tells, a client that hears nobody else refuses or has the true answer; and one that hears an
// honest server too has the true answer.
func TestLies(t *testing.T) {
	want, err := asked(t, newLab(t, 140).client(120))
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range lies() {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			liar := newLab(t, 140)
			liar.beacon.Bend, liar.beacon.BendBoot, liar.beacon.BendBytes, liar.rpc.Bend = l.update, l.boot, l.bytes, l.rpc
			got, err := asked(t, liar.client(120))
			switch {
			case err == nil && got != want:
				t.Errorf("took the lie: %s, want %s", got, want)
			case err == nil && l.says != "":
				t.Errorf("was not refused")
			case err != nil && !strings.Contains(err.Error(), l.says):
				t.Errorf("%v does not say %q", err, l.says)
			}
			got, err = asked(t, liar.client(120, newLab(t, 140)))
			if err != nil || got != want {
				t.Errorf("beside an honest server: %s, %v", got, err)
			}
		})
	}
}

// An old head that verifies is no lie, but it does not pass for a new one, and the newer of two is taken.
func TestOldHead(t *testing.T) {
	old, fresh := newLab(t, 127), newLab(t, 140)
	old.now = fresh.now
	c := old.client(120, fresh)
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, _ := c.Head(); h.Slot != 140 {
		t.Errorf("head %d", h.Slot)
	}
	old.now = old.now.Add(5 * time.Minute)
	alone := old.client(120)
	_ = alone.Sync(t.Context())
	var stale *evm.StaleError
	if _, _, err := alone.Account(t.Context(), evm.Address{1}, ""); !errors.As(err, &stale) {
		t.Errorf("got %v", err)
	}
}

// Two valid headers of one slot: no answer until a person has decided.
func TestConflict(t *testing.T) {
	l := newLab(t, 140)
	c := l.synced(120)
	l.beacon.Bend = func(_ light.Kind, u *light.Update) {
		clear(u.FinalityBranch)
		u.Finalized = chain().Spec.NewUpdate(u.Attested.Beacon.Slot).Finalized
		u.Attested.Beacon.Proposer++
		chain().Sign(u, chain().All())
	}
	if err := c.Sync(t.Context()); !errors.Is(err, evm.ErrConflict) {
		t.Fatalf("got %v", err)
	}
	if _, _, err := c.Account(t.Context(), evm.Address{1}, ""); !errors.Is(err, evm.ErrConflict) {
		t.Errorf("got %v", err)
	}
}

// Half of a committee moves the specs' optimistic header, and is not enough for us.
func TestFewSigners(t *testing.T) {
	l := newLab(t, 140)
	c := l.synced(120)
	l.beacon.Head, l.rpc.Head, l.now = 144, 145, l.now.Add(50*time.Second)
	l.beacon.Bend = func(_ light.Kind, u *light.Update) { chain().Sign(u, 21) }
	_ = c.Sync(t.Context())
	if h, _ := c.Head(); h.Slot != 140 {
		t.Errorf("head %d with 21 of 32", h.Slot)
	}
	l.beacon.Bend = func(_ light.Kind, u *light.Update) { chain().Sign(u, 22) }
	_ = c.Sync(t.Context())
	if h, _ := c.Head(); h.Slot != 144 {
		t.Errorf("head %d with 22 of 32", h.Slot)
	}
}

// A server that never ends costs no more than the bound of what was asked.
func TestEndless(t *testing.T) {
	sent := 0
	blanks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for range 4096 {
			n, err := w.Write(bytes.Repeat([]byte(" "), 64<<10))
			if sent += n; err != nil {
				return
			}
		}
	}))
	defer blanks.Close()
	l := newLab(t, 140)
	l.urls = [2]string{blanks.URL, blanks.URL}
	c := l.client(120)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := c.Sync(t.Context())
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "does not end") || !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

func TestSlow(t *testing.T) {
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(hang)
	l := newLab(t, 140)
	l.urls[0] = slow.URL
	start := time.Now()
	c := l.client(120, newLab(t, 140))
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("a source that is silent costs %v", d)
	}
}

// The failing fetch at any place of a call ends in an error and never in another result.
func TestFailingFetch(t *testing.T) {
	contract := evm.Address(chain().Contract)
	want, err := newLab(t, 140).synced(120).Call(t.Context(), contract, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for k := range 8 {
		l := newLab(t, 140)
		c := l.synced(120)
		n := 0
		l.rpc.Lacks = map[string]bool{"eth_createAccessList": k%2 == 0}
		l.rpc.Bend = func(m string, _ []json.RawMessage, v any) any {
			if n++; n-1 == k {
				return nil
			}
			return v
		}
		got, err := c.Call(t.Context(), contract, nil, "")
		if err == nil && !bytes.Equal(got.Return, want.Return) {
			t.Errorf("fetch %d failed and the call gave %x", k, got.Return)
		}
	}
}

func TestSend(t *testing.T) {
	l := newLab(t, 140)
	c := l.synced(120)
	tx := chain().Blocks[139].Transactions()[0]
	raw, _ := tx.MarshalBinary()
	h, err := c.Send(t.Context(), raw)
	if err != nil || h != evm.Hash(tx.Hash()) || len(l.rpc.Sent) != 1 {
		t.Errorf("got %v, %v", h, err)
	}
	l.rpc.Bend = func(m string, _ []json.RawMessage, v any) any {
		if m == "eth_sendRawTransaction" {
			return common.Hash{1}
		}
		return v
	}
	if _, err := c.Send(t.Context(), raw); !errors.Is(err, wire.ErrInvalid) || !strings.Contains(err.Error(), "another transaction") {
		t.Errorf("another hash: %v", err)
	}
	l.rpc.Sent = nil
	l.rpc.Bend = func(m string, _ []json.RawMessage, v any) any {
		if m == "eth_chainId" {
			return "0x1"
		}
		return v
	}
	if _, err := c.Send(t.Context(), raw); !errors.Is(err, evm.ErrChain) || len(l.rpc.Sent) != 0 {
		t.Errorf("server of another chain: %v", err)
	}
	c.Profile.ChainID = 5
	if _, err := c.Send(t.Context(), raw); !errors.Is(err, evm.ErrChain) {
		t.Errorf("transaction of another chain: %v", err)
	}
}

func newRPC() *evmtest.RPC { return &evmtest.RPC{Chain: chain(), Head: 141} }

package evm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

const length = 150

// chain is made once: it is only read, but for what it remembers under the lock of the servers' tests.
var chain = sync.OnceValue(func() *evmtest.Chain {
	c := evmtest.New(length)
	for slot := range uint64(length + 1) {
		c.Header(slot)
	}
	return c
})

// lab is a beacon node and an execution node, at a slot.
type lab struct {
	t      *testing.T
	beacon *evmtest.Beacon
	rpc    *evmtest.RPC
	now    time.Time
	urls   [2]string
}

func newLab(t *testing.T, head uint64) *lab {
	t.Helper()
	l := &lab{t: t, beacon: &evmtest.Beacon{Chain: chain(), Head: head}, rpc: &evmtest.RPC{Chain: chain(), Head: head + 1}}
	l.now = time.Unix(chain().Spec.TimeOf(head+1), 0).Add(2 * time.Second)
	for i, h := range []http.Handler{l.beacon, l.rpc} {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		l.urls[i] = s.URL
	}
	return l
}

// client begins at the checkpoint of a slot and asks all labs in turn.
func (l *lab) client(slot uint64, others ...*lab) *evm.Client {
	l.t.Helper()
	p, ch := *chain().Profile, *chain().Profile.Chain
	p.Chain = &ch
	c := &evm.Client{Profile: &p, Now: func() time.Time { return l.now }, Checkpoint: evm.Hash(chain().Root(slot))}
	if err := c.Open(); err != nil {
		l.t.Fatal(err)
	}
	for _, x := range append([]*lab{l}, others...) {
		b, err := evm.NewBeacon(x.urls[0], http.DefaultClient, c.Spec())
		if err != nil {
			l.t.Fatal(err)
		}
		r, err := evm.NewRPC(x.urls[1], http.DefaultClient)
		if err != nil {
			l.t.Fatal(err)
		}
		c.Sources, c.RPCs = append(c.Sources, b), append(c.RPCs, r)
	}
	return c
}

func (l *lab) synced(slot uint64, others ...*lab) *evm.Client {
	l.t.Helper()
	c := l.client(slot, others...)
	if err := c.Sync(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	return c
}

// From a checkpoint in Deneb over two committees, into Electra and into Fulu.
func TestSync(t *testing.T) {
	for _, c := range []struct{ from, to uint64 }{{8, 30}, {24, 70}, {48, 79}, {48, 80}, {72, 81}, {72, 127}, {8, 140}, {120, 149}, {128, 149}} {
		cl := newLab(t, c.to).synced(c.from)
		h, _ := cl.Head()
		f, _ := cl.Final()
		if h.Slot != c.to || h.Hash != evm.Hash(chain().Blocks[c.to].Hash()) || h.Participation != 1 {
			t.Errorf("%d to %d: head %+v", c.from, c.to, h)
		}
		if want := (c.to/8 - 2) * 8; f.Slot != max(want, c.from) || f.Level != evm.Final {
			t.Errorf("%d to %d: final %d", c.from, c.to, f.Slot)
		}
	}
}

func TestReads(t *testing.T) {
	ctx := t.Context()
	l := newLab(t, 140)
	c := l.synced(120)
	acc, m, err := c.Account(ctx, evm.Address(evmtest.Payee()), "latest")
	if err != nil || acc.Balance.Cmp(big.NewInt(7*34)) != 0 || m.Block != 140 || m.Final || m.Weak {
		t.Errorf("payee: %+v %+v %v", acc, m, err)
	}
	acc, m, err = c.Account(ctx, evm.Address(chain().Addr), "finalized")
	if err != nil || acc.Nonce == 0 || !m.Final || m.Block != 120 {
		t.Errorf("sender: %+v %+v %v", acc, m, err)
	}
	if acc, _, err := c.Account(ctx, evm.Address{0xbb}, ""); err != nil || acc.Exists || acc.Balance.Sign() != 0 {
		t.Errorf("nobody: %+v %v", acc, err)
	}
	code, _, err := c.Code(ctx, evm.Address(chain().Contract), "")
	if err != nil || fmt.Sprintf("%x", code) != evmtest.Runtime {
		t.Errorf("code %x %v", code, err)
	}
	word, _, err := c.Storage(ctx, evm.Address(chain().Contract), evm.Hash{}, "")
	if err != nil || word != evm.Hash(common.BigToHash(big.NewInt(139))) {
		t.Errorf("storage %v %v", word, err)
	}
	l.rpc.Trips = 0
	r, err := c.Call(ctx, evm.Address(chain().Contract), nil, "")
	if err != nil || evm.Hash(r.Return) != word {
		t.Errorf("call %x %v", r.Return, err)
	}
	// The code is known from above; a first call costs no more.
	if _, err := newLab(t, 140).synced(120).Call(ctx, evm.Address(chain().Contract), make([]byte, 32), ""); err != nil {
		t.Error(err)
	}
	old, err := c.Call(ctx, evm.Address(chain().Contract), nil, "100") // by the history contract
	if err != nil || evm.Hash(old.Return) != evm.Hash(common.BigToHash(big.NewInt(99))) || old.Block != 100 || !old.Final {
		t.Errorf("call at 100: %x %+v %v", old.Return, old.Mark, err)
	}
	gas, _, err := c.Estimate(ctx, &evm.Message{To: (*evm.Address)(&chain().Contract), Data: make([]byte, 32)}, "")
	if err != nil || gas < 23000 || gas > 30000 {
		t.Errorf("gas %d %v", gas, err)
	}
	to := evm.Address(evmtest.Payee())
	if gas, _, err := c.Estimate(ctx, &evm.Message{To: &to, From: (*evm.Address)(&chain().Addr), Value: big.NewInt(1)}, ""); err != nil || gas != 21000 {
		t.Errorf("gas of a payment %d %v", gas, err)
	}
}

// One call costs two round trips with cold caches: hint, and proofs with code in one batch.
func TestRoundTrips(t *testing.T) {
	l := newLab(t, 140)
	c := l.synced(120)
	l.rpc.Trips = 0
	if _, err := c.Call(t.Context(), evm.Address(chain().Contract), common.BigToHash(big.NewInt(3)).Bytes(), ""); err != nil {
		t.Fatal(err)
	}
	if l.rpc.Trips > 2 {
		t.Errorf("%d round trips", l.rpc.Trips)
	}
}

func TestBlocks(t *testing.T) {
	ctx := t.Context()
	c := newLab(t, 140).synced(120)
	for _, n := range []uint64{139, 131, 61} {
		want := chain().Receipts[n][0]
		r, m, err := c.Receipt(ctx, evm.Hash(want.TxHash))
		if err != nil || !r.OK || r.GasUsed != want.GasUsed || m.Block != n || len(r.Logs) != 1 || m.Final != (n <= 120) {
			t.Errorf("receipt in %d: %+v %+v %v", n, r, m, err)
		}
	}
	if _, _, err := c.Receipt(ctx, evm.Hash{9}); !errors.Is(err, evm.ErrUnprovable) {
		t.Errorf("unknown transaction: %v", err)
	}
	logs, _, err := c.Logs(ctx, "90", "latest", evm.LogFilter{Addresses: []evm.Address{evm.Address(chain().Contract)}})
	if err != nil || len(logs) != 25 || logs[0].Block != 91 {
		t.Errorf("%d logs, %v", len(logs), err)
	}
	logs, _, err = c.Logs(ctx, "60", "110", evm.LogFilter{Topics: [][]evm.Hash{{evm.Hash(common.BigToHash(big.NewInt(75)))}}})
	if err != nil || len(logs) != 1 || logs[0].Block != 75 {
		t.Errorf("by topic: %+v, %v", logs, err)
	}
	if _, _, err := c.Account(ctx, evm.Address{}, "141"); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("after the head: %v", err)
	}
}

func TestOldCheckpoint(t *testing.T) {
	l := newLab(t, 140)
	c := l.client(8)
	c.Profile.Chain.WSPeriod = 600
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	err := c.Sync(t.Context())
	if !errors.Is(err, evm.ErrOldCheckpoint) || !errors.Is(err, wire.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"slot 8", "22m", "10m", "--checkpoint", "card", "bootstrap record"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	c.AllowOld = true
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, m, err := c.Account(t.Context(), evm.Address{1}, ""); err != nil || !m.Weak {
		t.Errorf("got %+v, %v", m, err)
	}
}

// A head of 28 hours ago is not answered from, but when that is asked for.
func TestStale(t *testing.T) {
	l := newLab(t, 140)
	c := l.synced(120)
	l.now = l.now.Add(28 * time.Hour)
	c.Profile.Chain.WSPeriod = 1 << 30
	err := c.Sync(t.Context())
	if err != nil && errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a quiet source is called a liar: %v", err)
	}
	_, _, err = c.Account(t.Context(), evm.Address{1}, "")
	var stale *evm.StaleError
	if !errors.As(err, &stale) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "28h") || !strings.Contains(err.Error(), "--stale") {
		t.Fatalf("got %v", err)
	}
	c.Stale = true
	if _, m, err := c.Account(t.Context(), evm.Address{1}, ""); err != nil || m.Age < 28*time.Hour {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestRestart(t *testing.T) {
	l := newLab(t, 140)
	c := l.client(72)
	c.Files = files{store.OS(t.TempDir())}
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := l.client(72)
	again.Checkpoint, again.Files = evm.Hash{}, c.Files
	if err := again.Open(); err != nil {
		t.Fatal(err)
	}
	h, ok := again.Head()
	want, _ := c.Head()
	if !ok || h.Hash != want.Hash {
		t.Errorf("got %+v", h)
	}
	if err := again.Sync(t.Context()); err != nil {
		t.Error(err)
	}
	other := l.client(72)
	other.Checkpoint, other.Files = evm.Hash{}, c.Files
	other.Profile.Chain.GenesisTime++
	if err := other.Open(); err != nil {
		t.Errorf("another chain reads the state: %v", err)
	}
	if err := other.Sync(t.Context()); !errors.Is(err, evm.ErrNoCheckpoint) || !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	l.now = l.now.Add(48 * time.Hour)
	if err := again.Open(); !errors.Is(err, evm.ErrOldCheckpoint) {
		t.Errorf("kept state of two days ago: %v", err)
	}
}

func TestServersDown(t *testing.T) {
	l := newLab(t, 140)
	l.beacon.Status = http.StatusServiceUnavailable
	c := l.client(120)
	if err := c.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), l.urls[0]+": status 503") {
		t.Errorf("got %v", err)
	}
	l.beacon.Status = 0
	l.rpc.Lacks = map[string]bool{"eth_getProof": true}
	c = l.synced(120)
	if _, _, err := c.Account(t.Context(), evm.Address{1}, ""); err == nil || !strings.Contains(err.Error(), "--rpc") || !strings.Contains(err.Error(), "eth_getProof") {
		t.Errorf("got %v", err)
	}
	l.rpc.Lacks = map[string]bool{"eth_createAccessList": true, "eth_getBlockReceipts": true}
	c = l.synced(120)
	if _, err := c.Call(t.Context(), evm.Address(chain().Contract), []byte{1}, ""); err != nil {
		t.Errorf("without a hint: %v", err)
	}
	if _, _, err := c.Receipt(t.Context(), evm.Hash(chain().Receipts[139][0].TxHash)); err != nil {
		t.Errorf("receipts one by one: %v", err)
	}
}

func TestProofFile(t *testing.T) {
	l := newLab(t, 140)
	c := l.synced(120)
	for _, tag := range []evm.Tag{"latest", "finalized"} {
		b, m, err := c.Prove(t.Context(), evm.Address(chain().Contract), []evm.Hash{{}, {5}}, tag)
		if err != nil {
			t.Fatal(err)
		}
		alone := newLab(t, 100).synced(96) // has seen neither block, but knows the committee
		alone.Now = func() time.Time { return l.now }
		f, err := evm.DecodeProofFile(b)
		if err != nil {
			t.Fatal(err)
		}
		p, err := alone.Check(f)
		if err != nil || p.Block != m.Block || len(p.Values) != 2 || p.Values[0] == (evm.Hash{}) || p.Values[1] != (evm.Hash{}) || p.Final != (tag == "finalized") {
			t.Errorf("%s: %+v %v", tag, p, err)
		}
		for i := 0; i < len(b); i += 41 {
			bent := bytes.Clone(b)
			if bent[i] ^= 1; bent[i] == '\n' {
				continue
			}
			f, err := evm.DecodeProofFile(bent)
			if err != nil {
				continue
			}
			q, err := alone.Check(f)
			if err == nil && (q.Address != p.Address && !q.Account.Exists || fmt.Sprint(q.Slots) != fmt.Sprint(p.Slots)) {
				continue // the same nodes prove, truly, that another account or another word is not there
			}
			if err == nil && fmt.Sprint(q) != fmt.Sprint(p) {
				t.Fatalf("byte %d flipped and taken: %+v", i, q)
			}
		}
	}
}

func FuzzDecodeProofFile(f *testing.F) {
	f.Add([]byte(`{"type":"pars-evm-proof/1","update":"0x01","account_proof":["0x"],"storage_proof":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := evm.DecodeProofFile(b); err == nil && len(p.Update) == 0 {
			t.Error("without an update")
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("0x71562b71999873DB5b286dF957af199Ec94617F7")
	f.Add("0x0")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := evm.ParseAddress(s); err == nil && !strings.EqualFold(a.String(), s) {
			t.Errorf("%q is %v", s, a)
		}
		if h, err := evm.ParseHash(s); err == nil && !strings.EqualFold(h.String(), s) {
			t.Errorf("%q is %v", s, h)
		}
		if w, err := evm.ParseWord(s); err == nil && new(big.Int).SetBytes(w[:]).Cmp(hexutil.MustDecodeBig("0x"+strings.TrimLeft(strings.ToLower(s[2:]), "0")+map[bool]string{true: "0"}[strings.Trim(s[2:], "0") == ""])) != 0 {
			t.Errorf("%q is %v", s, w)
		}
		_, _ = evm.ParseHex(s)
	})
}

func TestChecksum(t *testing.T) {
	for s, ok := range map[string]bool{
		"0x71562b71999873DB5b286dF957af199Ec94617F7": true, "0x71562b71999873db5b286df957af199ec94617f7": true, "0x71562B71999873DB5B286DF957AF199EC94617F7": true,
		"0x71562b71999873Db5b286dF957af199Ec94617F7": false, "71562b71999873db5b286df957af199ec94617f7": false, "0x71562b": false,
	} {
		if _, err := evm.ParseAddress(s); (err == nil) != ok {
			t.Errorf("%s: %v", s, err)
		}
	}
}

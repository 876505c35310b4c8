package evm_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/store"
)

type files struct{ store.FS }

func (f files) WriteAtomic(name string, b []byte) error { return store.WriteAtomic(f.FS, name, b) }

func openVault(t *testing.T, home string, dek store.Key) (*evm.Vault, error) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(home, "evm"), 0o700); err != nil {
		t.Fatal(err)
	}
	return evm.OpenVault(home, files{store.OS(home)}, dek, 1337, rand.Reader)
}

func TestVault(t *testing.T) {
	home, dek := t.TempDir(), store.Key{1}
	v, err := openVault(t, home, dek)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openVault(t, home, dek); !errors.Is(err, store.ErrBusy) {
		t.Errorf("opened twice: %v", err)
	}
	k, _ := wallet.FromBytes(bytes.Repeat([]byte{5}, 32))
	if err := v.Import(3, k); err != nil {
		t.Fatal(err)
	}
	v.Close()
	file := filepath.Join(home, "evm", "1337.vault")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if a := k.Address(); bytes.Contains(b, a[:]) || bytes.Contains(b, k.Bytes()) {
		t.Error("stands open on disk")
	}
	if v, err = openVault(t, home, dek); err != nil || len(v.Addresses()) != 1 || v.Addresses()[0].Index != 3 {
		t.Fatalf("got %v", err)
	}
	v.Close()
	if _, err := openVault(t, home, store.Key{2}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("another key: %v", err)
	}
	for i := range b {
		bent := bytes.Clone(b)
		bent[i] ^= 1
		if err := os.WriteFile(file, bent, 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := openVault(t, home, dek); err == nil {
			v.Close()
			t.Fatalf("byte %d flipped and opened", i)
		}
	}
}

// From a signed transaction and no network to a final payment: nothing is sent twice, and a lying server moves nothing.
func TestPump(t *testing.T) {
	l := newLab(t, 130)
	c := l.synced(120)
	v, err := openVault(t, t.TempDir(), store.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	raw, _ := chain().Blocks[133].Transactions()[0].MarshalBinary()
	e, err := v.Queue.AddRaw([16]byte{1}, raw, 0)
	if err != nil {
		t.Fatal(err)
	}
	step := func(head uint64, want queue.State, sent int) {
		t.Helper()
		l.beacon.Head, l.rpc.Head = head, head+1
		l.now = time.Unix(chain().Spec.TimeOf(head+1), 0).Add(2 * time.Second)
		if err := c.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Pump(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		if e.State != want || len(l.rpc.Sent) != sent {
			t.Errorf("at %d: %v (%s), %d sent; want %v, %d", head, e.State, e.Why, len(l.rpc.Sent), want, sent)
		}
	}
	step(130, queue.Sent, 1)
	step(131, queue.Sent, 1)
	l.rpc.Bend = func(m string, _ []json.RawMessage, v any) any {
		if m == "eth_getTransactionByHash" { // null for one that is there: the nonce finds it all the same
			return nil
		}
		return v
	}
	step(135, queue.Included, 1)
	l.rpc.Bend = nil
	step(149, queue.Included, 1)
	if e.Block != 133 {
		t.Errorf("in block %d", e.Block)
	}
}

// An intent is signed with what the verified chain says.
func TestPumpIntent(t *testing.T) {
	l := newLab(t, 140)
	c := l.synced(120)
	v, err := openVault(t, t.TempDir(), store.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	k, _ := wallet.FromBytes(crypto.FromECDSA(chain().Key))
	if err := v.Import(0, k); err != nil {
		t.Fatal(err)
	}
	to := common.Address{0xcc}
	e := &queue.Entry{ID: [16]byte{1}, From: k.Address(), To: &to, Value: big.NewInt(9)}
	if err := v.Queue.Add(e); err != nil {
		t.Fatal(err)
	}
	if err := c.Pump(t.Context(), v); err != nil || e.State != queue.Sent || len(l.rpc.Sent) != 1 {
		t.Fatalf("%v %v", e.State, err)
	}
	acc, _, _ := c.Account(t.Context(), evm.Address(k.Address()), "")
	s, err := wallet.DecodeTx(l.rpc.Sent[0], 1337)
	if err != nil || s.Nonce != acc.Nonce || s.Gas != 21000 || s.Value.Int64() != 9 {
		t.Errorf("%v %v", s, err)
	}
	if _, err := v.Resign(e.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := c.Pump(t.Context(), v); err != nil || len(l.rpc.Sent) != 2 {
		t.Fatal(err)
	}
	s, err = wallet.DecodeTx(l.rpc.Sent[1], 1337)
	if err != nil || *s.To != k.Address() || s.Value.Sign() != 0 || s.Nonce != acc.Nonce {
		t.Errorf("cancellation: %v %v", s, err)
	}
}

package evm_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
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
	if _, err := v.Resign(e.ID, true, nil); err != nil {
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

// failing loses every write from the n-th on, as a full disk or a lost device does.
type failing struct {
	files
	left *int
}

func (f failing) WriteAtomic(name string, b []byte) error {
	if *f.left--; *f.left < 0 {
		return errors.New("no room on the disk")
	}
	return f.files.WriteAtomic(name, b)
}

// Whatever write fails, no bytes leave that are not kept, and after a restart the payment goes out with one nonce.
func TestPumpCrash(t *testing.T) {
	k, _ := wallet.FromBytes(crypto.FromECDSA(chain().Key))
	to := common.Address{0xcc}
	for n := range 4 {
		l := newLab(t, 140)
		c, home, left := l.synced(120), t.TempDir(), 1<<30
		v, err := openVault(t, home, store.Key{1})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Import(0, k); err != nil {
			t.Fatal(err)
		}
		e := &queue.Entry{ID: [16]byte{1}, From: k.Address(), To: &to, Value: big.NewInt(9)}
		if err := v.Queue.Add(e); err != nil {
			t.Fatal(err)
		}
		if err := v.Save(); err != nil {
			t.Fatal(err)
		}
		v.Close()
		l.rpc.Bend = func(m string, p []json.RawMessage, answer any) any {
			if m == "eth_sendRawTransaction" {
				kept := reread(t, home).Queue.Entries[0]
				if len(kept.Versions) != 1 || kept.State != queue.Sent || string(p[0]) != `"`+hexOf(kept.Versions[0].Raw)+`"` {
					t.Errorf("write %d failed: %s left, on disk is %v with %d versions", n, p[0], kept.State, len(kept.Versions))
				}
			}
			return answer
		}
		if v, err = evm.OpenVault(home, failing{files{store.OS(home)}, &left}, store.Key{1}, 1337, rand.Reader); err != nil {
			t.Fatal(err)
		}
		left = n
		if err := c.Pump(t.Context(), v); (err == nil) != (n >= 3) {
			t.Errorf("write %d failed: %v", n, err)
		}
		v.Close()
		l.rpc.Bend = nil
		l.now = l.now.Add(queue.Again * time.Second)
		c.Stale = true
		again := reread(t, home)
		if err := c.Pump(t.Context(), again); err != nil || again.Queue.Entries[0].State != queue.Sent {
			t.Errorf("write %d failed, then: %v, %v", n, again.Queue.Entries[0].State, err)
		}
		if len(l.rpc.Sent) == 0 || n > 1 && len(l.rpc.Sent) != 2 {
			t.Errorf("write %d failed: sent %d times", n, len(l.rpc.Sent))
		}
		for _, raw := range l.rpc.Sent[1:] {
			if !bytes.Equal(raw, l.rpc.Sent[0]) {
				t.Errorf("write %d failed: two transactions left", n)
			}
		}
	}
}

func hexOf(b []byte) string { return "0x" + common.Bytes2Hex(b) }

// reread opens a copy of a vault.
func reread(t *testing.T, home string) *evm.Vault {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(home, "evm", "1337.vault"))
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := os.MkdirAll(filepath.Join(other, "evm"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "evm", "1337.vault"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := openVault(t, other, store.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// Whatever a server says to a send, the vault opens again.
func TestVaultAfterHostileAnswer(t *testing.T) {
	l := newLab(t, 140)
	c := l.synced(120)
	tx := chain().Blocks[141].Transactions()[0]
	raw, _ := tx.MarshalBinary()
	for _, say := range []string{strings.Repeat("日", 200), "a" + strings.Repeat("日", 200), "aa" + strings.Repeat("日", 200), "\x00\n\x1b[2J"} {
		home := t.TempDir()
		v, err := openVault(t, home, store.Key{1})
		if err != nil {
			t.Fatal(err)
		}
		e, err := v.Queue.AddRaw([16]byte{1}, raw, 0)
		if err != nil {
			t.Fatal(err)
		}
		l.rpc.Fail = func(method string) string {
			if method == "eth_sendRawTransaction" {
				return say
			}
			return ""
		}
		if err := c.Pump(t.Context(), v); err != nil || e.Why == "" {
			t.Errorf("%v: %q", err, e.Why)
		}
		v.Close()
		if reread(t, home).Queue.Entries[0].Why != e.Why {
			t.Error("another reason on disk")
		}
	}
}

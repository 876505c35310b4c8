package serve_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/evm/serve"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/store"
)

type files struct{ store.FS }

func (f files) WriteAtomic(name string, b []byte) error { return store.WriteAtomic(f.FS, name, b) }

// someone has a wallet with all the money of the chain, and says what yes tells.
type someone struct {
	*lab
	home string

	mu    sync.Mutex // guards what follows
	yes   bool
	shown []string
	hold  chan struct{} // nil: answers at once
}

func (s *someone) set(yes bool, hold chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.yes, s.hold, s.shown = yes, hold, nil
}

func (s *someone) saw() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}

func (s *someone) open() (*evm.Vault, error) {
	return evm.OpenVault(s.home, files{store.OS(s.home)}, store.Key{1}, 1337, rand.Reader)
}

func newSomeone(t *testing.T) *someone {
	t.Helper()
	s := &someone{home: t.TempDir(), yes: true}
	s.lab = newLab(t, func(srv *serve.Server) {
		srv.Wallet = &serve.Wallet{Open: s.open, Ask: func(ctx context.Context, lines []string) (bool, error) {
			s.mu.Lock()
			s.shown = append(s.shown, strings.Join(lines, "\n"))
			yes, hold := s.yes, s.hold
			s.mu.Unlock()
			if hold != nil {
				<-ctx.Done()
				return false, ctx.Err()
			}
			return yes, nil
		}}
	})
	if err := os.MkdirAll(filepath.Join(s.home, "evm"), 0o700); err != nil {
		t.Fatal(err)
	}
	v, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	k, err := wallet.FromBytes(crypto.FromECDSA(s.chain.Key))
	if err == nil {
		err = v.Import(0, k)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func typedFor(chain int, word string) string {
	return fmt.Sprintf(`{"types":{"EIP712Domain":[{"name":"name","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}],"Permit":[{"name":"spender","type":"string"}]},`+
		`"primaryType":"Permit","domain":{"name":"Shop","chainId":%d,"verifyingContract":"0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"},"message":{"spender":%q}}`, chain, word)
}

func (s *someone) vaulted(t *testing.T) []*queue.Entry {
	t.Helper()
	v, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	return v.Queue.Entries
}

// Each method asks and shows what it is about; a no, another chain, a stranger's account and what would fail end in a
// refusal, and nothing is signed or queued.
func TestWallet(t *testing.T) {
	s := newSomeone(t)
	me := s.chain.Addr
	to := common.Address{19: 0xdd}
	pay := map[string]any{"from": me, "to": to, "value": "0x1bc16d674ec80000"}
	text := hexutil.Encode([]byte("hello\nthere"))
	with := func(k string, v any) map[string]any {
		m := map[string]any{}
		for a, b := range pay {
			m[a] = b
		}
		m[k] = v
		return m
	}
	for _, c := range []struct {
		what   string
		yes    bool
		method string
		params []any
		want   string // part of the answer; a number is an error code
		shown  []string
	}{
		{"no to addresses", false, "eth_accounts", nil, "4001", []string{"a program of this machine asks", "addresses"}},
		{"addresses", true, "eth_accounts", nil, strings.ToLower(me.Hex()), []string{"addresses"}},
		{"addresses once more", false, "eth_requestAccounts", nil, strings.ToLower(me.Hex()), nil},
		{"text", true, "personal_sign", []any{text, me}, "0x", []string{me.Hex(), "hello\nthere"}},
		{"no to text", false, "personal_sign", []any{text, me}, "4001", []string{"hello"}},
		{"bytes", true, "personal_sign", []any{"0xff00", me}, "0x", []string{"the bytes 0xff00"}},
		{"text of a stranger", true, "personal_sign", []any{text, to}, "4100", nil},
		{"text without an end", true, "personal_sign", []any{hexutil.Encode(make([]byte, 8193)), me}, "-32602", nil},
		{"typed", true, "eth_signTypedData_v4", []any{me, typedFor(1337, "Eve")}, "0x", []string{"Permit", "Shop", "0xCcCC", "Eve"}},
		{"typed as an object", true, "eth_signTypedData_v4", []any{me, json.RawMessage(typedFor(1337, "Eve"))}, "0x", []string{"Eve"}},
		{"no to typed", false, "eth_signTypedData_v4", []any{me, typedFor(1337, "Eve")}, "4001", []string{"Eve"}},
		{"typed for another chain", true, "eth_signTypedData_v4", []any{me, typedFor(1, "Eve")}, "-32013", nil},
		{"typed of a stranger", true, "eth_signTypedData_v4", []any{to, typedFor(1337, "Eve")}, "4100", nil},
		{"typed without an end", true, "eth_signTypedData_v4", []any{me, typedFor(1337, strings.Repeat("a", 9000))}, "-32602", nil},
		{"not typed", true, "eth_signTypedData_v4", []any{me, "{}"}, "-32013", nil},
		{"no to a payment", false, "eth_sendTransaction", []any{pay}, "4001", []string{to.Hex(), "2 (2000000000000000000 wei)", "chain 1337", "fee of at most 0.0"}},
		{"payment on another chain", true, "eth_sendTransaction", []any{with("chainId", "0x1")}, "-32013", nil},
		{"payment of a stranger", true, "eth_sendTransaction", []any{with("from", to)}, "4100", nil},
		{"payment by nobody", true, "eth_sendTransaction", []any{map[string]any{"to": to}}, "-32602", nil},
		{"payment of more than there is", true, "eth_sendTransaction", []any{with("value", "0x"+strings.Repeat("f", 64))}, "-32", nil},
		{"payment that fails", true, "eth_sendTransaction", []any{map[string]any{"from": me, "data": "0x63deadbeef6000526004601cfd"}}, "3", nil},
		{"payment with another number", true, "eth_sendTransaction", []any{with("nonce", "0x1")}, "-32602", []string{to.Hex()}},
		{"payment with an access list", true, "eth_sendTransaction", []any{with("accessList", []any{})}, "-32602", nil},
	} {
		s.set(c.yes, nil)
		a := s.ask(t, c.method, c.params...)
		got := string(a.Result)
		if a.Error != nil {
			got = fmt.Sprint(a.Error.Code)
		}
		if !strings.HasPrefix(strings.Trim(got, `["`), c.want) {
			t.Errorf("%s: got %s %+v, want %s", c.what, got, a.Error, c.want)
		}
		if (len(s.saw()) > 0) != (c.shown != nil) {
			t.Errorf("%s: was asked %q", c.what, s.saw())
		}
		for _, w := range c.shown {
			if !strings.Contains(strings.Join(s.saw(), "\n"), w) {
				t.Errorf("%s: %q is not shown: %q", c.what, w, s.saw())
			}
		}
	}
	if len(s.vaulted(t)) != 0 || len(s.rpc.Sent) != 0 {
		t.Errorf("%d queued, %d sent", len(s.vaulted(t)), len(s.rpc.Sent))
	}
	s.set(true, nil)
	a := s.ask(t, "eth_sendTransaction", with("data", "0x0102"))
	if a.Error != nil || len(s.rpc.Sent) != 1 || !strings.Contains(s.saw()[0], "2 bytes of data, which begin 0x0102") {
		t.Fatalf("%+v, %d sent, shown %q", a.Error, len(s.rpc.Sent), s.saw())
	}
	tx, err := wallet.DecodeTx(s.rpc.Sent[0], 1337)
	if err != nil || string(a.Result) != fmt.Sprintf("%q", tx.Hash.Hex()) || *tx.To != to || tx.Value.String() != "2000000000000000000" {
		t.Errorf("sent %v, told %s: %v", tx, a.Result, err)
	}
	if e := s.vaulted(t); len(e) != 1 || e[0].State != queue.Sent {
		t.Errorf("in the queue: %+v", e)
	}
	if n := s.ask(t, "eth_getTransactionCount", me, "pending"); string(n.Result) != fmt.Sprintf("%q", hexutil.EncodeUint64(tx.Nonce+1)) {
		t.Errorf("pending nonce %s after %d", n.Result, tx.Nonce)
	}
}

// What is signed is what ethers and the EIPs say.
func TestWalletSigns(t *testing.T) {
	s := newSomeone(t)
	a := s.ask(t, "personal_sign", hexutil.Encode([]byte("hi")), s.chain.Addr)
	var sig hexutil.Bytes
	if err := json.Unmarshal(a.Result, &sig); err != nil || len(sig) != 65 || sig[64] < 27 {
		t.Fatalf("%s: %v", a.Result, err)
	}
	sig[64] -= 27
	pub, err := crypto.SigToPub(crypto.Keccak256([]byte("\x19Ethereum Signed Message:\n2hi")), sig)
	if err != nil || crypto.PubkeyToAddress(*pub) != s.chain.Addr {
		t.Errorf("signed by another: %v", err)
	}
}

// A page is named, and known apart from programs; while a person is asked one thing nobody can ask another.
func TestWalletPages(t *testing.T) {
	s := newSomeone(t)
	if a := s.ask(t, "eth_accounts"); a.Error != nil {
		t.Fatal(a.Error)
	}
	s.set(true, make(chan struct{}))
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_accounts","params":[]}`))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", "http://localhost:3000")
		_, err := http.DefaultClient.Do(req)
		done <- err
	}()
	for n, busy := 0, false; !busy; n++ { // until the page's question is open
		if n > 10000 {
			t.Fatal("the page is not asked about")
		}
		a := s.ask(t, "eth_accounts")
		busy = a.Error != nil && strings.Contains(a.Error.Message, "something else")
	}
	for method, params := range map[string][]any{"personal_sign": {"0x00", s.chain.Addr}, "eth_sendTransaction": {map[string]any{"from": s.chain.Addr, "to": s.chain.Addr}}} {
		if a := s.ask(t, method, params...); a.Error == nil || !strings.Contains(a.Error.Message, "something else") {
			t.Errorf("%s while a person is asked: %s %+v", method, a.Result, a.Error)
		}
	}
	cancel() // the page is closed: the question is taken back
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(s.saw()) != 1 || !strings.Contains(s.saw()[0], "the page http://localhost:3000 asks") {
		t.Errorf("shown %q", s.saw())
	}
	s.set(true, nil)
	for n, again := 0, true; again; n++ { // once the question is gone others can ask
		if n > 10000 {
			t.Fatal("the question is never taken back")
		}
		a := s.ask(t, "eth_accounts")
		again = a.Error != nil
	}
	v, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	if a := s.ask(t, "personal_sign", "0x00", s.chain.Addr); a.Error == nil || !strings.Contains(a.Error.Message, "in use") {
		t.Errorf("while another process has the vault: %+v", a.Error)
	}
	v.Close()
}

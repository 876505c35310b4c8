package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/wire"
)

const head = 140

// lab is a chain, servers of it, and a server of ours before them.
type lab struct {
	chain *evmtest.Chain
	rpc   *evmtest.RPC
	now   time.Time
	srv   *gateway.Server
	asked int
}

func newLab(t *testing.T, c *evmtest.Chain) *lab {
	t.Helper()
	l := &lab{chain: c, rpc: &evmtest.RPC{Chain: c, Head: head + 1}, now: time.Unix(c.Spec.TimeOf(head+1), 0).Add(2 * time.Second)}
	var urls []string
	for _, h := range []http.Handler{&evmtest.Beacon{Chain: c, Head: head}, l.rpc} {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		urls = append(urls, s.URL)
	}
	beacon, err := evm.NewBeacon(urls[0], http.DefaultClient, c.Spec)
	if err != nil {
		t.Fatal(err)
	}
	l.srv = &gateway.Server{Spec: c.Spec, ChainID: c.Profile.ChainID, Light: beacon, Proofs: &evm.RPC{URL: urls[1], HTTP: http.DefaultClient}, Now: func() time.Time { return l.now }}
	return l
}

// peer carries questions and answers as bytes; bend, when set, changes the pieces.
func (l *lab) peer(name string, bend func(protocol string, pieces [][]byte)) *gateway.Peer {
	return &gateway.Peer{ID: name, Spec: l.chain.Spec, Do: func(ctx context.Context, protocol string, ask []byte, pieces, limit int) ([][]byte, error) {
		l.asked++
		var b bytes.Buffer
		if err := gateway.WriteAsk(&b, ask); err != nil {
			return nil, err
		}
		got, err := gateway.ReadAsk(bufio.NewReader(&b))
		if err != nil {
			return nil, err
		}
		list, status := l.srv.Answer(ctx, name, protocol, got)
		if bend != nil {
			bend(protocol, list)
		}
		b.Reset()
		if err := gateway.WriteAnswer(&b, list, status); err != nil {
			return nil, err
		}
		return gateway.ReadAnswer(bufio.NewReader(&b), pieces, limit)
	}}
}

func (l *lab) client(t *testing.T, peers ...evm.Peer) *evm.Client {
	t.Helper()
	c := &evm.Client{Profile: l.chain.Profile, Now: func() time.Time { return l.now }, Checkpoint: evm.Hash(l.chain.Root(120)), Peers: func() []evm.Peer { return peers }}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	return c
}

func flip(protocol string) func(string, [][]byte) {
	return func(p string, pieces [][]byte) {
		for _, b := range pieces {
			if p == protocol && len(b) > 0 {
				b[len(b)-1] ^= 1
			}
		}
	}
}

// A client that knows no server at all reads the chain through peers; those that bend what they pass on are refused
// and left alone.
func TestThroughPeers(t *testing.T) {
	c := evmtest.New(150)
	for name, bad := range map[string]string{"nobody": "", "proofs": gateway.ProofProtocol, "containers": gateway.LightProtocol} {
		t.Run(name, func(t *testing.T) {
			honest, liar := newLab(t, c), newLab(t, c)
			cl := honest.client(t, liar.peer("liar", flip(bad)), honest.peer("honest", nil))
			if err := cl.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			if h, _ := cl.Head(); h.Slot != head {
				t.Errorf("head %+v", h)
			}
			acc, m, err := cl.Account(t.Context(), evm.Address(evmtest.Payee()), "latest")
			if err != nil || acc.Balance.Cmp(big.NewInt(7*34)) != 0 || m.Block != head {
				t.Errorf("balance %+v %+v %v", acc, m, err)
			}
			before := liar.asked
			if _, err := cl.Call(t.Context(), evm.Address(c.Contract), nil, "latest"); err != nil {
				t.Errorf("call: %v", err)
			}
			if _, _, err := cl.Logs(t.Context(), "130", "latest", evm.LogFilter{}); err != nil {
				t.Errorf("logs: %v", err)
			}
			tx := c.Blocks[head-1].Transactions()[0]
			if r, _, err := cl.Receipt(t.Context(), evm.Hash(tx.Hash())); err != nil || r.Tx != evm.Hash(tx.Hash()) {
				t.Errorf("receipt %+v %v", r, err)
			}
			if name != "nobody" && liar.asked != before {
				t.Errorf("the liar was asked %d times more", liar.asked-before)
			}
		})
	}
}

func TestOnlyLiars(t *testing.T) {
	l := newLab(t, evmtest.New(150))
	cl := l.client(t, l.peer("liar", flip(gateway.LightProtocol)))
	if err := cl.Sync(t.Context()); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("bent containers: %v", err)
	}
	if _, ok := cl.Head(); ok {
		t.Error("a head out of bent containers")
	}
	cl = l.client(t, l.peer("liar", flip(gateway.ProofProtocol)))
	if err := cl.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if acc, _, err := cl.Account(t.Context(), evm.Address(evmtest.Payee()), ""); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("bent proof: %+v %v", acc, err)
	}
}

func TestSubmit(t *testing.T) {
	l := newLab(t, evmtest.New(10))
	var got []byte
	p := l.peer("gateway", nil)
	if err := p.Submit(t.Context(), l.chain.Profile.ChainID, []byte{1, 2}, 1); !errors.Is(err, gateway.ErrRefused) {
		t.Errorf("none are taken: %v", err)
	}
	l.srv.Pass = func(_ context.Context, _ string, raw []byte, hops int) error {
		got = append(raw, byte(hops))
		return nil
	}
	if err := p.Submit(t.Context(), l.chain.Profile.ChainID, []byte{1, 2}, 1); err != nil || !bytes.Equal(got, []byte{1, 2, 1}) {
		t.Errorf("handed over %x, %v", got, err)
	}
	if err := p.Submit(t.Context(), 1, []byte{1, 2}, 1); !errors.Is(err, evm.ErrChain) {
		t.Errorf("another chain: %v", err)
	}
	for range 10 {
		_ = p.Submit(t.Context(), l.chain.Profile.ChainID, []byte{1}, 0)
	}
	if err := p.Submit(t.Context(), l.chain.Profile.ChainID, []byte{9}, 0); !errors.Is(err, gateway.ErrBusy) || bytes.Equal(got, []byte{9, 0}) {
		t.Errorf("a flood: %v", err)
	}
	l.now = l.now.Add(time.Minute)
	if err := p.Submit(t.Context(), l.chain.Profile.ChainID, []byte{9}, 0); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}

// Many names get no more than a crowd may, and whole blocks are dear.
func TestCrowd(t *testing.T) {
	l := newLab(t, evmtest.New(150))
	l.srv.Pass = func(context.Context, string, []byte, int) error { return nil }
	taken := 0
	for i := range 5000 {
		ask := gateway.TxAsk{Chain: gateway.TagOf(l.chain.Spec), ChainID: l.chain.Profile.ChainID, Raw: []byte{1}}
		if _, s := l.srv.Answer(t.Context(), string(rune(i+1)), gateway.TxProtocol, ask.Encode()); s == gateway.OK {
			taken++
		}
	}
	if taken != 96 {
		t.Errorf("%d taken from 5,000 strangers", taken)
	}
	ask := gateway.ProofAsk{Chain: gateway.TagOf(l.chain.Spec)}
	for range gateway.MaxItems {
		ask.Items = append(ask.Items, gateway.Item{Kind: gateway.ItemBody})
	}
	served := 0
	for range 10 {
		if _, s := l.srv.Answer(t.Context(), "one", gateway.ProofProtocol, ask.Encode()); s == gateway.OK {
			served++
		}
	}
	if served != 4 {
		t.Errorf("%d questions for 64 blocks answered", served)
	}
}

func TestAnswerBounds(t *testing.T) {
	var b bytes.Buffer
	big := bytes.Repeat([]byte{7}, 200<<10)
	if err := gateway.WriteAnswer(&b, [][]byte{big, {}, {1}}, gateway.OK); err != nil {
		t.Fatal(err)
	}
	read := func(pieces, limit int) ([][]byte, error) {
		return gateway.ReadAnswer(bufio.NewReader(bytes.NewReader(b.Bytes())), pieces, limit)
	}
	if out, err := read(3, len(big)+2); err != nil || len(out) != 3 || !bytes.Equal(out[0], big) || len(out[1]) != 0 {
		t.Errorf("%d pieces, %v", len(out), err)
	}
	if _, err := read(3, len(big)); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("too long: %v", err)
	}
	if _, err := read(2, 1<<20); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("too many: %v", err)
	}
}

func FuzzDecodeLightAsk(f *testing.F) {
	f.Add((&gateway.LightAsk{Kind: 2, Period: 9, Count: 3}).Encode())
	f.Add((&gateway.LightAsk{Kind: 1}).Encode())
	f.Add((&gateway.LightAsk{Kind: 4}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := gateway.DecodeLightAsk(b); err == nil && !bytes.Equal(a.Encode(), b) {
			t.Errorf("%x accepted, written again as %x", b, a.Encode())
		}
	})
}

func FuzzDecodeProofAsk(f *testing.F) {
	f.Add((&gateway.ProofAsk{Items: []gateway.Item{{Kind: 1, Keys: []evm.Hash{{1}}}, {Kind: 2}, {Kind: 4, Number: 7}, {Kind: 7}}}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := gateway.DecodeProofAsk(b); err == nil && !bytes.Equal(a.Encode(), b) {
			t.Errorf("%x accepted, written again as %x", b, a.Encode())
		}
	})
}

func FuzzDecodeTxAsk(f *testing.F) {
	f.Add((&gateway.TxAsk{ChainID: 5, Raw: []byte{1}, Hops: 1}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := gateway.DecodeTxAsk(b); err == nil && !bytes.Equal(a.Encode(), b) {
			t.Errorf("%x accepted, written again as %x", b, a.Encode())
		}
	})
}

// TestCheckTx: what a gateway can tell without asking anybody is not passed on; what is good goes once an hour.
func TestCheckTx(t *testing.T) {
	l := newLab(t, evmtest.New(10))
	chain := l.chain.Profile.ChainID
	k, err := wallet.FromBytes(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	to := common.Address{1}
	sign := func(chain uint64, gas uint64, fee int64) []byte {
		raw, err := k.Sign(chain, wallet.Tx{To: &to, Value: big.NewInt(1), Gas: gas, MaxFee: big.NewInt(fee), Tip: big.NewInt(1)})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := sign(chain, 21000, 50)
	passed := 0
	l.srv.Pass = func(context.Context, string, []byte, int) error { passed++; return nil }
	l.srv.Check = func(raw []byte) error { return gateway.CheckTx(raw, chain, big.NewInt(100)) }
	for name, raw := range map[string][]byte{"rubbish": {1, 2}, "another chain": sign(chain+1, 21000, 50), "gas": sign(chain, 20999, 50), "fee": sign(chain, 21000, 49)} {
		p := l.peer(name, nil)
		if err := p.Submit(t.Context(), chain, raw, 0); err == nil || passed != 0 {
			t.Errorf("%s: passed %d, %v", name, passed, err)
		}
	}
	for range 3 {
		if err := l.peer("good", nil).Submit(t.Context(), chain, good, 0); err != nil || passed != 1 {
			t.Errorf("passed %d times, %v", passed, err)
		}
	}
	l.now = l.now.Add(time.Hour)
	if err := l.peer("good", nil).Submit(t.Context(), chain, good, 0); err != nil || passed != 2 {
		t.Errorf("an hour later: passed %d times, %v", passed, err)
	}
	l.srv.Pass = func(context.Context, string, []byte, int) error { passed++; return errors.New("no server answers") }
	l.now = l.now.Add(time.Hour)
	for range 2 {
		if err := l.peer("good", nil).Submit(t.Context(), chain, good, 0); !errors.Is(err, gateway.ErrBusy) {
			t.Errorf("nobody took it: %v", err)
		}
	}
	if passed != 4 {
		t.Errorf("not tried again: %d", passed)
	}
}

// TestRelay: a server that verifies what it hands on tells the same as one that does not, and a lie behind it is laid at
// the door of who told it.
func TestRelay(t *testing.T) {
	c := evmtest.New(150)
	honest, middle := newLab(t, c), newLab(t, c)
	cl := honest.client(t, honest.peer("honest", nil))
	if err := cl.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	middle.srv.Light, middle.srv.Proofs = honest.srv.Light, gateway.Relay{Client: cl, Peers: true}
	reader := honest.client(t, middle.peer("middle", nil))
	if err := reader.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		acc, _, err := reader.Account(t.Context(), evm.Address(evmtest.Payee()), "latest")
		if err == nil && acc.Balance.Cmp(big.NewInt(7*34)) != 0 {
			t.Errorf("balance %v", acc.Balance)
		}
		_, err2 := reader.Call(t.Context(), evm.Address(c.Contract), nil, "100")
		_, _, err3 := reader.Logs(t.Context(), "130", "latest", evm.LogFilter{})
		_, _, err4 := reader.Receipt(t.Context(), evm.Hash(c.Blocks[head-1].Transactions()[0].Hash()))
		return errors.Join(err, err2, err3, err4)
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader.Receipt(t.Context(), evm.Hash{9}); !errors.Is(err, evm.ErrUnprovable) {
		t.Errorf("a transaction in no block: %v", err)
	}
	blamed := ""
	cl.Peers = func() []evm.Peer { return []evm.Peer{honest.peer("liar", flip(gateway.ProofProtocol))} }
	cl.Blame = func(name string, _ error) { blamed = name }
	fresh := honest.client(t, middle.peer("middle", nil))
	if err := fresh.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fresh.Account(t.Context(), evm.Address{0xcd}, "latest"); !errors.Is(err, gateway.ErrBusy) || blamed != "liar" {
		t.Errorf("a lie behind: %v, blamed %q", err, blamed)
	}
}

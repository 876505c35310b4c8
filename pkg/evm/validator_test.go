package evm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/deposit"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/profile"
)

// word is n as 32 bytes.
func word(n int64) []byte { return common.BigToHash(big.NewInt(n)).Bytes() }

// depositEvent is what the contract logs of a deposit.
func depositEvent(d *deposit.Data) []byte {
	amount := make([]byte, 32)
	for i := range 8 {
		amount[i] = byte(d.Amount >> (8 * i))
	}
	return bytes.Join([][]byte{word(160), word(256), word(320), word(384), word(512), word(48), d.Pubkey[:], make([]byte, 16), word(32), d.Credentials[:],
		word(8), amount, word(96), d.Signature[:], word(8), make([]byte, 32)}, nil)
}

var depositFork = [4]byte{0, 0, 0, 1}

func validator(t *testing.T, index uint32) *deposit.Key {
	t.Helper()
	k, err := deposit.Derive([64]byte{1}, index)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func staked(t *testing.T, k *deposit.Key, compounding bool, gwei uint64) *deposit.Data {
	t.Helper()
	d, err := k.Sign(deposit.To(common.Address{0xaa}, compounding), gwei, depositFork)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// staking is a client at block 60 of a chain in whose block 41 key 9 made its deposit.
func staking(t *testing.T, says func(w http.ResponseWriter, r *http.Request), bend func(string, []json.RawMessage, any) any) (*evm.Client, *evmtest.Chain) {
	t.Helper()
	now := time.Now()
	c := evmtest.NewEvents(64, uint64(now.Unix())-64*10, map[int][]byte{41: depositEvent(staked(t, validator(t, 9), false, deposit.Full))})
	beacon := &evmtest.Beacon{Chain: c, Head: 60}
	mux := http.NewServeMux()
	mux.Handle("/", beacon)
	if says != nil {
		mux.HandleFunc("/eth/v1/beacon/states/head/", says)
	}
	b, r := httptest.NewServer(mux), httptest.NewServer(&evmtest.RPC{Chain: c, Head: 60, Bend: bend})
	t.Cleanup(b.Close)
	t.Cleanup(r.Close)
	p := *c.Profile
	chain := *p.Chain
	chain.Deposit = &profile.Deposit{Contract: strings.ToLower(evmtest.DepositContract().Hex()), ForkVersion: "0x00000001"}
	p.Chain = &chain
	cl := &evm.Client{Profile: &p, Now: time.Now, Checkpoint: evm.Hash(c.Root(24))}
	if err := cl.Open(); err != nil {
		t.Fatal(err)
	}
	src, _ := evm.NewBeacon(b.URL, evm.NewHTTP(), cl.Spec())
	rpc, _ := evm.NewRPC(r.URL, evm.NewHTTP())
	cl.Sources, cl.RPCs = []evm.Source{src}, []*evm.RPC{rpc}
	if err := cl.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return cl, c
}

// answering tells of a validator, and of pending deposits.
func answering(validators, pending string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/validators"):
			fmt.Fprint(w, validators)
		case pending != "":
			fmt.Fprint(w, pending)
		default:
			http.NotFound(w, r)
		}
	}
}

const none = `{"data":[]}`

func TestCheckDeposit(t *testing.T) {
	cl, c := staking(t, answering(none, ""), nil)
	q := &queue.Queue{Chain: 1337}
	got, err := cl.CheckDeposit(t.Context(), q, evm.Address(c.Addr), staked(t, validator(t, 1), false, deposit.Full), 1024)
	if err != nil || got.From != 0 || got.To != 60 || got.Servers != 1 || got.Gas < 21000 {
		t.Fatalf("%+v, %v", got, err)
	}
	for name, test := range map[string]struct {
		d      *deposit.Data
		from   evm.Address
		blocks uint64
		says   string
		known  bool
	}{
		"deposited before":    {staked(t, validator(t, 9), false, deposit.Full), evm.Address(c.Addr), 1024, "deposit 0 in block 41", true},
		"at the edge":         {staked(t, validator(t, 9), false, deposit.Full), evm.Address(c.Addr), 20, "block 41", true},
		"poor":                {staked(t, validator(t, 1), false, deposit.Full), evm.Address{5}, 1024, "would fail", false},
		"compounding, early":  {staked(t, validator(t, 1), true, deposit.Full), evm.Address(c.Addr), 1024, "Electra", false},
		"signature is bent":   {&deposit.Data{Pubkey: validator(t, 1).Pubkey(), Amount: deposit.Full}, evm.Address(c.Addr), 1024, "deposit", false},
		"not in these blocks": {staked(t, validator(t, 9), false, deposit.Full), evm.Address(c.Addr), 19, "", false},
	} {
		_, err := cl.CheckDeposit(t.Context(), q, test.from, test.d, test.blocks)
		if test.says == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.says) || errors.Is(err, evm.ErrDeposited) != test.known {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A transaction of the own queue counts from the moment it is there until it can pay no more.
func TestCheckDepositQueue(t *testing.T) {
	cl, c := staking(t, answering(none, ""), nil)
	d := staked(t, validator(t, 1), false, deposit.Full)
	to := evmtest.DepositContract()
	e := &queue.Entry{From: c.Addr, To: &to, Data: d.Call(), Value: new(big.Int).Mul(big.NewInt(32), big.NewInt(1e18))}
	q := &queue.Queue{Chain: 1337, Entries: []*queue.Entry{e}}
	for s := queue.Draft; s <= queue.Unclear; s++ {
		e.State = s
		_, err := cl.CheckDeposit(t.Context(), q, evm.Address(c.Addr), d, 8)
		over := s == queue.Reverted || s == queue.Replaced || s == queue.Cancelled || s == queue.Expired
		if errors.Is(err, evm.ErrDeposited) == over {
			t.Errorf("%v: %v", s, err)
		}
	}
}

func TestCheckDepositServers(t *testing.T) {
	key := validator(t, 1).Pubkey()
	for name, test := range map[string]struct {
		says   func(http.ResponseWriter, *http.Request)
		blocks uint64
		want   string
	}{
		"a validator":      {answering(`{"data":[{"status":"pending_initialized"}]}`, ""), 1024, "pending_initialized"},
		"without a word":   {answering(`{"data":[{}]}`, ""), 1024, "known"},
		"deposit waits":    {answering(none, `{"data":[{"pubkey":"0x00"},{"pubkey":"`+strings.ToUpper(key.String())+`"}]}`), 1024, "deposited"},
		"others wait":      {answering(none, `{"data":[{"pubkey":"0x00"}]}`), 8, ""},
		"not JSON":         {answering(`<html>`, ""), 8, "no beacon server says"},
		"pending not JSON": {answering(none, `<html>`), 8, "no beacon server says"},
		"no list":          {answering(`{}`, ""), 8, "no beacon server says"},
		"no such route":    {nil, 8, "no beacon server says"},
		"all blocks":       {nil, 1024, ""},
	} {
		cl, c := staking(t, test.says, nil)
		_, err := cl.CheckDeposit(t.Context(), &queue.Queue{}, evm.Address(c.Addr), staked(t, validator(t, 1), false, deposit.Full), test.blocks)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server of another chain stops everything; a server that hides a deposit does not verify.
func TestCheckDepositLies(t *testing.T) {
	d := staked(t, validator(t, 9), false, deposit.Full)
	for name, test := range map[string]struct {
		method string
		answer any
		want   error
	}{
		"another chain":  {"eth_chainId", hexutil.Uint64(1), evm.ErrChain},
		"receipts empty": {"eth_getBlockReceipts", []any{}, nil},
	} {
		on := false
		cl, c := staking(t, answering(none, ""), func(method string, _ []json.RawMessage, answer any) any {
			if on && method == test.method {
				return test.answer
			}
			return answer
		})
		on = true
		_, err := cl.CheckDeposit(t.Context(), &queue.Queue{}, evm.Address(c.Addr), d, 1024)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || errors.Is(err, evm.ErrDeposited) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoDepositContract(t *testing.T) {
	cl, c := staking(t, answering(none, ""), nil)
	d := staked(t, validator(t, 1), false, deposit.Full)
	cl.Profile.Chain.Deposit.Contract = "0x00000000000000000000000000000000000000bb"
	if _, err := cl.CheckDeposit(t.Context(), &queue.Queue{}, evm.Address(c.Addr), d, 1024); err == nil || !strings.Contains(err.Error(), "lost") {
		t.Errorf("nothing there: %v", err)
	}
	cl.Profile.Chain.Deposit.ForkVersion = "0x00000002"
	if _, err := cl.CheckDeposit(t.Context(), &queue.Queue{}, evm.Address(c.Addr), d, 1024); err == nil || !strings.Contains(err.Error(), "fork version") {
		t.Errorf("another fork version: %v", err)
	}
	cl.Profile.Chain.Deposit = nil
	if _, err := cl.CheckDeposit(t.Context(), &queue.Queue{}, evm.Address(c.Addr), d, 1024); err == nil || !strings.Contains(err.Error(), "names no deposit contract") {
		t.Errorf("no rules: %v", err)
	}
}

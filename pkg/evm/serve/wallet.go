package serve

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/evm/wallet"
)

// maxShown bounds what a person is shown to sign: more is read by nobody.
const maxShown = 8 << 10

// Wallet signs what programs ask for, each time after a person said yes.
type Wallet struct {
	// Open opens the vault. It is closed after each use, so that others can have it in between.
	Open func() (*evm.Vault, error)
	// Ask shows a person what is asked and by whom, and returns what they say. The lines hold text of strangers.
	// It is called for one question at a time.
	Ask func(ctx context.Context, lines []string) (bool, error)

	mu    sync.Mutex // held while a person is asked; guards known
	known map[string]bool
}

// walletAPI is what the name space eth_ has beside, with a wallet.
type walletAPI struct {
	*Wallet
	eth *ethAPI
}

// personalAPI is the name space personal_.
type personalAPI struct{ w *walletAPI }

// ask wants a yes. A second question while one is open is refused: pages could else bury it.
func (w *Wallet) ask(ctx context.Context, lines ...string) error {
	if !w.mu.TryLock() {
		return &apiError{code: codeServer, text: "a person is being asked something else; ask again later"}
	}
	defer w.mu.Unlock()
	return w.question(ctx, lines)
}

// question is ask with mu held.
func (w *Wallet) question(ctx context.Context, lines []string) error {
	yes, err := w.Ask(ctx, append([]string{caller(ctx) + " asks"}, lines...))
	switch {
	case err != nil:
		return told(err)
	case !yes:
		return &apiError{code: CodeRefused, text: "refused by the person at the terminal"}
	}
	return nil
}

// caller names who asks.
func caller(ctx context.Context) string {
	if o := rpc.PeerInfoFromContext(ctx).HTTP.Origin; o != "" {
		return "the page " + o
	}
	return "a program of this machine"
}

// with opens the vault for f.
func (w *Wallet) with(f func(*evm.Vault) error) error {
	v, err := w.Open()
	if err != nil {
		return told(err)
	}
	defer v.Close()
	return told(f(v))
}

func owned(v *evm.Vault, a common.Address) (*wallet.Key, error) {
	k, err := v.Key((*evm.Address)(&a))
	if err != nil {
		return nil, &apiError{code: CodeStranger, text: err.Error()}
	}
	return k, nil
}

// has refuses before a person is asked what cannot be done anyway.
func (w *Wallet) has(a common.Address) error {
	return w.with(func(v *evm.Vault) error { _, err := owned(v, a); return err })
}

// Accounts is eth_accounts. Whoever asks is told after a yes, which holds for that page, or all programs, until the
// server ends.
func (w *walletAPI) Accounts(ctx context.Context) ([]common.Address, error) {
	if !w.mu.TryLock() {
		return nil, &apiError{code: codeServer, text: "a person is being asked something else; ask again later"}
	}
	defer w.mu.Unlock()
	if who := caller(ctx); !w.known[who] {
		if err := w.question(ctx, []string{"to know the addresses of the wallet"}); err != nil {
			return nil, err
		}
		if w.known == nil {
			w.known = map[string]bool{}
		}
		w.known[who] = true
	}
	out := []common.Address{}
	return out, w.with(func(v *evm.Vault) error {
		for _, o := range v.Addresses() {
			out = append(out, common.Address(o.Address))
		}
		return nil
	})
}

// RequestAccounts is eth_requestAccounts (EIP-1102).
func (w *walletAPI) RequestAccounts(ctx context.Context) ([]common.Address, error) {
	return w.Accounts(ctx)
}

// SignTypedData_v4 is eth_signTypedData_v4. Data of another chain is refused.
func (w *walletAPI) SignTypedData_v4(ctx context.Context, a common.Address, data json.RawMessage) (out hexutil.Bytes, err error) {
	var text string
	if json.Unmarshal(data, &text) == nil { // some send the JSON as a string
		data = json.RawMessage(text)
	}
	t, err := wallet.DecodeTyped(data, w.eth.c.Profile.ChainID)
	if err != nil {
		return nil, told(err)
	}
	if len(t.Message) > maxShown {
		return nil, badParams("typed data of %d bytes: more than a person reads", len(t.Message))
	}
	if err := w.has(a); err != nil {
		return nil, err
	}
	lines := append([]string{fmt.Sprintf("to sign %s as %v", t.Type, a), "for " + t.Domain + ", contract " + t.Contract}, strings.Split(t.Message, "\n")...)
	if err := w.ask(ctx, lines...); err != nil {
		return nil, err
	}
	return out, w.signed(a, &out, func(k *wallet.Key) ([]byte, error) { return k.SignTyped(t) })
}

func (w *Wallet) signed(a common.Address, out *hexutil.Bytes, sign func(*wallet.Key) ([]byte, error)) error {
	return w.with(func(v *evm.Vault) error {
		k, err := owned(v, a)
		if err == nil {
			*out, err = sign(k)
		}
		return err
	})
}

// Sign is personal_sign: a text, never a transaction.
func (p *personalAPI) Sign(ctx context.Context, data hexutil.Bytes, a common.Address) (out hexutil.Bytes, err error) {
	if len(data) > maxShown {
		return nil, badParams("text of %d bytes: more than a person reads", len(data))
	}
	if err := p.w.has(a); err != nil {
		return nil, err
	}
	text := "the bytes " + data.String()
	if utf8.Valid(data) {
		text = "the text\n" + string(data)
	}
	if err := p.w.ask(ctx, append([]string{fmt.Sprintf("to sign as %v", a)}, strings.Split(text, "\n")...)...); err != nil {
		return nil, err
	}
	return out, p.w.signed(a, &out, func(k *wallet.Key) ([]byte, error) { return k.SignText(data) })
}

// SendTransaction is eth_sendTransaction: it goes through the queue, which sets number and fees, and keeps it until it
// is final. What would fail is refused before anybody is asked.
func (w *walletAPI) SendTransaction(ctx context.Context, args callArgs) (h common.Hash, err error) {
	if args.From == nil {
		return h, badParams("from is missing")
	}
	m, err := args.message(w.eth.c.Profile.ChainID)
	if err != nil {
		return h, err
	}
	if args.Access != nil {
		return h, badParams("access lists are not signed here")
	}
	if err := w.has(*args.From); err != nil {
		return h, err
	}
	if m.Value == nil {
		m.Value = new(big.Int)
	}
	msg := &evm.Message{From: (*evm.Address)(m.From), To: (*evm.Address)(m.To), Data: m.Data, Value: m.Value}
	gas, _, err := w.eth.c.Estimate(ctx, msg, "latest")
	if err != nil {
		return h, told(err)
	}
	if err := w.ask(ctx, w.payment(msg, max(gas, m.Gas))...); err != nil {
		return h, err
	}
	err = w.with(func(v *evm.Vault) error {
		h, err = w.pay(ctx, v, msg, m.Gas, args.Nonce)
		return err
	})
	return h, err
}

// payment says what is paid.
func (w *walletAPI) payment(m *evm.Message, gas uint64) []string {
	to := "to make a new contract"
	if m.To != nil {
		to = fmt.Sprintf("to pay or call %v", *m.To)
	}
	lines := []string{fmt.Sprintf("%s from %v on chain %d", to, *m.From, w.eth.c.Profile.ChainID), fmt.Sprintf("with %s (%v wei)", coins(m.Value), m.Value)}
	if base := w.eth.c.BaseFee(); base != nil {
		fee := new(big.Int).Mul(evm.MaxFee(base), new(big.Int).SetUint64(gas+gas/5))
		lines = append(lines, "and a fee of at most "+coins(fee))
	}
	if len(m.Data) > 0 {
		lines = append(lines, fmt.Sprintf("and %d bytes of data, which begin 0x%x: the contract decides what they do", len(m.Data), m.Data[:min(len(m.Data), 36)]))
	}
	return lines
}

// coins writes wei as whole coins of 18 decimals.
func coins(wei *big.Int) string {
	s := fmt.Sprintf("%019s", wei.String())
	whole, part := s[:len(s)-18], strings.TrimRight(s[len(s)-18:], "0")
	if part == "" {
		return whole
	}
	return whole + "." + part
}

// pay queues and sends. Once it is signed it stays in the queue, whatever the servers say; what is not is forgotten, as
// the caller is told that it failed.
func (w *walletAPI) pay(ctx context.Context, v *evm.Vault, m *evm.Message, gas uint64, nonce *hexutil.Uint64) (h common.Hash, err error) {
	if _, err := owned(v, common.Address(*m.From)); err != nil {
		return h, err
	}
	if nonce != nil {
		acc, _, err := w.eth.c.Account(ctx, *m.From, "latest")
		if err != nil {
			return h, err
		}
		if next := v.Queue.NextNonce(common.Address(*m.From), acc.Nonce); next != uint64(*nonce) {
			return h, badParams("nonce %d: the next is %d", uint64(*nonce), next)
		}
	}
	e := &queue.Entry{From: common.Address(*m.From), To: evm.Geth(m.To), Value: m.Value, Data: m.Data, Gas: gas}
	if _, err := rand.Read(e.ID[:]); err != nil {
		return h, err
	}
	if err := v.Queue.Add(e); err != nil {
		return h, err
	}
	if err := v.Save(); err != nil {
		return h, err
	}
	failed := w.eth.c.Pump(ctx, v)
	h, ok := e.Hash()
	if !ok {
		return h, errors.Join(failed, v.Queue.Drop(e.ID), v.Save())
	}
	if tx := new(types.Transaction); tx.UnmarshalBinary(e.Versions[0].Raw) == nil {
		if head, err := w.eth.head(); err == nil {
			w.eth.own.add(tx, e.From, head.Number)
		}
	}
	return h, nil
}

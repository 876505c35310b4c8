package queue

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/wire"
)

const chain = 32382

func testKey(t testing.TB) *wallet.Key {
	t.Helper()
	k, err := wallet.FromBytes(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(t testing.TB, nonce uint64, value int64, fee int64) []byte {
	t.Helper()
	to := common.Address{1}
	raw, err := testKey(t).Sign(chain, wallet.Tx{Nonce: nonce, To: &to, Value: big.NewInt(value), Gas: 21000, MaxFee: big.NewInt(fee), Tip: big.NewInt(1)})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// cancelled is a cancellation of a nonce.
func cancelled(t testing.TB, nonce uint64, fee int64) []byte {
	t.Helper()
	self := testKey(t).Address()
	raw, err := testKey(t).Sign(chain, wallet.Tx{Nonce: nonce, To: &self, Gas: 21000, MaxFee: big.NewInt(fee), Tip: big.NewInt(1)})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func facts(t testing.TB, nonce, head, final uint64) *Facts {
	return &Facts{Now: 1000 + 12*head, Head: head, Final: final, BaseFee: big.NewInt(10), Taken: map[[16]byte]Taken{},
		Accounts: map[common.Address]Account{testKey(t).Address(): {Nonce: nonce, Balance: big.NewInt(1e18)}}}
}

func intent(t testing.TB, id byte) *Entry {
	to := common.Address{1}
	return &Entry{ID: [16]byte{id}, From: testKey(t).Address(), To: &to, Value: big.NewInt(int64(id)), Gas: 21000}
}

func newQueue(t testing.TB, nonce uint64) (*Queue, *Entry) {
	t.Helper()
	q := &Queue{Chain: chain}
	e := intent(t, 1)
	if err := q.Add(e); err != nil {
		t.Fatal(err)
	}
	if err := q.Sign(e, signed(t, nonce, 1, 100), false); err != nil {
		t.Fatal(err)
	}
	return q, e
}

func (e *Entry) is(t *testing.T, want State) {
	t.Helper()
	if e.State != want {
		t.Errorf("state %v (%s), want %v", e.State, e.Why, want)
	}
}

func TestPath(t *testing.T) {
	q, e := newQueue(t, 5)
	e.is(t, Signed)
	f := facts(t, 5, 10, 2)
	q.Step(f)
	due := q.Due(f)
	if len(due) != 1 {
		t.Fatal("not due")
	}
	q.Sending(e, f.Now)
	e.is(t, Sent)
	if len(q.Due(f)) != 0 {
		t.Error("sent twice at once")
	}
	if f.Now += Again; len(q.Due(f)) != 1 {
		t.Error("not sent again after ten minutes")
	}
	f = facts(t, 6, 11, 2)
	f.Taken[e.ID] = Taken{e.Versions[0].hash(), 11, true}
	q.Step(f)
	e.is(t, Included)
	q.Step(facts(t, 5, 12, 2)) // the block was undone
	e.is(t, Sent)
	if f = facts(t, 5, 12, 2); len(q.Due(f)) != 1 {
		t.Error("not sent again after a reorg")
	}
	f = facts(t, 6, 30, 20)
	f.Taken[e.ID] = Taken{e.Versions[0].hash(), 13, true}
	q.Step(f)
	e.is(t, Final)
	q.Step(facts(t, 5, 12, 2))
	e.is(t, Final)
}

func TestOthers(t *testing.T) {
	for _, c := range []struct {
		name  string
		taken *Taken
		final uint64
		want  State
	}{
		{"another, not final", &Taken{common.Hash{9}, 11, true}, 2, Signed},
		{"another, final", &Taken{common.Hash{9}, 11, true}, 11, Replaced},
		{"not found", nil, 11, Unclear},
		{"reverted", &Taken{(&Version{Raw: signed(t, 5, 1, 100)}).hash(), 11, false}, 11, Reverted},
		{"reverted, not final", &Taken{(&Version{Raw: signed(t, 5, 1, 100)}).hash(), 11, false}, 2, Included},
	} {
		q, e := newQueue(t, 5)
		f := facts(t, 6, 12, c.final)
		if c.taken != nil {
			f.Taken[e.ID] = *c.taken
		}
		q.Step(f)
		if e.State != c.want {
			t.Errorf("%s: %v", c.name, e.State)
		}
		if len(q.Due(f)) != 0 {
			t.Errorf("%s: would be sent", c.name)
		}
	}
}

func TestReplaceAndCancel(t *testing.T) {
	q, e := newQueue(t, 5)
	f := facts(t, 5, 10, 2)
	q.Sending(e, f.Now)
	if err := q.Drop(e.ID); err == nil || !strings.Contains(err.Error(), "cancel") {
		t.Errorf("dropped what left: %v", err)
	}
	if err := q.Sign(e, signed(t, 6, 1, 110), false); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("another nonce: %v", err)
	}
	if err := q.Sign(e, signed(t, 5, 1, 110), false); err != nil || len(q.Due(f)) != 1 {
		t.Errorf("bump: %v", err)
	}
	q.Sending(e, f.Now)
	if err := q.Sign(e, cancelled(t, 5, 121), true); err != nil {
		t.Error(err)
	}
	f = facts(t, 6, 20, 15)
	f.Taken[e.ID] = Taken{e.Versions[0].hash(), 12, true} // the first version won after all
	q.Step(f)
	e.is(t, Final)
	if h, _ := e.Hash(); h != e.Versions[0].hash() {
		t.Error("tells the hash of another version than the one that was paid")
	}
	if err := q.Drop(e.ID); err != nil || len(q.Entries) != 0 {
		t.Error(err)
	}
	q, e = newQueue(t, 5)
	q.Sending(e, 1)
	if err := q.Sign(e, cancelled(t, 5, 121), true); err != nil {
		t.Error(err)
	}
	f.Taken = map[[16]byte]Taken{e.ID: {e.Versions[1].hash(), 12, true}}
	q.Step(f)
	e.is(t, Cancelled)
	if err := q.Drop(e.ID); err != nil || len(q.Entries) != 0 {
		t.Error(err)
	}
}

func TestExpiry(t *testing.T) {
	q, e := newQueue(t, 5)
	e.ValidUntil = 1000
	f := facts(t, 5, 10, 2)
	q.Step(f)
	e.is(t, Expired)
	if n := q.NextNonce(e.From, 5); n != 5 {
		t.Errorf("the nonce of what never left is lost: next is %d", n)
	}
	q, e = newQueue(t, 5)
	e.ValidUntil = 1000
	q.Sending(e, 900)
	f.Now += Again
	q.Step(f)
	e.is(t, Sent) // the chain knows no time: it may come yet
	if len(q.Due(f)) != 0 || !strings.Contains(e.Why, "cancel") {
		t.Errorf("%d due, %q", len(q.Due(f)), e.Why)
	}
	d := intent(t, 2)
	d.ValidUntil = 1000
	if err := q.Add(d); err != nil {
		t.Fatal(err)
	}
	q.Step(f)
	d.is(t, Expired)
}

func TestStuck(t *testing.T) {
	q, e := newQueue(t, 5)
	q.Step(facts(t, 4, 10, 2))
	if !strings.Contains(e.Why, "nonce 4") {
		t.Errorf("gap: %q", e.Why)
	}
	f := facts(t, 5, 10, 2)
	f.BaseFee = big.NewInt(101)
	if q.Step(f); !strings.Contains(e.Why, "bump") {
		t.Errorf("fee: %q", e.Why)
	}
	f = facts(t, 5, 10, 2)
	f.Accounts[e.From] = Account{5, big.NewInt(3)}
	if q.Step(f); !strings.Contains(e.Why, "has 3") {
		t.Errorf("funds: %q", e.Why)
	}
	if q.Step(facts(t, 5, 10, 2)); e.Why != "" {
		t.Errorf("well: %q", e.Why)
	}
}

func TestLimits(t *testing.T) {
	q := &Queue{Chain: chain}
	for i := range MaxOut {
		if _, err := q.AddRaw([16]byte{byte(i)}, signed(t, uint64(i), 1, 100), 0); err != nil {
			t.Fatal(err)
		}
	}
	again, err := q.AddRaw([16]byte{99}, signed(t, 3, 1, 100), 0)
	if err != nil || again.ID != [16]byte{3} || len(q.Entries) != MaxOut {
		t.Errorf("the same bytes twice: %v", err)
	}
	if _, err := q.AddRaw([16]byte{99}, signed(t, 3, 2, 100), 0); err == nil {
		t.Error("two payments with one nonce")
	}
	if _, err := q.AddRaw([16]byte{99}, []byte{1}, 0); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("nonsense: %v", err)
	}
	e := intent(t, 77)
	if err := q.Add(e); err != nil {
		t.Fatal(err)
	}
	if n := q.NextNonce(e.From, 0); n != MaxOut {
		t.Errorf("next nonce %d", n)
	}
	if err := q.Sign(e, signed(t, MaxOut, 77, 100), false); err == nil {
		t.Error("more than may be under way")
	}
	if err := q.Sign(q.Entries[0], signed(t, 0, 1, 120), false); err == nil {
		t.Error("presigned bytes were signed anew")
	}
}

func TestEncode(t *testing.T) {
	q, e := newQueue(t, 5)
	e.Why = "because"
	if err := q.Add(intent(t, 2)); err != nil {
		t.Fatal(err)
	}
	b := q.Encode()
	back, err := DecodeQueue(b)
	if err != nil || !bytes.Equal(back.Encode(), b) {
		t.Fatalf("got %v", err)
	}
	for i := range b {
		if _, err := DecodeQueue(b[:i]); !errors.Is(err, wire.ErrInvalid) {
			t.Fatalf("%d bytes: %v", i, err)
		}
	}
}

func FuzzDecodeQueue(f *testing.F) {
	q, _ := newQueue(f, 5)
	f.Add(q.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, err := DecodeQueue(b); err == nil && !bytes.Equal(q.Encode(), b) {
			t.Error("another form decodes to the same")
		}
	})
}

// What another transaction did to a nonce in a block that is undone leaves no trace, and the own hash is told meanwhile.
func TestOtherUndone(t *testing.T) {
	q, e := newQueue(t, 5)
	q.Step(facts(t, 5, 40, 30))
	if e.LowBlock != 30 {
		t.Errorf("free at %d, which can be undone", e.LowBlock)
	}
	f := facts(t, 6, 41, 30)
	f.Taken[e.ID] = Taken{common.Hash{9}, 41, true}
	q.Step(f)
	own := e.Versions[0].hash()
	if h, _ := e.Hash(); h != own || !strings.Contains(e.Why, "0x09") {
		t.Errorf("tells %v: %s", h, e.Why)
	}
	q.Step(facts(t, 5, 42, 30))
	if h, _ := e.Hash(); h != own || e.Block != 0 || e.Why != "" {
		t.Errorf("tells %v in %d: %s", h, e.Block, e.Why)
	}
	f = facts(t, 6, 80, 70)
	f.Taken[e.ID] = Taken{common.Hash{9}, 60, true}
	q.Step(f)
	if h, _ := e.Hash(); e.State != Replaced || h != own || !strings.Contains(e.Why, "0x09") {
		t.Errorf("%v: tells %v: %s", e.State, h, e.Why)
	}
}

// A version pays what the entry says, and a cancellation nothing: else a payment could end as final and never be made.
func TestVersionsPayTheSame(t *testing.T) {
	q, e := newQueue(t, 5)
	for what, err := range map[string]error{
		"another value":               q.Sign(e, signed(t, 5, 2, 110), false),
		"a cancellation as a payment": q.Sign(e, cancelled(t, 5, 110), false),
		"a payment as a cancellation": q.Sign(e, signed(t, 5, 1, 110), true),
	} {
		if !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	d := intent(t, 2)
	if err := q.Add(d); err != nil {
		t.Fatal(err)
	}
	if err := q.Sign(d, cancelled(t, 6, 110), true); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a cancellation of nothing: %v", err)
	}
	if err := q.Sign(d, signed(t, 5, 2, 110), false); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("the nonce of another: %v", err)
	}
	for i := int64(0); len(e.Versions) < maxPayments; i++ {
		if err := q.Sign(e, signed(t, 5, 1, 110+i), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Sign(e, signed(t, 5, 1, 500), false); err == nil {
		t.Error("as many payments as fit, and no room to cancel")
	}
	if err := q.Sign(e, cancelled(t, 5, 500), true); err != nil {
		t.Error(err)
	}
}

// Whatever the queue takes, it reads back: what cannot be read is lost, and the keys beside it.
func TestReadsBack(t *testing.T) {
	q, e := newQueue(t, 5)
	for _, s := range []string{strings.Repeat("é", 700), "a" + strings.Repeat("é", 700), "\xff\xfe", strings.Repeat("日", 171) + "b"} {
		e.Tell(errors.New(s))
		if _, err := DecodeQueue(q.Encode()); err != nil {
			t.Errorf("%.9q: %v", s, err)
		}
	}
	var full error
	to := common.Address{1}
	for i := 100; full == nil; i++ {
		raw, err := testKey(t).Sign(chain, wallet.Tx{Nonce: uint64(i), To: &to, Data: make([]byte, wallet.MaxRaw-200), Gas: 21000, MaxFee: big.NewInt(2), Tip: big.NewInt(1)})
		if err != nil {
			t.Fatal(err)
		}
		_, full = q.AddRaw([16]byte{byte(i), 1}, raw, 0)
	}
	if !strings.Contains(full.Error(), "full") {
		t.Error(full)
	}
	for _, e := range q.Entries[1:] { // there is room to cancel all of them
		if err := q.Sign(e, cancelled(t, e.Nonce, 9), true); err != nil {
			t.Fatal(err)
		}
	}
	if b := q.Encode(); len(b) > MaxSize || len(b) < MaxSize/2 {
		t.Errorf("%d bytes", len(b))
	} else if _, err := DecodeQueue(b); err != nil {
		t.Error(err)
	}
}

// A clock that was ahead holds nothing up.
func TestClockSetBack(t *testing.T) {
	q, e := newQueue(t, 5)
	f := facts(t, 5, 10, 2)
	q.Sending(e, f.Now+1<<30)
	if len(q.Due(f)) != 1 {
		t.Error("not sent again for 34 years")
	}
}

package queue

import (
	"bytes"
	"errors"
	"math/big"
	"math/rand/v2"
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
	f.Taken[e.ID] = Taken{e.Versions[0].hash(chain), 11, true}
	q.Step(f)
	e.is(t, Included)
	q.Step(facts(t, 5, 12, 2)) // the block was undone
	e.is(t, Sent)
	if f = facts(t, 5, 12, 2); len(q.Due(f)) != 1 {
		t.Error("not sent again after a reorg")
	}
	f = facts(t, 6, 30, 20)
	f.Taken[e.ID] = Taken{e.Versions[0].hash(chain), 13, true}
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
		{"reverted", &Taken{(&Version{Raw: signed(t, 5, 1, 100)}).hash(chain), 11, false}, 11, Reverted},
		{"reverted, not final", &Taken{(&Version{Raw: signed(t, 5, 1, 100)}).hash(chain), 11, false}, 2, Included},
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
	if err := q.Sign(e, signed(t, 5, 0, 121), true); err != nil {
		t.Error(err)
	}
	f = facts(t, 6, 20, 15)
	f.Taken[e.ID] = Taken{e.Versions[0].hash(chain), 12, true} // the first version won after all
	q.Step(f)
	e.is(t, Final)
	q, e = newQueue(t, 5)
	q.Sending(e, 1)
	if err := q.Sign(e, signed(t, 5, 0, 121), true); err != nil {
		t.Error(err)
	}
	f.Taken = map[[16]byte]Taken{e.ID: {e.Versions[1].hash(chain), 12, true}}
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
	if err := q.Sign(e, signed(t, MaxOut, 1, 100), false); err == nil {
		t.Error("more than may be under way")
	}
	if err := q.Sign(q.Entries[0], signed(t, 0, 1, 120), false); err == nil {
		t.Error("presigned bytes were signed anew")
	}
}

// world is the chain as it is: what is mined, and how often each intent was paid.
type world struct {
	blocks []common.Hash // the nonce is the index
	when   []uint64
	pool   map[uint64][][]byte
}

// Random histories: sends that get lost or arrive, blocks that are undone, other devices, crashes before and after the
// commit, bumps and cancellations. No intent is ever paid twice or lost.
func TestHistories(t *testing.T) {
	for seed := range uint64(25) {
		history(t, rand.New(rand.NewPCG(seed, 1)))
	}
}

func history(t *testing.T, r *rand.Rand) {
	w := &world{pool: map[uint64][][]byte{}}
	q := &Queue{Chain: chain}
	disk := q.Encode()
	head, final, paid := uint64(1), uint64(0), map[int64]int{}
	values := map[common.Hash]int64{}
	commit := func() { disk = q.Encode() }
	byID := map[[16]byte]int64{}
	for step := range 120 {
		head++
		if r.IntN(3) == 0 && final+4 < head {
			final = head - 4
		}
		f := facts(t, uint64(len(w.blocks)), head, final)
		for _, e := range q.NonceUsed(f.Accounts) {
			f.Taken[e.ID] = Taken{w.blocks[e.Nonce], w.when[e.Nonce], true}
		}
		q.Step(f)
		switch r.IntN(8) {
		case 0: // a new wish
			e := intent(t, byte(step+1))
			if q.Add(e) == nil {
				byID[e.ID] = e.Value.Int64()
				commit()
			}
		case 1, 2: // sign a draft
			for _, e := range q.Entries {
				n := q.NextNonce(e.From, f.Accounts[e.From].Nonce)
				if e.State == Draft {
					raw := signed(t, n, e.Value.Int64(), 100)
					if q.Sign(e, raw, false) == nil {
						values[e.Versions[0].hash(chain)] = e.Value.Int64()
						commit()
					}
					break
				}
			}
		case 3: // bump
			for _, e := range q.Entries {
				if e.State == Sent && len(e.Versions) < 3 {
					raw := signed(t, e.Nonce, e.Value.Int64(), 100+int64(len(e.Versions))*20)
					if q.Sign(e, raw, false) == nil {
						values[e.Versions[len(e.Versions)-1].hash(chain)] = e.Value.Int64()
						commit()
					}
					break
				}
			}
		case 4: // a crash: what was not committed is gone
			back, err := DecodeQueue(disk)
			if err != nil {
				t.Fatal(err)
			}
			q = back
		case 5: // another device takes the next nonce
			if r.IntN(4) == 0 {
				w.blocks, w.when = append(w.blocks, common.Hash{byte(step), 0xff}), append(w.when, head)
			}
		}
		for _, e := range q.Due(f) {
			raw := q.Sending(e, f.Now)
			commit()
			if r.IntN(3) > 0 { // it arrives
				w.pool[e.Nonce] = append(w.pool[e.Nonce], raw)
			}
		}
		for n := uint64(len(w.blocks)); len(w.pool[n]) > 0 && r.IntN(2) == 0; n++ {
			raw := w.pool[n][r.IntN(len(w.pool[n]))]
			w.blocks, w.when = append(w.blocks, (&Version{Raw: raw}).hash(chain)), append(w.when, head+1)
		}
		if n := len(w.blocks); n > 0 && w.when[n-1] > final && r.IntN(6) == 0 { // undone; the pool keeps it
			w.blocks, w.when = w.blocks[:n-1], w.when[:n-1]
		}
	}
	for _, h := range w.blocks {
		if v, ok := values[h]; ok {
			paid[v]++
		}
	}
	for v, n := range paid {
		if n > 1 {
			t.Fatalf("intent %d was paid %d times", v, n)
		}
	}
	for id := range byID {
		if _, err := q.Find(id); err != nil {
			t.Fatalf("intent %x was lost", id)
		}
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

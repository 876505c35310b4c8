package queue

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm/wallet"
)

// model is one device with a queue, and the chain as it is.
type model struct {
	t *testing.T
	r *rand.Rand

	blocks [][]common.Hash // transactions of the address by block
	final  int             // blocks that stay
	pool   map[uint64][]*wallet.Signed
	mined  map[common.Hash]*wallet.Signed
	now    uint64

	q       *Queue
	disk    []byte
	wishes  []int64 // values of acknowledged intents; the value is the number
	dropped map[int64]bool
	calm    bool // no crash, no person, no fault
}

// crash is what ends a device in the middle of its work.
type crash struct{}

// Random histories: a crash at each step of a send, sends that get lost, blocks undone to any depth above the final
// one, another device on the same account, what took a nonce not found, a clock set back, bumps, cancellations and
// drops. After a calm end each acknowledged intent has ended: final and paid once, or paid never.
func TestModel(t *testing.T) {
	seeds := uint64(25)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		m := &model{t: t, r: rand.New(rand.NewPCG(seed, 3)), pool: map[uint64][]*wallet.Signed{}, mined: map[common.Hash]*wallet.Signed{}, now: 1_000_000,
			q: &Queue{Chain: chain}, dropped: map[int64]bool{}}
		m.commit()
		for range 150 {
			m.life(m.person)
			m.life(m.pump)
			m.mine()
		}
		for m.calm = true; len(m.blocks) < 2000 && !m.ended(); {
			m.life(m.pump)
			m.mine()
		}
		m.judge(seed)
	}
}

func (m *model) commit() { m.disk = m.q.Encode() }

// life runs f until it ends or the device does, which then begins with what was on disk.
func (m *model) life(f func()) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case crash{}:
			q, err := DecodeQueue(m.disk)
			if err != nil {
				m.t.Fatal(err)
			}
			m.q = q
		default:
			panic(p)
		}
	}()
	f()
}

func (m *model) mayCrash() {
	if !m.calm && m.r.IntN(12) == 0 {
		panic(crash{})
	}
}

func (m *model) nonce() (n uint64) {
	for _, b := range m.blocks {
		n += uint64(len(b))
	}
	return n
}

func (m *model) facts() *Facts {
	f := facts(m.t, m.nonce(), uint64(len(m.blocks)), uint64(m.final))
	f.Now = m.now
	for _, e := range m.q.NonceUsed(f.Accounts) {
		n := e.Nonce
		for i, b := range m.blocks {
			if n < uint64(len(b)) {
				if m.calm || m.r.IntN(5) > 0 {
					f.Taken[e.ID] = Taken{b[n], uint64(i + 1), true}
				}
				if e.LowBlock > uint64(i) {
					m.t.Fatalf("entry %x was said to be free at %d, and was used in %d", e.ID, e.LowBlock, i+1)
				}
				break
			}
			n -= uint64(len(b))
		}
	}
	return f
}

// pump is what the client does, in its order.
func (m *model) pump() {
	f := m.facts()
	m.q.Step(f)
	for _, e := range m.q.Entries {
		if e.State == Draft {
			raw := signed(m.t, m.q.NextNonce(e.From, f.Accounts[e.From].Nonce), e.Value.Int64(), 100)
			if m.q.Sign(e, raw, false) == nil {
				m.mayCrash()
				m.commit()
			}
		}
	}
	due := m.q.Due(f)
	raws := make([][]byte, len(due))
	for i, e := range due {
		raws[i] = m.q.Sending(e, f.Now)
	}
	m.mayCrash()
	m.commit()
	for i := range due {
		m.mayCrash()
		if m.calm || m.r.IntN(3) > 0 {
			s, err := wallet.DecodeTx(raws[i], chain)
			if err != nil {
				m.t.Fatal(err)
			}
			m.pool[s.Nonce] = append(m.pool[s.Nonce], s)
		}
	}
	m.mayCrash()
	m.commit()
}

// person wishes, bumps, cancels and drops.
func (m *model) person() {
	pick := func() *Entry {
		if len(m.q.Entries) == 0 {
			return nil
		}
		return m.q.Entries[m.r.IntN(len(m.q.Entries))]
	}
	switch e := pick(); m.r.IntN(8) {
	case 0, 1:
		v := int64(len(m.wishes) + 1)
		n := intent(m.t, 0)
		n.ID, n.Value = [16]byte{byte(v), byte(v >> 8)}, big.NewInt(v)
		if m.r.IntN(4) == 0 {
			n.ValidUntil = m.now + uint64(m.r.IntN(2000))
		}
		if m.q.Add(n) == nil {
			m.mayCrash()
			m.commit()
			m.wishes = append(m.wishes, v)
		}
	case 2, 3:
		if e == nil || len(e.Versions) == 0 {
			return
		}
		fee, cancel := int64(100+20*len(e.Versions)), m.r.IntN(3) == 0 || e.Versions[len(e.Versions)-1].Cancel
		raw := signed(m.t, e.Nonce, e.Value.Int64(), fee)
		if cancel {
			raw = cancelled(m.t, e.Nonce, fee)
		}
		if m.q.Sign(e, raw, cancel) == nil {
			m.mayCrash()
			m.commit()
		}
	case 4:
		if e == nil || m.q.Drop(e.ID) != nil {
			return
		}
		m.mayCrash()
		m.commit()
		if !e.State.Ended() {
			m.dropped[e.Value.Int64()] = true // never left: must never be paid
		} else if i := slices.Index(m.wishes, e.Value.Int64()); i >= 0 {
			m.check(e)
			m.wishes[i] = 0
		}
	}
}

// mine makes the next block, and undoes some.
func (m *model) mine() {
	m.now += 12
	switch {
	case m.calm:
	case m.r.IntN(40) == 0:
		m.now += Again
	case m.r.IntN(60) == 0:
		m.now -= min(m.now-1_000_000, 5000)
	}
	if !m.calm && m.r.IntN(8) == 0 && len(m.blocks) > m.final { // undone; the pool forgets some
		keep := m.final + m.r.IntN(len(m.blocks)-m.final)
		for _, b := range m.blocks[keep:] {
			for _, h := range b {
				if s := m.mined[h]; s != nil && m.r.IntN(2) == 0 {
					m.pool[s.Nonce] = append(m.pool[s.Nonce], s)
				}
			}
		}
		m.blocks = m.blocks[:keep]
	}
	var b []common.Hash
	for n := m.nonce(); len(b) < 3; n++ {
		if pool := m.pool[n]; len(pool) > 0 && (m.calm || m.r.IntN(2) == 0) {
			s := pool[m.r.IntN(len(pool))]
			m.mined[s.Hash] = s
			b = append(b, s.Hash)
		} else if m.r.IntN(30) == 0 || m.calm && m.gap(n) { // another device
			b = append(b, common.Hash{1, byte(len(m.blocks)), byte(len(m.blocks) >> 8), byte(len(b))})
		} else {
			break
		}
	}
	m.blocks = append(m.blocks, b)
	if m.calm || m.r.IntN(4) == 0 {
		m.final = max(m.final, len(m.blocks)-4)
	}
}

// gap reports that the queue waits for a nonce that it does not have.
func (m *model) gap(n uint64) bool {
	var have, above bool
	for _, e := range m.q.Entries {
		if len(e.Versions) > 0 && !e.State.Ended() {
			have, above = have || e.Nonce == n, above || e.Nonce > n
		}
	}
	late := func(e *Entry) bool {
		return e.Nonce == n && e.ValidUntil != 0 && m.now > e.ValidUntil && len(e.Versions) > 0
	}
	return above && !have || slices.ContainsFunc(m.q.Entries, late)
}

func (m *model) ended() bool {
	return !slices.ContainsFunc(m.q.Entries, func(e *Entry) bool { return !e.State.Ended() })
}

func (m *model) paid(v int64) (n int) {
	for _, b := range m.blocks {
		for _, h := range b {
			if s := m.mined[h]; s != nil && s.Value.Int64() == v {
				n++
			}
		}
	}
	return n
}

func (m *model) check(e *Entry) {
	want := 0
	if e.State == Final {
		want = 1
	}
	if n := m.paid(e.Value.Int64()); n != want {
		m.t.Fatalf("intent %v is %v (%s), and was paid %d times", e.Value, e.State, e.Why, n)
	}
}

func (m *model) judge(seed uint64) {
	if !m.ended() {
		for _, e := range m.q.Entries {
			if !e.State.Ended() {
				m.t.Logf("nonce %d of %d: %v until %d at %d: %s", e.Nonce, m.nonce(), e.State, e.ValidUntil, m.now, e.Why)
			}
		}
		m.t.Fatalf("seed %d: no end", seed)
	}
	for _, e := range m.q.Entries {
		m.check(e)
	}
	for _, v := range m.wishes {
		switch e, err := m.q.Find([16]byte{byte(v), byte(v >> 8)}); {
		case v == 0:
		case m.dropped[v]:
			if n := m.paid(v); n > 0 {
				m.t.Fatalf("seed %d: intent %d never left, was dropped, and was paid %d times", seed, v, n)
			}
		case err != nil:
			m.t.Fatalf("seed %d: intent %d was lost", seed, v)
		case e.Value.Int64() != v:
			m.t.Fatalf("seed %d: intent %d pays %v", seed, v, e.Value)
		}
	}
}

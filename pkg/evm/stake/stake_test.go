package stake

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const contract = "0x00000000000000000000000000000000000000cc"

// fake is a chain that keeps stakes as Solidity does, and counts what it is asked.
type fake struct {
	wei   map[evm.Address]int64
	asked int
	err   error
	tag   evm.Tag
	short bool
}

func (f *fake) Call(_ context.Context, to evm.Address, data []byte, tag evm.Tag) (evm.Result, error) {
	f.asked, f.tag = f.asked+1, tag
	if f.err != nil {
		return evm.Result{}, f.err
	}
	if to != (evm.Address{19: 0xcc}) || len(data) != 36 || hex.EncodeToString(data[:4]) != "42623360" {
		return evm.Result{}, errors.New("another question")
	}
	out := make([]byte, 32)
	big.NewInt(f.wei[evm.Address(data[16:])]).FillBytes(out)
	if f.short {
		out = nil
	}
	return evm.Result{Return: out, Mark: evm.Mark{Block: 7, Final: true}}, nil
}

func (f *fake) Storage(_ context.Context, _ evm.Address, slot evm.Hash, tag evm.Tag) (out evm.Hash, m evm.Mark, err error) {
	f.asked, f.tag = f.asked+1, tag
	for a, n := range f.wei {
		if slotOf(a, 3) == slot {
			big.NewInt(n).FillBytes(out[:])
		}
	}
	return out, evm.Mark{Block: 7, Final: true}, f.err
}

type lab struct {
	chain *fake
	now   time.Time
	reg   *Registry
	prof  *profile.Profile
}

func newLab() *lab {
	l := &lab{chain: &fake{wei: map[evm.Address]int64{}}, now: time.Unix(1_700_000_000, 0)}
	l.prof = &profile.Profile{Name: "lab", ChainID: 5, Chain: &profile.Chain{Preset: "minimal", SecondsPerSlot: 2, Stake: &profile.Stake{Contract: contract, Unit: "1000", Cap: 4}}}
	l.reg = &Registry{Profile: l.prof, Chain: l.chain, Now: func() time.Time { return l.now }}
	return l
}

func account(t testing.TB, n byte) (*wallet.Key, evm.Address) {
	t.Helper()
	k, err := wallet.FromBytes(bytes.Repeat([]byte{n}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k, evm.Address(k.Address())
}

// Where Solidity puts mapping(address => uint256): keccak256(key ‖ slot), for key 0 at slots 0 and 1.
func TestSlot(t *testing.T) {
	for slot, want := range []string{"0xad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5", "0xa6eef7e35abe7026729641147f7915573c7e97b47efa546f5f6e3230263bcb49"} {
		if got := slotOf(evm.Address{}, uint64(slot)).String(); got != want {
			t.Errorf("slot %d: %s", slot, got)
		}
	}
}

func TestStakeOf(t *testing.T) {
	l := newLab()
	_, a := account(t, 7)
	_, b := account(t, 8)
	l.chain.wei[a], l.chain.wei[b] = 2500, 1_000_000
	for _, slot := range []*uint64{nil, new(uint64)} {
		if l.prof.Chain.Stake.Slot = slot; slot != nil {
			*slot = 3
		}
		l.reg.kept = nil
		s, err := l.reg.StakeOf(t.Context(), a)
		if err != nil || s.Wei.Int64() != 2500 || s.Score != 2.5 || s.Block != 7 || !s.Final || l.chain.tag != "finalized" {
			t.Errorf("got %+v, %v, at %s", s, err, l.chain.tag)
		}
		if s, err = l.reg.StakeOf(t.Context(), b); err != nil || s.Score != 4 {
			t.Errorf("above the cap: %+v, %v", s, err)
		}
		if s, err = l.reg.StakeOf(t.Context(), evm.Address{1}); err != nil || s.Wei.Sign() != 0 || s.Score != 0 {
			t.Errorf("nothing: %+v, %v", s, err)
		}
	}
	n := l.chain.asked
	l.chain.wei[a] = 0
	l.now = l.now.Add(15 * time.Second)
	if s, _ := l.reg.StakeOf(t.Context(), a); s.Score != 2.5 || l.chain.asked != n {
		t.Errorf("asked again within an epoch: %v", s.Score)
	}
	l.now = l.now.Add(time.Second)
	if s, _ := l.reg.StakeOf(t.Context(), a); s.Score != 0 || l.chain.asked != n+1 {
		t.Errorf("not asked again after an epoch: %v", s.Score)
	}
	l.prof.Chain.Stake.Slot, l.chain.short = nil, true
	if _, err := l.reg.StakeOf(t.Context(), evm.Address{2}); !errors.Is(err, wire.ErrInvalid) || !strings.Contains(err.Error(), "registry") {
		t.Errorf("no contract there: %v", err)
	}
	for i := range maxKept + 10 {
		l.reg.kept[evm.Address{1, byte(i), byte(i >> 8)}] = kept{at: l.now}
		if len(l.reg.kept) > maxKept {
			l.reg.forget()
		}
	}
	if l.prof.Chain.Stake = nil; len(l.reg.kept) > maxKept {
		t.Errorf("%d kept", len(l.reg.kept))
	}
	if _, err := l.reg.StakeOf(t.Context(), a); !errors.Is(err, wire.ErrNotFound) || !strings.Contains(err.Error(), "names no stake registry") {
		t.Errorf("no registry: %v", err)
	}
}

func (l *lab) bind(t testing.TB, node, acc byte, life time.Duration) (peer string, raw []byte) {
	t.Helper()
	k, _ := account(t, acc)
	n := sig.FromSeed([32]byte{node})
	b, err := Bind(l.prof, n, k, uint64(l.now.Add(life).Unix()))
	if err != nil {
		t.Fatal(err)
	}
	return PeerID(n.Public()), b.Encode()
}

func TestBinding(t *testing.T) {
	l := newLab()
	_, raw := l.bind(t, 1, 7, time.Hour)
	b, err := DecodeBinding(raw, l.prof, l.now)
	if err != nil || !bytes.Equal(b.Encode(), raw) || len(raw) > Size {
		t.Fatalf("%d bytes: %v", len(raw), err)
	}
	for i := range raw {
		bent := bytes.Clone(raw)
		bent[i] ^= 1
		if _, err := DecodeBinding(bent, l.prof, l.now); !errors.Is(err, wire.ErrInvalid) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
	}
	other := *l.prof
	other.ChainID = 6
	moved := *l.prof
	moved.Chain = &profile.Chain{Stake: &profile.Stake{Contract: strings.Replace(contract, "cc", "cd", 1), Unit: "1", Cap: 1}}
	_, long := l.bind(t, 1, 7, MaxLife+time.Second)
	forged := *b // by another account that names this one
	k, _ := account(t, 9)
	ty, _ := b.typed(l.prof)
	by, _ := k.SignTyped(ty)
	copy(forged.ByAccount[:], by)
	stranger := *b // by another node that names this one
	stranger.ByPeer = sig.FromSeed([32]byte{2}).Sign(wire.LabelPeerStake, ty.Hash[:])
	second := *b // the other s of the same signature
	s := new(big.Int).SetBytes(second.ByAccount[32:64])
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	s.Sub(order, s).FillBytes(second.ByAccount[32:64])
	second.ByAccount[64] ^= 27 ^ 28
	for _, c := range []struct {
		what string
		raw  []byte
		p    *profile.Profile
		at   time.Time
		says string
	}{
		{"too late", raw, l.prof, l.now.Add(time.Hour), "ended"}, {"too long", long, l.prof, l.now, "more than"}, {"another chain", raw, &other, l.now, "signed"},
		{"another contract", raw, &moved, l.now, "signed"}, {"another account", forged.Encode(), l.prof, l.now, "by the account"},
		{"another node", stranger.Encode(), l.prof, l.now, "by the node"}, {"the other form", second.Encode(), l.prof, l.now, "no signature"}, {"large", make([]byte, Size+1), l.prof, l.now, "bytes"},
	} {
		if _, err := DecodeBinding(c.raw, c.p, c.at); !errors.Is(err, wire.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestScores(t *testing.T) {
	l := newLab()
	s := &Scores{Registry: l.reg}
	_, a := account(t, 7)
	l.chain.wei[a] = 3000
	one, raw := l.bind(t, 1, 7, time.Hour)
	if s.Of(one) != 0 {
		t.Error("a stranger is not neutral")
	}
	if err := s.Show(t.Context(), one, raw); err != nil || s.Of(one) != 3 {
		t.Fatalf("%v, %v", s.Of(one), err)
	}
	two, twice := l.bind(t, 2, 7, 2*time.Hour)
	if err := s.Show(t.Context(), one, twice); !errors.Is(err, wire.ErrInvalid) || s.Of(one) != 3 {
		t.Errorf("another's binding: %v, %v", s.Of(one), err)
	}
	if err := s.Show(t.Context(), two, twice); err != nil || s.Of(one) != 1.5 || s.Of(two) != 1.5 {
		t.Errorf("one stake counts twice: %v, %v, %v", s.Of(one), s.Of(two), err)
	}
	l.now = l.now.Add(90 * time.Minute)
	if s.Of(one) != 0 || s.Of(two) != 3 {
		t.Errorf("after its end: %v, %v", s.Of(one), s.Of(two))
	}
	l.chain.err = errors.New("no road")
	if err := s.Refresh(t.Context()); err == nil || s.Of(two) != 3 {
		t.Errorf("while nobody answers: %v, %v", s.Of(two), err)
	}
	l.chain.err, l.chain.wei[a] = nil, 500
	if err := s.Refresh(t.Context()); err != nil || s.Of(two) != 0.5 {
		t.Errorf("withdrawn: %v, %v", s.Of(two), err)
	}
	if len(s.peers) != 1 {
		t.Errorf("%d remembered", len(s.peers))
	}
	for i := range maxPeers {
		s.peers[string(rune(i))] = bound{expiry: l.now.Add(time.Hour)}
	}
	if p, raw := l.bind(t, 3, 8, time.Hour); s.Show(t.Context(), p, raw) != nil || len(s.peers) > maxPeers+1 || s.Of(p) != 0 {
		t.Errorf("%d remembered", len(s.peers))
	}
}

func FuzzDecodeBinding(f *testing.F) {
	l := newLab()
	_, raw := l.bind(f, 1, 7, time.Hour)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := DecodeBinding(b, l.prof, l.now); err == nil && !bytes.Equal(x.Encode(), b) {
			t.Error("another form decodes to the same")
		}
	})
}

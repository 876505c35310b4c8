package light

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func mainnet() *Spec {
	root, _ := hex.DecodeString("4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95")
	return &Spec{Preset: Mainnet(), SecondsPerSlot: 12, GenesisTime: 1606824023, GenesisRoot: Root(root), Forks: []ForkRow{
		{Phase0, 0, [4]byte{0}}, {Altair, 74240, [4]byte{1}}, {Bellatrix, 144896, [4]byte{2}}, {Capella, 194048, [4]byte{3}},
		{Deneb, 269568, [4]byte{4}}, {Electra, 364032, [4]byte{5}}, {Fulu, 411392, [4]byte{6}}}}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/mainnet/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func updates(t testing.TB, s *Spec, name string) (out []*Update, raw [][]byte) {
	t.Helper()
	raw, err := s.SplitSSZ(read(t, name), 16)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range raw {
		u, err := s.DecodeUpdate(b)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(u.Encode(s, KindUpdate), b) {
			t.Fatal("encodes to other bytes")
		}
		out = append(out, u)
	}
	return out, raw
}

func boot(t testing.TB, s *Spec, name string) *Store {
	t.Helper()
	raw := read(t, name)
	b, err := s.DecodeBootstrap(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Encode(s), raw) {
		t.Fatal("encodes to other bytes")
	}
	st, err := NewStore(s, b.Header.Beacon.Root(), b)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Fourteen periods of mainnet in a row, from the committee that the update of period 1392 names to that of a bootstrap.
func TestMainnetPeriods(t *testing.T) {
	s := mainnet()
	first, _ := updates(t, s, "deneb_updates_1392.ssz")
	st := NewStoreAt(s, first[0].Finalized, first[0].Next)
	st.Finalized.Beacon.Slot = 1393 * 8192 // the store stands at the start of the period whose committee it holds
	row, _ := updates(t, s, "deneb_updates_1393.ssz")
	for i, u := range row {
		if err := st.Process(u, u.SigSlot); err != nil {
			t.Fatalf("period %d: %v", 1393+i, err)
		}
	}
	end := boot(t, s, "deneb_bootstrap.ssz")
	if st.Next.Root() != end.Current.Root() {
		t.Error("the last committee is not that of the bootstrap")
	}
	if s.Period(st.Finalized.Beacon.Slot) != 1406 {
		t.Errorf("finalized at %d", st.Finalized.Beacon.Slot)
	}
}

func TestElectra(t *testing.T) {
	s := mainnet()
	st := boot(t, s, "electra_bootstrap.ssz")
	u, _ := updates(t, s, "electra_updates_1422.ssz")
	if err := st.Process(u[0], u[0].SigSlot); err != nil {
		t.Fatal(err)
	}
	if st.Next == nil || st.Finalized.Beacon.Slot != u[0].Finalized.Beacon.Slot {
		t.Errorf("at %d", st.Finalized.Beacon.Slot)
	}
	old, _ := updates(t, s, "electra_updates_1402.ssz")
	if err := st.Process(old[0], u[0].SigSlot); err == nil {
		t.Error("an update of long ago was taken")
	}
	st = boot(t, s, "boundary_bootstrap.ssz")
	u, _ = updates(t, s, "boundary_updates_1421.ssz")
	if err := st.Process(u[0], u[0].SigSlot); err != nil {
		t.Error(err)
	}
}

// A chain whose next fork is not known here ends at that fork.
func TestUnknownFork(t *testing.T) {
	s := mainnet()
	s.Forks = append(s.Forks[:5:5], ForkRow{NoFork, 364032, [4]byte{9}})
	if _, err := s.DecodeBootstrap(read(t, "electra_bootstrap.ssz")); !errors.Is(err, ErrFork) {
		t.Errorf("got %v", err)
	}
}

// One bit of every byte of a real update is flipped in turn; none is taken, and none changes the store.
func TestFlips(t *testing.T) {
	s := mainnet()
	st := boot(t, s, "electra_bootstrap.ssz")
	u, raw := updates(t, s, "electra_updates_1422.ssz")
	before, now := st.Export(), u[0].SigSlot
	step := 1
	if testing.Short() {
		step = 37
	}
	for i := 0; i < len(raw[0]); i += step {
		if i > 300 && i < 24500 && i%64 != 0 {
			continue // in the middle of the committee one in 64 will do
		}
		b := slices.Clone(raw[0])
		b[i] ^= 1 << (i % 8)
		u, err := s.DecodeUpdate(b)
		if err != nil {
			continue
		}
		if err := st.Process(u, now); err == nil {
			t.Fatalf("byte %d flipped and taken", i)
		}
	}
	if !bytes.Equal(before, st.Export()) {
		t.Error("a refused update changed the store")
	}
}

func TestRefused(t *testing.T) {
	s := mainnet()
	_, raw := updates(t, s, "electra_updates_1422.ssz")
	for name, c := range map[string]struct {
		bend func(*Update)
		want error
	}{
		"no signer":          {func(u *Update) { clear(u.Bits) }, ErrSigners},
		"one signer less":    {func(u *Update) { u.Bits[0] &^= 1 }, ErrSignature},
		"signature":          {func(u *Update) { u.Signature[7] ^= 1 }, ErrSignature},
		"signed before":      {func(u *Update) { u.SigSlot = u.Attested.Beacon.Slot }, ErrSlots},
		"finalized after":    {func(u *Update) { u.Finalized.Beacon.Slot = u.Attested.Beacon.Slot + 1 }, ErrSlots},
		"far ahead":          {func(u *Update) { u.SigSlot += 99_999_999 }, ErrFuture},
		"other period":       {func(u *Update) { u.SigSlot += 8192 }, ErrPeriod},
		"finality branch":    {func(u *Update) { u.FinalityBranch[0][0] ^= 1 }, ErrBranch},
		"next branch":        {func(u *Update) { u.NextBranch[0][0] ^= 1 }, ErrBranch},
		"committee key":      {func(u *Update) { u.Next.Keys[5][1] ^= 1 }, ErrBranch},
		"block hash":         {func(u *Update) { u.Attested.Exec.Hash[0] ^= 1 }, ErrBranch},
		"final block hash":   {func(u *Update) { u.Finalized.Exec.Hash[0] ^= 1 }, ErrBranch},
		"state root":         {func(u *Update) { u.Attested.Exec.StateRoot[0] ^= 1 }, ErrBranch},
		"payload branch":     {func(u *Update) { u.Attested.Branch[0][0] ^= 1 }, ErrBranch},
		"beacon state":       {func(u *Update) { u.Attested.Beacon.StateRoot[0] ^= 1 }, ErrBranch},
		"branch taken away":  {func(u *Update) { clear(u.FinalityBranch) }, ErrBranch},
		"next taken away":    {func(u *Update) { clear(u.NextBranch) }, ErrBranch},
		"header of slot 0":   {func(u *Update) { u.Finalized.Beacon.Slot = 0 }, ErrBranch},
		"proposer of parent": {func(u *Update) { u.Attested.Beacon.Proposer++ }, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			st := boot(t, s, "electra_bootstrap.ssz")
			u, err := s.DecodeUpdate(raw[0])
			if err != nil {
				t.Fatal(err)
			}
			now := u.SigSlot + 8192
			c.bend(u)
			if err := st.Process(u, now); !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
			if c.want != ErrFuture && !errors.Is(c.want, wire.ErrInvalid) {
				t.Error("does not count against the sender")
			}
		})
	}
}

func TestBootstrapRefused(t *testing.T) {
	s := mainnet()
	for name, bend := range map[string]func(*Bootstrap){
		"key":         func(b *Bootstrap) { b.Current.Keys[0][0] ^= 1 },
		"aggregate":   func(b *Bootstrap) { b.Current.Aggregate[0] ^= 1 },
		"branch":      func(b *Bootstrap) { b.Branch[2][0] ^= 1 },
		"block":       func(b *Bootstrap) { b.Header.Beacon.Parent[0] ^= 1 },
		"exec branch": func(b *Bootstrap) { b.Header.Branch[0][0] ^= 1 },
		"exec":        func(b *Bootstrap) { b.Header.Exec.Number++ },
	} {
		b, err := s.DecodeBootstrap(read(t, "electra_bootstrap.ssz"))
		if err != nil {
			t.Fatal(err)
		}
		root := b.Header.Beacon.Root()
		bend(b)
		if _, err := NewStore(s, root, b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A fork's version counts from the slot before the signature's on.
func TestVersionAtBoundary(t *testing.T) {
	s := mainnet()
	at := uint64(364032 * 32)
	u := s.emptyUpdate(Deneb.shape())
	u.SigSlot = at
	deneb := s.SigningRoot(u)
	if u.SigSlot = at + 1; s.SigningRoot(u) == deneb {
		t.Error("signed in the second slot of Electra under the version of Deneb")
	}
	if u.SigSlot = at - 1; s.SigningRoot(u) != deneb {
		t.Error("signed in the first slot of Electra under its version")
	}
}

func TestStoreKept(t *testing.T) {
	s := mainnet()
	st := boot(t, s, "electra_bootstrap.ssz")
	for range 2 { // without and with a next committee
		b := st.Export()
		if len(b) > MaxKept {
			t.Errorf("%d bytes", len(b))
		}
		back, err := DecodeStore(s, b)
		if err != nil || !bytes.Equal(back.Export(), b) || (back.Next == nil) != (st.Next == nil) {
			t.Fatalf("got %+v, %v", back, err)
		}
		other := mainnet()
		other.GenesisTime++
		if _, err := DecodeStore(other, b); !errors.Is(err, ErrRoot) {
			t.Errorf("another chain: %v", err)
		}
		for i := 0; i < len(b); i += 101 {
			bent := slices.Clone(b)
			bent[i] ^= 4
			if _, err := DecodeStore(s, bent); err == nil {
				t.Errorf("byte %d flipped and taken", i)
			}
		}
		u, _ := updates(t, s, "electra_updates_1422.ssz")
		if err := back.Process(u[0], u[0].SigSlot); err != nil {
			t.Fatal(err)
		}
		st = back
	}
}

func TestSmallerUpdates(t *testing.T) {
	s := mainnet()
	u, raw := updates(t, s, "electra_updates_1422.ssz")
	f, err := s.DecodeFinality(u[0].Encode(s, KindFinality))
	if err != nil || f.Finalized.Beacon != u[0].Finalized.Beacon {
		t.Fatalf("got %v", err)
	}
	o, err := s.DecodeOptimistic(u[0].Encode(s, KindOptimistic))
	if err != nil || o.HasFinality() {
		t.Fatalf("got %v", err)
	}
	st := boot(t, s, "electra_bootstrap.ssz")
	for _, u := range []*Update{o, f} {
		if err := st.Process(u, u.SigSlot); err != nil {
			t.Fatal(err)
		}
	}
	if st.Finalized.Beacon.Slot != f.Finalized.Beacon.Slot || st.Next != nil {
		t.Error("finality was not taken")
	}
	for _, n := range []int{0, 1, len(raw[0]) - 600} {
		if _, err := s.DecodeUpdate(raw[0][:n]); !errors.Is(err, ErrSize) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := s.DecodeUpdate(append(slices.Clone(raw[0]), make([]byte, 64)...)); err == nil {
		t.Error("surplus bytes taken")
	}
}

// The JSON form of a container converts to the same bytes.
func TestJSON(t *testing.T) {
	s := mainnet()
	u, raw := updates(t, s, "electra_updates_1422.ssz")
	j := jsonOf(u[0])
	for _, wrap := range []string{"%s", `{"version":"deneb","data":%s}`} {
		got, err := s.ConvertJSON(KindUpdate, []byte(fmt.Sprintf(wrap, j)))
		if err != nil || !bytes.Equal(got, raw[0]) {
			t.Errorf("%s: %v", wrap, err)
		}
	}
	list, err := SplitJSON([]byte(fmt.Sprintf(`[{"data":%s},%s]`, j, j)), 2)
	if err != nil || len(list) != 2 {
		t.Errorf("got %d, %v", len(list), err)
	}
	if _, err := SplitJSON([]byte(`[1,2,3]`), 2); !errors.Is(err, ErrSize) {
		t.Errorf("got %v", err)
	}
	short := *u[0]
	short.FinalityBranch = short.FinalityBranch[1:]
	if _, err := s.ConvertJSON(KindUpdate, []byte(jsonOf(&short))); !errors.Is(err, ErrSize) || !strings.Contains(err.Error(), "branch of 6 nodes, not 7") {
		t.Errorf("a node short: %v", err)
	}
	for _, bad := range []string{"", "{}", "[]", "null", `{"data":{}}`, "<html>blocked</html>", string(bytes.Replace([]byte(j), []byte("0x"), []byte("0xa"), 1))} {
		if _, err := s.ConvertJSON(KindUpdate, []byte(bad)); !errors.Is(err, ErrSize) {
			t.Errorf("%.30s: got %v", bad, err)
		}
	}
}

func jsonOf(u *Update) string {
	h := func(b []byte) string { return "0x" + hex.EncodeToString(b) }
	list := func(b []Root) (out []string) {
		for _, r := range b {
			out = append(out, h(r[:]))
		}
		return out
	}
	header := func(x *Header) any {
		e := x.Exec
		fee := slices.Clone(e.BaseFee[:])
		slices.Reverse(fee)
		n := func(v uint64) string { return fmt.Sprint(v) }
		return map[string]any{"execution_branch": list(x.Branch),
			"beacon": map[string]string{"slot": n(x.Beacon.Slot), "proposer_index": n(x.Beacon.Proposer), "parent_root": h(x.Beacon.Parent[:]),
				"state_root": h(x.Beacon.StateRoot[:]), "body_root": h(x.Beacon.Body[:])},
			"execution": map[string]string{"parent_hash": h(e.Parent[:]), "fee_recipient": h(e.Recipient[:]), "state_root": h(e.StateRoot[:]),
				"receipts_root": h(e.Receipts[:]), "logs_bloom": h(e.Bloom[:]), "prev_randao": h(e.Randao[:]), "block_number": n(e.Number),
				"gas_limit": n(e.GasLimit), "gas_used": n(e.GasUsed), "timestamp": n(e.Time), "extra_data": h(e.Extra), "block_hash": h(e.Hash[:]),
				"base_fee_per_gas": new(big.Int).SetBytes(fee).String(), "transactions_root": h(e.Txs[:]), "withdrawals_root": h(e.Withdrawals[:]),
				"blob_gas_used": n(e.BlobGas), "excess_blob_gas": n(e.ExcessBlob)}}
	}
	var keys []string
	for _, k := range u.Next.Keys {
		keys = append(keys, h(k[:]))
	}
	b, _ := json.Marshal(map[string]any{"attested_header": header(&u.Attested), "finalized_header": header(&u.Finalized),
		"next_sync_committee":        map[string]any{"pubkeys": keys, "aggregate_pubkey": h(u.Next.Aggregate[:])},
		"next_sync_committee_branch": list(u.NextBranch), "finality_branch": list(u.FinalityBranch), "signature_slot": fmt.Sprint(u.SigSlot),
		"sync_aggregate": map[string]string{"sync_committee_bits": h(u.Bits), "sync_committee_signature": h(u.Signature[:])}})
	return string(b)
}

package dht

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const now = 1_800_000_000

// stream is randomness from a seed.
func stream(seed uint64) io.Reader {
	var s [32]byte
	binary.BigEndian.PutUint64(s[:], seed)
	return rand.NewChaCha8(s)
}

func fill(seed uint64) (b [32]byte) {
	io.ReadFull(stream(seed), b[:])
	return b
}

func group() Group { return Group{NetID: fill(1), Secret: fill(2)} }

func place() Place {
	return Place{Peer: PeerOf(sig.FromSeed(fill(4)).Public()), Addrs: [][]byte{[]byte("\x04\x0a\x00\x00\x01\x06\x0f\xa1")},
		Roads: map[uint8][]byte{7: []byte("cert"), 2: nil}, State: 2, Heads: [8]byte{1, 2}, Relays: []PeerID{"relay"}, Roles: 5}
}

func seal(t testing.TB, g Group, seed [32]byte, d Draft, rnd io.Reader) (Key, []byte) {
	t.Helper()
	k, b, err := g.Seal(seed, d, rnd)
	if err != nil {
		t.Fatal(err)
	}
	return k, b
}

func draft(g Group, at int64) Draft {
	return Draft{Kind: Presence, Epoch: g.Epoch(at), Seq: uint64(at), NotAfter: uint64(at + 12*3600), Place: place()}
}

// The record is frozen: whoever reads one of another release finds the same key and the same place.
func TestRecordFrozen(t *testing.T) {
	g := group()
	k, b := seal(t, g, fill(3), draft(g, now), stream(9))
	want, err := os.ReadFile("testdata/record.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s\n%x\n", k, b); got != string(want) {
		t.Errorf("the frozen record is now\n%s", got)
	}
	v := Validator{g.NetID}
	if err := v.Validate(k.Bytes(), b, now); err != nil {
		t.Fatal(err)
	}
	found, err := g.Key(sig.FromSeed(fill(3)).Public(), Presence, g.Epoch(now))
	if err != nil || found != k {
		t.Errorf("members look at %s, %v", found, err)
	}
	_, p, err := g.Open(sig.FromSeed(fill(3)).Public(), b)
	want2 := place()
	want2.Roads[2] = []byte{}
	if err != nil || !reflect.DeepEqual(p, want2) {
		t.Errorf("opened %+v %v", p, err)
	}
}

// Every one-bit flip of a record is refused under its key, and every one of the key.
func TestRecordFlips(t *testing.T) {
	g := group()
	k, b := seal(t, g, fill(3), draft(g, now), stream(9))
	v := Validator{g.NetID}
	for i := range 8 * len(b) {
		b[i/8] ^= 1 << (i % 8)
		if v.Validate(k.Bytes(), b, now) == nil {
			t.Errorf("accepted with bit %d flipped", i)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	key := k.Bytes()
	for i := range 8 * len(key) {
		key[i/8] ^= 1 << (i % 8)
		if v.Validate(key, b, now) == nil {
			t.Errorf("accepted under a key with bit %d flipped", i)
		}
		key[i/8] ^= 1 << (i % 8)
	}
	if (Validator{fill(8)}).Validate(key, b, now) == nil {
		t.Error("accepted in another network")
	}
}

func mutate(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(4) {
		if len(b) < RecordSize {
			return b
		}
		switch i := r.IntN(len(b)); r.IntN(8) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b[r.IntN(offSealed)] = byte(r.Uint32())
		case 2:
			b[r.IntN(4)]++
		case 3:
			binary.BigEndian.PutUint64(b[offSeq:], r.Uint64())
		case 4:
			binary.BigEndian.PutUint32(b[offEpoch:], r.Uint32())
		case 5:
			b = append(b[:i], byte(i))
		case 6:
			b = append(b, 0)
		case 7:
			copy(b[i:], b[:r.IntN(len(b))])
		}
	}
	return b
}

func TestRecordMutated(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5000
	}
	mutated(t, 1, n)
}

func mutated(t *testing.T, seed uint64, n int) {
	g := group()
	k, b := seal(t, g, fill(3), draft(g, now), stream(9))
	v, r := Validator{g.NetID}, rand.New(rand.NewPCG(seed, 0))
	for i := range n {
		if m := mutate(r, b); v.Validate(k.Bytes(), m, now) == nil && !bytes.Equal(m, b) {
			t.Fatalf("seed=%d: input %d accepted: %x", seed, i, m)
		}
	}
}

// What the order of checks says: the cheap ones first, each with its reason.
func TestValidateReasons(t *testing.T) {
	g := group()
	k, b := seal(t, g, fill(3), draft(g, now), stream(9))
	old := draft(g, now)
	old.Epoch -= 3
	_, late := seal(t, g, fill(3), old, stream(9))
	long := draft(g, now)
	long.NotAfter = now + maxLife + 1
	_, tooLong := seal(t, g, fill(3), long, stream(9))
	other, _ := seal(t, g, fill(5), draft(g, now), stream(9))
	badSig := bytes.Clone(b)
	badSig[1023] ^= 1
	for _, c := range []struct {
		name string
		key  []byte
		b    []byte
		at   int64
		want error
	}{
		{"short", k.Bytes(), b[:1023], now, wire.ErrInvalid},
		{"100 KiB", k.Bytes(), make([]byte, 100<<10), now, wire.ErrInvalid},
		{"key", k.Bytes()[:37], b, now, wire.ErrInvalid},
		{"ipns", append([]byte("/ipns/"), k[:]...), b, now, wire.ErrInvalid},
		{"of another", other.Bytes(), b, now, sig.ErrVerify},
		{"signature", k.Bytes(), badSig, now, sig.ErrVerify},
		{"over", k.Bytes(), b, now + 12*3600, ErrExpired},
		{"four days old", k.Bytes(), b, now + 4*day, ErrExpired},
		{"four days ahead", k.Bytes(), b, now - 4*day, ErrExpired},
	} {
		if err := (Validator{g.NetID}).Validate(c.key, c.b, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v want %v", c.name, err, c.want)
		}
	}
	for _, b := range [][]byte{late, tooLong} {
		r, err := DecodeRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		key := KeyFor(g.NetID, r.Kind, r.Public)
		if err := (Validator{g.NetID}).Validate(key.Bytes(), b, now); !errors.Is(err, ErrExpired) {
			t.Errorf("epoch %d until %d: %v", r.Epoch, r.NotAfter, err)
		}
	}
}

// Clocks that are wrong by up to a day find each other, those wrong by three do not. A phone's record lives 26 hours.
func TestClockSkew(t *testing.T) {
	g := group()
	for _, skew := range []int64{-day, -day / 2, 0, day / 2, day, -3 * day, 3 * day} {
		d := draft(g, now+skew)
		d.NotAfter = uint64(now + skew + 26*3600)
		if skew > 0 {
			d.NotAfter = uint64(now + skew + 12*3600)
		}
		k, b := seal(t, g, fill(3), d, stream(9))
		err := (Validator{g.NetID}).Validate(k.Bytes(), b, now)
		if found := skew >= -day && skew <= day; (err == nil) != found {
			t.Errorf("writer's clock wrong by %d h: %v", skew/3600, err)
		}
	}
}

func TestSelect(t *testing.T) {
	g := group()
	d := draft(g, now)
	k, first := seal(t, g, fill(3), d, stream(9))
	d.Seq++
	_, second := seal(t, g, fill(3), d, stream(10))
	_, twin := seal(t, g, fill(3), d, stream(11))
	forged := bytes.Clone(second)
	binary.BigEndian.PutUint64(forged[offSeq:], 1<<60)
	v := Validator{g.NetID}
	least := second
	if bytes.Compare(twin, second) < 0 {
		least = twin
	}
	for _, list := range [][][]byte{{first, second, twin, forged}, {forged, twin, second, first}, {nil, twin, first, second}} {
		i, err := v.Select(k.Bytes(), list, now)
		if err != nil || !bytes.Equal(list[i], least) {
			t.Errorf("chose %d, %v", i, err)
		}
	}
	if _, err := v.Select(k.Bytes(), [][]byte{forged, nil}, now); !errors.Is(err, ErrNone) {
		t.Errorf("nothing valid: %v", err)
	}
	if !Equivocates(second, twin) || Equivocates(first, second) || Equivocates(first, first) {
		t.Error("equivocation")
	}
}

// A storer, and a watcher who knows the session's id and even its rendezvous keys but not the secret, see records of
// two days: nothing of the one is in the other, and no measure of likeness tells a writer's own pair from a stranger's.
func TestDaysCannotBeLinked(t *testing.T) {
	pairs := 10_000
	if testing.Short() {
		pairs = 500
	}
	g, r := group(), rand.New(rand.NewPCG(1, 2))
	var own, strange, before float64
	var last []byte
	for i := range pairs {
		seed := fill(uint64(1000 + i))
		d := draft(g, now+int64(r.IntN(day)))
		_, one := seal(t, g, seed, d, stream(r.Uint64()))
		next := draft(g, now+day+int64(r.IntN(day)))
		next.Epoch = d.Epoch + 1
		_, two := seal(t, g, seed, next, stream(r.Uint64()))
		if at := repeated(one, two); at >= 0 {
			t.Fatalf("pair %d: eight bytes at %d of one day stand in the next", i, at)
		}
		own += unlike(one, two)
		if last != nil {
			strange += unlike(last, two)
			before++
		}
		last = one
	}
	own, strange = own/float64(pairs), strange/before
	// 912 + 64 random bytes: 3,904 differing bits, deviation 44; of the mean of n pairs 44/√n. Six deviations of the difference.
	if limit := 6 * 44 * 1.5; (own-strange)*(own-strange)*float64(pairs) > limit*limit {
		t.Errorf("own pairs differ in %.2f bits, strange ones in %.2f", own, strange)
	}
}

// repeated returns where eight bytes of a stand anywhere in b, or -1.
func repeated(a, b []byte) int {
	seen := make(map[uint64]struct{}, len(a))
	for i := 0; i+8 <= len(a); i++ {
		seen[binary.BigEndian.Uint64(a[i:])] = struct{}{}
	}
	for i := 0; i+8 <= len(b); i++ {
		if _, ok := seen[binary.BigEndian.Uint64(b[i:])]; ok {
			return i
		}
	}
	return -1
}

func unlike(a, b []byte) float64 {
	n := 0
	for i := range a {
		if i < offEpoch || i >= offNonce {
			n += bits.OnesCount8(a[i] ^ b[i])
		}
	}
	return float64(n)
}

// Without the secret nobody finds, reads or replaces a record; a member finds and reads it, and cannot replace it;
// one who was removed, so that the secret is another, finds nothing.
func TestRecordIsItsOwners(t *testing.T) {
	g, a := group(), sig.FromSeed(fill(3)).Public()
	d := draft(g, now)
	k, b := seal(t, g, fill(3), d, stream(9))
	if bytes.Contains(b, place().Addrs[0]) || bytes.Contains(b, []byte(place().Peer)) || bytes.Contains(b, a[:]) {
		t.Error("the record shows an address, a peer or the key of its owner")
	}
	watcher := Group{NetID: g.NetID, Secret: fill(77)} // the secret after a removal is as good as any other
	if found, err := watcher.Key(a, Presence, d.Epoch); err != nil || found == k {
		t.Errorf("found without the secret: %v", err)
	}
	if _, _, err := watcher.Open(a, b); !errors.Is(err, sig.ErrVerify) {
		t.Errorf("opened without the secret: %v", err)
	}
	if _, _, err := g.Open(sig.FromSeed(fill(4)).Public(), b); !errors.Is(err, sig.ErrVerify) {
		t.Errorf("opened as another's: %v", err)
	}
	// A member signs the owner's day key with a pair of its own, and with the blinded one of its own.
	d.Seq += 1000
	_, mine := seal(t, g, fill(4), d, stream(10))
	forged := bytes.Clone(mine)
	copy(forged[offPublic:offEpoch], b[offPublic:offEpoch])
	for _, f := range [][]byte{mine, forged} {
		if err := (Validator{g.NetID}).Validate(k.Bytes(), f, now); !errors.Is(err, sig.ErrVerify) {
			t.Errorf("overwritten by a member: %v", err)
		}
	}
}

// The kinds of one device share no key, so that a storer of several cannot join them.
func TestKindsShareNothing(t *testing.T) {
	g := group()
	seen := map[sig.Public]bool{}
	for kind := Presence; kind <= Mailbox; kind++ {
		p, err := g.Public(sig.FromSeed(fill(3)).Public(), kind, 7)
		if err != nil || seen[p] {
			t.Errorf("kind %d: %x %v", kind, p, err)
		}
		seen[p] = true
	}
}

func FuzzDecodeRecord(f *testing.F) {
	g := group()
	k, b := seal(f, g, fill(3), draft(g, now), stream(9))
	f.Add(b)
	f.Add(b[:100])
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := DecodeRecord(in)
		if err == nil && !bytes.Equal(r.Bytes(), in) {
			t.Error("decoded to other bytes")
		}
		if (Validator{g.NetID}).Validate(k.Bytes(), in, now) == nil && !bytes.Equal(in[:offSig], b[:offSig]) {
			t.Errorf("forged: %x", in)
		}
	})
}

func FuzzDecodePlace(f *testing.F) {
	p := place()
	b, err := p.plain()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := DecodePlace(in)
		if err != nil {
			return
		}
		if out, err := p.plain(); err != nil || !bytes.Equal(out, in) {
			t.Errorf("%v\n in %x\nout %x", err, in, out)
		}
	})
}

func FuzzDecodeKey(f *testing.F) {
	f.Add(Key(fill(1)).Bytes())
	f.Add([]byte("/pars/short"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if k, err := DecodeKey(in); err == nil && !bytes.Equal(k.Bytes(), in) {
			t.Errorf("%x", in)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	g := group()
	k, r := seal(b, g, fill(3), draft(g, now), stream(9))
	key, v := k.Bytes(), Validator{g.NetID}
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Validate(key, r, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	g, rnd := group(), stream(1)
	d := draft(g, now)
	for b.Loop() {
		if _, _, err := g.Seal(fill(3), d, rnd); err != nil {
			b.Fatal(err)
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

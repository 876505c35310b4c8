package bundle

import (
	"bytes"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/sig"
)

// chi returns the chi-square of the bytes of b against uniform ones, in standard deviations.
func chi(b []byte) float64 {
	var count [256]float64
	for _, c := range b {
		count[c]++
	}
	want, x := float64(len(b))/256, 0.0
	for _, n := range count {
		x += (n - want) * (n - want) / want
	}
	return (x - 255) / math.Sqrt(2*255)
}

// TestUniform looks at every part of hidden files: prefix, bodies, macs, heads.
func TestUniform(t *testing.T) {
	zeros := []Record{{Kind: KindList, Payload: bytes.Repeat([]byte{0}, 60000)}}
	var all, first, heads []byte
	worst := 0
	for i := range uint64(40) {
		o := sealed(keyOf(i))
		o.Bucket, o.Created = true, uint32(490000+i)
		b, _ := pack(t, o, zeros)
		if len(b) != 65536 {
			t.Fatalf("%d bytes are no size of a bucket", len(b))
		}
		if x := math.Abs(chi(b)); x > 4 {
			worst++
		}
		if n := twice(b); n > 0 {
			t.Fatalf("%d strings of 8 bytes stand twice in a file", n)
		}
		all, first = append(all, b...), append(first, b[:SectorSize]...)
		for at := SectorSize; at < len(b); at += SectorSize {
			heads = append(heads, b[at+sectorBody:at+SectorSize]...)
		}
	}
	for name, b := range map[string][]byte{"all": all, "prefix": first, "heads": heads[:min(len(heads), 64*500)]} {
		if x := chi(b); math.Abs(x) > 4.5 {
			t.Errorf("%s: chi-square is %.1f deviations from uniform", name, x)
		}
	}
	if worst > 1 {
		t.Errorf("%d of 40 files are told from random bytes", worst)
	}
}

// twice counts 8-byte strings that stand at more than one aligned place.
func twice(b []byte) (n int) {
	seen := map[[8]byte]bool{}
	for i := 0; i+8 <= len(b); i += 8 {
		if s := [8]byte(b[i : i+8]); seen[s] {
			n++
		} else {
			seen[s] = true
		}
	}
	return n
}

// TestParityHidden computes parity again from what stands in a file, as somebody would who knows the format and no key.
func TestParityHidden(t *testing.T) {
	b, p := pack(t, sealed(keyOf(1)), sample(3, 60000))
	l, err := layoutOf(p.Content+sectorBody, 1, 800, false)
	if err != nil {
		t.Fatal(err)
	}
	s := l.window(0, true, [2]endSum{})
	stored := bodies(b[SectorSize:], s.data+s.parity)
	again := append(slices.Clone(stored[:s.data]), make([][]byte, s.parity)...)
	for i := range s.parity {
		again[s.data+i] = make([]byte, sectorBody)
	}
	if err := new(code).encode(s, again); err != nil {
		t.Fatal(err)
	}
	for i := s.data; i < len(stored); i++ {
		if bytes.Equal(stored[i], again[i]) {
			t.Errorf("sector %d is the parity of the others: it tells what the file is", i)
		}
	}
}

// shared counts 8-byte strings that stand at equal offsets, or anywhere at aligned places, in both.
func shared(a, b []byte) (n int) {
	seen := map[[8]byte]bool{}
	for i := 0; i+8 <= len(a); i += 8 {
		seen[[8]byte(a[i:i+8])] = true
	}
	for i := 0; i+8 <= len(b); i++ {
		if seen[[8]byte(b[i:i+8])] {
			n++
		}
	}
	return n
}

// TestUnlinkable packs nearly the same for the same session: no bytes are shared.
func TestUnlinkable(t *testing.T) {
	g := keyOf(1)
	list := sample(1, 100000)
	for _, form := range []string{FormSealed, FormCompact} {
		if form == FormCompact {
			list = sample(1, 9000)
		}
		var files [][]byte
		for i := range 3 {
			o := sealed(g)
			o.Form, o.Created = form, uint32(490000+i/2)
			more := list
			if i == 1 {
				more = append([]Record{{Kind: KindVertices, Payload: seeded(7, 300)}}, list...)
			}
			b, _ := pack(t, o, more)
			files = append(files, b)
		}
		for i := range files {
			for j := range i {
				if n := shared(files[i], files[j]); n > 0 {
					t.Errorf("%s: files %d and %d share %d strings of 8 bytes", form, j, i, n)
				}
			}
		}
	}
}

// TestNothingPlain searches files for what went into them.
func TestNothingPlain(t *testing.T) {
	g := keyOf(1)
	secret := []byte("a text that nobody may find, by Bahar, in session 0123456789abcdef")
	id := keyOf(8)
	for _, form := range []string{FormSealed, FormCompact} {
		o := sealed(g)
		o.Form = form
		b, p := pack(t, o, []Record{{Kind: KindVertices, Payload: append(id[:], secret...)}, {Kind: KindCard, Payload: secret}})
		for name, needle := range map[string][]byte{"text": secret[:12], "session": id[:8], "group key": g[:8], "exporter": p.Head.Exporter[:8],
			"nonce": p.Head.Nonce[:8], "body id": p.Body[:8], "file key": p.Key[:8], "bundle secret": o.Secret[:8]} {
			if bytes.Contains(b, needle) {
				t.Errorf("%s: %s stands in the file", form, name)
			}
		}
	}
}

// TestSlotsHidden: files for few and for many have one size.
func TestSlotsHidden(t *testing.T) {
	list := sample(1, 20000)
	for _, n := range []int{1, 8, 60} {
		o := sealed(keyOf(1))
		o.Bucket = true
		for i := range n - 1 {
			o.To.Groups = append(o.To.Groups, keyOf(uint64(100+i)))
		}
		b, _ := pack(t, o, list)
		if len(b) != 65536 {
			t.Errorf("%d recipients: %d bytes", n, len(b))
		}
		for _, k := range []Key{o.To.Groups[0], o.To.Groups[n-1]} {
			if got := read(t, open(t, b, Keys{Groups: []Key{k}})); !sameRecords(got, list) {
				t.Errorf("%d recipients: one cannot read", n)
			}
		}
	}
	o := sealed(keyOf(1))
	for i := range 1100 {
		o.To.Groups = append(o.To.Groups, keyOf(uint64(i+5)))
	}
	if _, err := Pack(&bytes.Buffer{}, Records(list...), o); err == nil {
		t.Error("1,101 recipients fit a prefix")
	}
}

func TestPassphrase(t *testing.T) {
	for _, form := range []string{FormSealed, FormCompact} {
		o := sealed(Key{})
		o.Form, o.To = form, Recipients{Passphrases: [][]byte{[]byte("open sesame")}}
		list := sample(1, 9000)
		b, _ := pack(t, o, list)
		if _, err := Open(bytes.NewReader(b), int64(len(b)), Keys{Passphrases: [][]byte{[]byte("open barley")}}); err == nil {
			t.Error("another pass-phrase opens it")
		}
		if got := read(t, open(t, b, Keys{Passphrases: [][]byte{[]byte("open sesame")}})); !sameRecords(got, list) {
			t.Error("the pass-phrase does not open it")
		}
	}
}

// device makes a card of one device, and the private halves.
func device(t *testing.T, seed uint64) (CardSlot, CardKey) {
	t.Helper()
	id := identity.DeviceID(seeded(seed, 16))
	p, s, err := identity.NewPrekeys(1, 1_700_000_000, id, sig.FromSeed(keyOf(seed)), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	card := seeded(seed+1, 2000)
	return CardSlot{card, id, p.Agree, p.Encapsulate[:]}, CardKey{card, id, s.Agree, s.Decapsulate}
}

// TestCards seals to strangers of whom only cards are known, and to a group beside.
func TestCards(t *testing.T) {
	o := sealed(keyOf(1))
	var keys []CardKey
	for i := range uint64(7) {
		slot, key := device(t, 100+i)
		o.To.Cards, keys = append(o.To.Cards, slot), append(keys, key)
	}
	list := sample(1, 60000)
	b, p := pack(t, o, list)
	again, q := pack(t, o, list)
	if bytes.Equal(b, again) || p.Body != q.Body {
		t.Error("two files for one card are equal, or their bodies are not")
	}
	for _, k := range []Keys{{Cards: keys[:1]}, {Cards: keys[6:]}, {Groups: []Key{keyOf(1)}}} {
		if got := read(t, open(t, b, k)); !sameRecords(got, list) {
			t.Errorf("a recipient cannot read: %d of %d", len(got), len(list))
		}
	}
	_, other := device(t, 500)
	other.Card = keys[0].Card // somebody who has the card, and not its private half
	other.Device = keys[0].Device
	if _, err := Open(bytes.NewReader(b), int64(len(b)), Keys{Cards: []CardKey{other}}); err == nil {
		t.Error("who holds the card alone can read")
	}
}

// heavy is how many of the 10-bit coefficients in b are such that four of the 3,329 residues are rounded to them, not
// three: 31 of 100 in a ciphertext of ML-KEM-768 (FIPS 203), 25 of 100 in random bytes.
func heavy(b []byte) float64 {
	var from [1024]int
	for x := range 3329 {
		from[(x*1024+1664)/3329%1024]++
	}
	bits, acc, n, all := 0, 0, 0.0, 0.0
	for _, c := range b {
		acc |= int(c) << bits
		for bits += 8; bits >= 10; bits -= 10 {
			if from[acc&1023] == 4 {
				n++
			}
			all++
			acc >>= 10
		}
	}
	return n / all
}

// TestMasked: a ciphertext of the KEM is told from random bytes, a slot for a card is not.
func TestMasked(t *testing.T) {
	slot, _ := device(t, 1)
	kem, err := mlkem.NewEncapsulationKey768(slot.Encapsulate)
	if err != nil {
		t.Fatal(err)
	}
	var raw, masked []byte
	for i := range 60 {
		_, ct := kem.Encapsulate()
		raw = append(raw, ct[:960]...)
		s, err := cardSlot(&slot, seeded(uint64(i), 32), keyOf(2))
		if err != nil {
			t.Fatal(err)
		}
		masked = append(masked, s[tagSize:tagSize+960]...)
	}
	if h := heavy(raw); h < 0.295 {
		t.Fatalf("a bare ciphertext is not told: %.3f", h)
	}
	if h := heavy(masked); math.Abs(h-257.0/1024) > 0.01 {
		t.Errorf("a slot is told from random bytes: %.3f", h)
	}
	if x := chi(masked); math.Abs(x) > 4.5 {
		t.Errorf("masked slots are %.1f deviations from uniform", x)
	}
}

// TestGolden holds the bytes: another version or machine must write the same.
func TestGolden(t *testing.T) {
	list := []Record{{Kind: KindVertices, Payload: seeded(1, 3000)}, {Kind: KindList, Payload: bytes.Repeat([]byte("seed "), 2000)}, {Kind: KindTx, Payload: seeded(2, 100)}}
	got := ""
	for _, form := range []string{FormSealed, FormCompact, FormOpen} {
		o := sealed(keyOf(1))
		if o.Form = form; form == FormOpen {
			o.To = Recipients{}
		}
		b, p := pack(t, o, list)
		got += fmt.Sprintf("%s %d %.8x %x\n", form, len(b), p.Body[:], sha256.Sum256(b))
	}
	if want := golden; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

package sig

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/hdevalence/ed25519consensus"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// torsion returns the fourteen encodings of the eight points of small order: eight canonical ones
// first, then six that ZIP-215 accepts beside them.
func torsion(t *testing.T) (out []Public) {
	end := func(first, fill, last byte) string {
		return hex.EncodeToString(append(append([]byte{first}, bytes.Repeat([]byte{fill}, 30)...), last))
	}
	for _, s := range []string{
		end(1, 0, 0), end(0xec, 0xff, 0x7f), end(0, 0, 0), end(0, 0, 0x80),
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		end(1, 0, 0x80), end(0xec, 0xff, 0xff), end(0xed, 0xff, 0x7f), end(0xed, 0xff, 0xff),
		end(0xee, 0xff, 0x7f), end(0xee, 0xff, 0xff),
	} {
		out = append(out, Public(unhex(t, s)))
	}
	return out
}

// The 196 cases of ZIP-215: every small-order key with every small-order R and s = 0 verifies, alone
// and in a batch, as the independent implementation says.
func TestZIP215(t *testing.T) {
	var list []Check
	for _, a := range torsion(t) {
		for _, r := range torsion(t) {
			var s Signature
			copy(s[:], r[:])
			list = append(list, Check{a, "Zc", []byte("ash"), s})
		}
	}
	if len(list) != 196 {
		t.Fatalf("%d cases", len(list))
	}
	batch := NewVerifier(20).VerifyBatch(list)
	for i, c := range list {
		if !ed25519consensus.Verify(c.Pub[:], []byte("Zcash"), c.Sig[:]) {
			t.Fatalf("case %d: the oracle refuses", i)
		}
		if !Verify(c.Pub, c.Label, c.Msg, c.Sig) || !batch[i] {
			t.Errorf("case %d: refused, A %x R %x", i, c.Pub, c.Sig[:32])
		}
	}
}

// Honest keys whose signatures carry a small-order part are where single and batch verifiers of
// other libraries disagree; here both say what the oracle says, for right and for wrong ones.
func TestSingleBatchOracleAgree(t *testing.T) {
	var list []Check
	for i, r := range torsion(t) {
		for n := range uint64(8) {
			k, msg := key(n), binary.BigEndian.AppendUint32(nil, uint32(i))
			s := k.Sign("pars/a/v1", msg)
			list = append(list, Check{k.Public(), "pars/a/v1", msg, s})
			copy(s[:], r[:])
			list = append(list, Check{k.Public(), "pars/a/v1", msg, s}, Check{r, "pars/a/v1", msg, s})
		}
	}
	batch := NewVerifier(20).VerifyBatch(list)
	for i, c := range list {
		want := ed25519consensus.Verify(c.Pub[:], join(c.Label, c.Msg), c.Sig[:])
		if got := Verify(c.Pub, c.Label, c.Msg, c.Sig); got != want || batch[i] != want {
			t.Errorf("case %d: single %v, batch %v, oracle %v", i, got, batch[i], want)
		}
	}
}

func TestCanonical(t *testing.T) {
	for i, p := range torsion(t) {
		if p.Canonical() {
			t.Errorf("small-order key %d accepted: %x", i, p)
		}
	}
	for n := range uint64(100) {
		if !key(n).Public().Canonical() {
			t.Errorf("honest key %d refused", n)
		}
	}
	// y = p+3 .. p+18 in its long form: large order for those that are on the curve, still refused.
	for y := byte(0xf0); y != 0; y++ {
		p := Public(bytes.Repeat([]byte{0xff}, 32))
		p[0], p[31] = y, 0x7f
		if p.Canonical() {
			t.Errorf("non-canonical key accepted: %x", p)
		}
	}
	if off := (Public{2}); off.Canonical() {
		t.Error("a key that is no point was accepted")
	}
}

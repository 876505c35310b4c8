package sig

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func key(n uint64) Private {
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], n)
	return FromSeed(seed)
}

func TestSign(t *testing.T) {
	k, msg := key(1), []byte("salam")
	s := k.Sign("pars/a/v1", msg)
	if !Verify(k.Public(), "pars/a/v1", msg, s) {
		t.Fatal("own signature refused")
	}
	if Verify(k.Public(), "pars/b/v1", msg, s) {
		t.Error("accepted under another label")
	}
	if Verify(key(2).Public(), "pars/a/v1", msg, s) {
		t.Error("accepted for another key")
	}
	for i := range 8 * len(s) {
		bad := s
		bad[i/8] ^= 1 << (i % 8)
		if Verify(k.Public(), "pars/a/v1", msg, bad) {
			t.Errorf("accepted with bit %d of the signature flipped", i)
		}
	}
	for i := range 8 * len(msg) {
		bad := bytes.Clone(msg)
		bad[i/8] ^= 1 << (i % 8)
		if Verify(k.Public(), "pars/a/v1", bad, s) {
			t.Errorf("accepted with bit %d of the message flipped", i)
		}
	}
}

// RFC 8032 section 7.1, tests 1 and 2.
func TestPublished(t *testing.T) {
	for _, c := range []struct{ seed, pub, msg, sig string }{
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	} {
		k := FromSeed([32]byte(unhex(t, c.seed)))
		if pub := k.Public(); !bytes.Equal(pub[:], unhex(t, c.pub)) {
			t.Errorf("public key: got %x want %s", pub, c.pub)
		}
		if s := k.Sign("", unhex(t, c.msg)); !bytes.Equal(s[:], unhex(t, c.sig)) {
			t.Errorf("signature: got %x want %s", s, c.sig)
		}
	}
}

func checks(n int) []Check {
	out := make([]Check, n)
	for i := range out {
		k, msg := key(uint64(i%50)), binary.BigEndian.AppendUint32(nil, uint32(i))
		out[i] = Check{k.Public(), "pars/a/v1", msg, k.Sign("pars/a/v1", msg)}
	}
	return out
}

// One forgery among a thousand is found, wherever it stands, and harms no other.
func TestBatchFindsForgery(t *testing.T) {
	all, v := checks(1000), NewVerifier(100)
	for _, at := range []int{0, 1, 499, 500, 998, 999} {
		list := append([]Check{}, all...)
		list[at].Msg = []byte("forged")
		for i, ok := range v.VerifyBatch(list) {
			if ok != (i != at) {
				t.Errorf("forged %d: check %d says %v", at, i, ok)
			}
		}
	}
	for i, ok := range v.VerifyBatch(all) {
		if !ok {
			t.Errorf("honest batch: check %d refused", i)
		}
	}
}

func TestBatchSizes(t *testing.T) {
	v := NewVerifier(2) // fewer keys than authors: the cache must not change a verdict
	for n := range 12 {
		list := checks(n)
		if n > 3 {
			list[3].Sig[40] ^= 1
		}
		for i, ok := range v.VerifyBatch(list) {
			if want := n <= 3 || i != 3; ok != want || v.Verify(list[i]) != want {
				t.Errorf("batch of %d: check %d says %v", n, i, ok)
			}
		}
	}
}

func BenchmarkVerifyBatch(b *testing.B) {
	list, v := checks(1000), NewVerifier(100)
	for b.Loop() {
		v.VerifyBatch(list)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/sig")
}

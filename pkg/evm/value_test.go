package evm

import "testing"

// FuzzParseWei: what is taken is a number of 256 bits that prints as it was.
func FuzzParseWei(f *testing.F) {
	for _, s := range []string{"0", "12", "-1", "+1", "1e3", "115792089237316195423570985008687907853269984665640564039457584007913129639936"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseWei(s)
		if err == nil && (n.Sign() < 0 || n.BitLen() > 256) {
			t.Errorf("%q is %v", s, n)
		}
	})
}

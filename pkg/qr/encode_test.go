package qr

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/skip2/go-qrcode"
)

// TestAsGoQRCode: module for module what go-qrcode draws with the same mask, at every version and level.
func TestAsGoQRCode(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for v := 1; v <= 40; v++ {
		for _, l := range []Level{L, M, Q, H} {
			data := make([]byte, Capacity(v, l)-rnd.IntN(3))
			for i := range data {
				data[i] = byte(rnd.IntN(128)) | 0x80 // one byte segment for go-qrcode too
			}
			c, err := qrcode.NewWithForcedVersion(string(data), v, recovery(l))
			if err != nil {
				t.Fatalf("%d-%v: %v", v, l, err)
			}
			want := matrix(c)
			got := newPlan(v, l).encode(data, maskOf(want))
			if got.Version() != v || !slices.Equal(got.Dark, want.Dark) {
				t.Fatalf("%d-%v differs", v, l)
			}
		}
	}
}

// TestCardFits: a short card of 90 characters is exactly full in version 4-M.
func TestCardFits(t *testing.T) {
	m, err := Encode("PARS:CARD/3804KNW TB:JC*VJ 5OF6WGDZXMB.U.UB08W2H7GLM$HJK5IK3TX507H0QS00+0J61%H1CT1*/1E.G00", M)
	if err != nil || m.Version() != 4 || m.Size != 33 {
		t.Errorf("version %d: %v", m.Version(), err)
	}
}

func BenchmarkFrame(b *testing.B) {
	data := make([]byte, Capacity(40, L))
	f, err := NewFrames(data, L)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f.Encode(data)
	}
}

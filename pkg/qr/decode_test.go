package qr

import (
	"bytes"
	"image"
	"image/draw"
	"math/rand/v2"
	"testing"
)

func always() bool { return true }

// TestEveryVersion: what is drawn is read, byte for byte, at every version and level; so is go-qrcode's mix of segments.
func TestEveryVersion(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for v := 1; v <= 40; v++ {
		for _, l := range []Level{L, M, Q, H} {
			data := make([]byte, Capacity(v, l))
			for i := range data {
				data[i] = byte(rnd.Uint32())
			}
			if v%4 != 0 && l != L { // all pairs take long: each level at ten versions, L at all
				continue
			}
			got := Decode(newPlan(v, l).encode(data, v%8).Grey(2, Quiet), always)
			if len(got) != 1 || !bytes.Equal(got[0], data) {
				t.Errorf("%d-%v: read %d symbols", v, l, len(got))
			}
		}
	}
	for _, text := range []string{"0", "31415926535897932384626", "PARS:CARD/ $%*+-.:", "سلام 1234567 ABC", "abc0123456789DEFGHIJKLM\xff\x00\x80"} {
		m, err := Encode(text, M)
		if err != nil {
			t.Fatal(err)
		}
		if got := Decode(m.Grey(3, Quiet), always); len(got) != 1 || string(got[0]) != text {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

// TestSeveral: four symbols in one picture, one of them dark on light, are all read.
func TestSeveral(t *testing.T) {
	canvas := image.NewGray(image.Rect(0, 0, 500, 500))
	for i := range canvas.Pix {
		canvas.Pix[i] = 255
	}
	want := map[string]bool{}
	for i, text := range []string{"FIRST", "SECOND", "THIRD", "FOURTH"} {
		m, err := Encode(text, M)
		if err != nil {
			t.Fatal(err)
		}
		at := image.Pt(i%2*250, i/2*250)
		draw.Draw(canvas, image.Rectangle{at, at.Add(image.Pt(250, 250))}, m.Grey(7, Quiet), image.Point{}, draw.Src)
		want[text] = true
	}
	for _, b := range Decode(canvas, always) {
		delete(want, string(b))
	}
	if len(want) > 0 {
		t.Errorf("not read: %v", want)
	}
}

func TestInverted(t *testing.T) {
	m, err := Encode("DARK THEME", M)
	if err != nil {
		t.Fatal(err)
	}
	g := m.Grey(4, Quiet)
	for i := range g.Pix {
		g.Pix[i] = ^g.Pix[i]
	}
	if got := Decode(g, always); len(got) != 1 || string(got[0]) != "DARK THEME" {
		t.Errorf("read %q", got)
	}
	if got := Decode(g, func() bool { return false }); got != nil {
		t.Error("a second try was made without asking")
	}
}

// FuzzParseWords: no panic, and what comes out is never longer than its digits can say.
func FuzzParseWords(f *testing.F) {
	f.Add([]byte{0x40, 0x14, 0x10}, 1)
	f.Add([]byte{0x10, 0x02, 0x0c}, 12)
	f.Fuzz(func(t *testing.T, b []byte, version int) {
		if out, err := parseWords(b, version); err == nil && len(out) > 3*len(b) {
			t.Errorf("%d bytes of %d", len(out), len(b))
		}
	})
}

func FuzzDecode(f *testing.F) {
	m, _ := Encode("SALAM", L)
	f.Add(m.Grey(1, 1).Pix, 23)
	f.Fuzz(func(t *testing.T, b []byte, width int) {
		if width < 1 || width > 200 || len(b)/width > 200 {
			return
		}
		Decode(&image.Gray{Pix: b[:len(b)/width*width], Stride: width, Rect: image.Rect(0, 0, width, len(b)/width)}, always)
	})
}

func BenchmarkDecode(b *testing.B) {
	g := newPlan(30, L).encode(make([]byte, 1700), 0).Grey(4, Quiet)
	for b.Loop() {
		if len(Decode(g, always)) != 1 {
			b.Fatal("not read")
		}
	}
}

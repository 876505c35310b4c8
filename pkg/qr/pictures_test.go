package qr

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// frames draws the first n frames of a sender.
func frames(t testing.TB, send *Sender, n, scale int) []*image.Paletted {
	t.Helper()
	var out []*image.Paletted
	var enc *Frames
	var payloads [][]byte
	for range n {
		payloads = append(payloads, send.Next())
	}
	enc, err := NewFrames(payloads[1], L)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range payloads {
		m, err := enc.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m.Picture(scale, Quiet))
	}
	return out
}

func iterate[T any](list []*T) func() (*T, error) {
	i := -1
	return func() (*T, error) {
		if i++; i == len(list) {
			return nil, nil
		}
		return list[i], nil
	}
}

// scanAll reads pictures into a scanner and returns the first thing that is whole.
func scanAll(t testing.TB, s *Scanner, r io.Reader) *Item {
	t.Helper()
	var found *Item
	err := Pictures(r, func(g *image.Gray) error {
		for _, p := range Decode(g, always) {
			items, err := s.Add(p)
			if err != nil {
				return err
			}
			if len(items) > 0 && found == nil {
				found = &items[0]
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestForty: a file of 40 kB as a GIF whose frames are dropped, doubled, out of order, and blurred by a camera.
func TestForty(t *testing.T) {
	data := random(40_000, 40)
	send := sender(t, data, 800, false)
	shown := frames(t, send, send.Cycle(), 3)
	rnd := rand.New(rand.NewPCG(4, 0))
	var seen []*image.Paletted
	for _, f := range shown {
		if rnd.IntN(10) >= 3 {
			seen = append(seen, f)
		}
		if rnd.IntN(10) == 0 {
			seen = append(seen, f)
		}
	}
	rnd.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
	var file bytes.Buffer
	if err := WriteGIF(&file, 8, iterate(seen)); err != nil {
		t.Fatal(err)
	}
	if all, err := gif.DecodeAll(bytes.NewReader(file.Bytes())); err != nil || len(all.Image) != len(seen) || all.LoopCount != 0 || all.Delay[1] != 8 {
		t.Fatalf("the standard library reads the GIF otherwise: %v", err)
	}
	camera, s := &Camera{Seed: 7, Blur: 0.8, Noise: 6}, &Scanner{}
	var found *Item
	err := Pictures(&file, func(g *image.Gray) error {
		for _, sight := range camera.See(g) {
			for _, p := range Decode(sight, always) {
				items, err := s.Add(p)
				if err != nil {
					return err
				}
				if len(items) > 0 {
					found = &items[0]
				}
			}
		}
		return nil
	})
	if err != nil || found == nil || !bytes.Equal(found.Data, data) {
		t.Errorf("not whole: %v; %+v of %d frames", err, s.Progress(), len(seen))
	}
}

// TestForms: terminal text, y4m, PNG one behind another and JPEG give the same bytes back.
func TestForms(t *testing.T) {
	data := random(2000, 3)
	forms := map[string]func(w *bytes.Buffer, send *Sender){
		"text": func(w *bytes.Buffer, send *Sender) {
			enc, _ := NewFrames(send.symbol(0), L)
			for range send.Cycle() {
				m, err := enc.Encode(send.Next())
				if err != nil {
					t.Fatal(err)
				}
				w.WriteString(Home + m.Text(Quiet))
			}
		},
		"y4m": func(w *bytes.Buffer, send *Sender) {
			var list []*image.Gray
			for _, p := range frames(t, send, send.Cycle(), 2) {
				list = append(list, grey(p))
			}
			if err := WriteY4M(w, 12, iterate(list)); err != nil {
				t.Fatal(err)
			}
		},
		"png": func(w *bytes.Buffer, send *Sender) {
			for _, p := range frames(t, send, send.Cycle(), 2) {
				if err := png.Encode(w, p); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	for name, write := range forms {
		var file bytes.Buffer
		write(&file, sender(t, data, 200, false))
		if found := scanAll(t, &Scanner{}, &file); found == nil || !bytes.Equal(found.Data, data) {
			t.Errorf("%s: not whole", name)
		}
	}
	var file bytes.Buffer
	m, _ := Encode("PARS:CARD/38", M)
	if err := jpeg.Encode(&file, m.Grey(4, Quiet), &jpeg.Options{Quality: 40}); err != nil {
		t.Fatal(err)
	}
	if found := scanAll(t, &Scanner{}, &file); found == nil || found.Kind != Card {
		t.Error("jpeg: no card")
	}
}

// TestCompose: frames that are parts of the canvas are drawn upon what stood there, by each way of disposal.
func TestCompose(t *testing.T) {
	palette := color.Palette{color.White, color.Black, color.Transparent}
	full := image.NewPaletted(image.Rect(0, 0, 8, 8), palette)
	full.Pix[0] = 1
	part := image.NewPaletted(image.Rect(4, 4, 8, 8), palette)
	for i := range part.Pix {
		part.Pix[i] = 1
	}
	part.Pix[0] = 2
	var file bytes.Buffer
	if err := gif.EncodeAll(&file, &gif.GIF{Image: []*image.Paletted{full, part, part, full}, Delay: make([]int, 4),
		Disposal: []byte{gif.DisposalNone, gif.DisposalPrevious, gif.DisposalBackground, gif.DisposalNone}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := Pictures(&file, func(g *image.Gray) error {
		got = append(got, fmt.Sprint(g.GrayAt(0, 0).Y, g.GrayAt(4, 4).Y, g.GrayAt(7, 7).Y))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := "[0 255 255 0 255 0 0 255 0 0 255 255]"; fmt.Sprint(got) != want {
		t.Errorf("got %v want %v", got, want)
	}
}

// TestHostilePictures: what is too large or cut is refused before memory is taken.
func TestHostilePictures(t *testing.T) {
	for name, file := range map[string]string{
		"nothing":   "",
		"text":      "hello, this is no picture",
		"png":       "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x00\x00\x00\x00",
		"jpeg":      "\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00",
		"gif":       "GIF89a\xff\xff\xff\xff\x00\x00\x00;",
		"gif cut":   "GIF89a\x08\x00\x08\x00\x00\x00\x00,\x00\x00",
		"gif block": "GIF89a\x08\x00\x08\x00\x00\x00\x00@",
		"y4m":       "YUV4MPEG2 W100000 H100000\nFRAME\n",
		"y4m size":  "YUV4MPEG2 Wx H1\nFRAME\n",
		"y4m deep":  "YUV4MPEG2 W8 H8 C420p10\nFRAME\n",
		"y4m cut":   "YUV4MPEG2 W8 H8\nFRAME\nabc",
		"y4m line":  "YUV4MPEG2 W8 H8 X" + strings.Repeat("x", 70_000),
		"y4m none":  "YUV4MPEG2 W8 H8\nFLAME\n",
	} {
		err := Pictures(strings.NewReader(file), func(*image.Gray) error { t.Errorf("%s gives a picture", name); return nil })
		if !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCard: a short card is read through blur and a tilt of 20 degrees.
func TestCard(t *testing.T) {
	m, err := Encode("PARS:CARD/3804KNW TB:JC*VJ 5OF6WGDZXMB.U.UB08W2H7GLM$HJK5IK3TX507H0QS00+0J61%H1CT1*/1E.G00", M)
	if err != nil {
		t.Fatal(err)
	}
	camera, read := &Camera{Seed: 1, Blur: 1.2, Noise: 8, Rotate: 20, Perspective: 0.15}, 0
	const all = 200
	for range all {
		if got := Decode(camera.See(m.Grey(4, Quiet))[0], always); len(got) == 1 && strings.HasPrefix(string(got[0]), "PARS:CARD/38") {
			read++
		}
	}
	t.Logf("%d of %d", read, all)
	if read*100 < all*99 {
		t.Errorf("%d of %d are read", read, all)
	}
}

// TestSameSeed: a camera sees the same twice, and what it loses it loses.
func TestSameSeed(t *testing.T) {
	m, _ := Encode("SALAM", M)
	see := func() (sum uint64, n int) {
		c := &Camera{Seed: 3, Loss: 0.3, Burst: 0.02, BurstLength: 5, Repeat: 2.5, Merge: 0.3, Crop: 0.1, Blur: 1, Noise: 3, Rotate: 5, Perspective: 0.1, Scale: 1.3, Glare: true}
		for range 40 {
			for _, g := range c.See(m.Grey(2, Quiet)) {
				n++
				for i, v := range g.Pix {
					sum = sum*31 + uint64(i) ^ uint64(v)
				}
			}
		}
		return sum, n
	}
	a, n := see()
	if b, m := see(); a != b || n != m {
		t.Error("the same seed sees something else")
	}
	if n < 50 || n > 90 {
		t.Errorf("%d of 100 sightings", n)
	}
}

// readPDF draws the symbols of a PDF of ours: its content is rectangles.
func readPDF(t *testing.T, file []byte) []*image.Gray {
	t.Helper()
	var out []*image.Gray
	for _, part := range bytes.Split(file, []byte("stream\n"))[1:] {
		z, err := zlib.NewReader(bytes.NewReader(part))
		if err != nil {
			continue
		}
		content, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range strings.Split(string(content), "f Q\n") {
			g := image.NewGray(image.Rect(0, 0, 400, 400))
			clearGrey(g, g.Rect)
			n := 0
			for _, r := range regexp.MustCompile(`(?m)^(\d+) (\d+) (\d+) 1 re$`).FindAllStringSubmatch(one, -1) {
				var x, y, w int
				fmt.Sscan(strings.Join(r[1:], " "), &x, &y, &w)
				for dy := range 2 {
					clear(g.Pix[(2*y+dy+20)*g.Stride+2*x+20:][:2*w])
				}
				n++
			}
			if n > 0 {
				out = append(out, g)
			}
		}
	}
	return out
}

// TestSheets: any two of the sheets may be lost, as their foot says.
func TestSheets(t *testing.T) {
	data := random(6000, 11)
	s, err := NewSheets(data, URBytes, "list of (friends)", 300, 6, 2, M)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := s.PDF(&file); err != nil {
		t.Fatal(err)
	}
	pictures := readPDF(t, file.Bytes())
	n := len(s.Symbols)
	if len(pictures) != 6*n {
		t.Fatalf("%d symbols on %d sheets", len(pictures), n)
	}
	var payloads [][]byte
	for _, g := range pictures {
		got := Decode(g, always)
		if len(got) != 1 {
			t.Fatal("a symbol on paper is not read")
		}
		payloads = append(payloads, got[0])
	}
	for a := range n {
		for b := range a {
			scan, whole := &Scanner{}, false
			for i, p := range payloads {
				if i/6 != a && i/6 != b {
					items, err := scan.Add(p)
					if err != nil {
						t.Fatal(err)
					}
					whole = whole || len(items) > 0 && bytes.Equal(items[0].Data, data)
				}
			}
			if !whole {
				t.Errorf("without sheets %d and %d of %d it is not whole", a, b, n)
			}
		}
	}
	if !strings.Contains(s.page(0), fmt.Sprintf("(sheet 1 of %d, any %d of them are enough - %s)", n, n-2, s.Words())) || !strings.Contains(s.page(0), `\(friends\)`) {
		t.Errorf("foot: %s", s.page(0)[len(s.page(0))-200:])
	}
}

func TestSVG(t *testing.T) {
	m, _ := Encode("SALAM", M)
	var b bytes.Buffer
	if err := m.SVG(&b, Quiet); err != nil || !strings.HasPrefix(b.String(), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29"`) {
		t.Errorf("%s: %v", b.String(), err)
	}
}

func ExampleScanner() {
	send, err := NewSender([]byte("salam"), URBytes, 100, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := &Scanner{}
	for {
		items, err := s.Add(send.Next())
		if err != nil || len(items) > 0 {
			fmt.Printf("%s %v\n", items[0].Data, err)
			return
		}
	}
	// Output: salam <nil>
}

// FuzzPictures: no panic, whatever file it is.
func FuzzPictures(f *testing.F) {
	m, _ := Encode("A", L)
	var g bytes.Buffer
	if err := WriteGIF(&g, 8, iterate([]*image.Paletted{m.Picture(1, 1), m.Picture(1, 1)})); err != nil {
		f.Fatal(err)
	}
	f.Add(g.Bytes())
	f.Add([]byte("YUV4MPEG2 W2 H2 F12:1 C420jpeg\nFRAME\n......"))
	f.Add([]byte(Home + m.Text(1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		Pictures(bytes.NewReader(b), func(g *image.Gray) error {
			if n++; n > 20 || len(g.Pix) > 1<<20 {
				return io.EOF
			}
			return nil
		})
	})
}

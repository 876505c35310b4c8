package qr

import (
	"image"

	"github.com/makiuchi-d/gozxing"
	multi "github.com/makiuchi-d/gozxing/multi/qrcode"
)

// MaxSide is the largest width and height of a picture in pixels.
const MaxSide = 4096

// Decode returns what stands in the symbols of a picture: none, one or several. It tries, in this order, the
// picture with local thresholds, at half size, turned light for dark, with one threshold, and at twice its size; more
// is asked before each further try, so that the caller can keep to a time. Not safe for one picture at once, else it is.
func Decode(g *image.Gray, more func() bool) [][]byte {
	if b := g.Bounds(); b.Dx() > MaxSide || b.Dy() > MaxSide || b.Dx() < 21 || b.Dy() < 21 {
		return nil
	}
	tries := []func() gozxing.Binarizer{
		func() gozxing.Binarizer { return gozxing.NewHybridBinarizer(luminance(g)) },
		func() gozxing.Binarizer { return gozxing.NewHybridBinarizer(luminance(half(g))) },
		func() gozxing.Binarizer { return gozxing.NewHybridBinarizer(luminance(g).Invert()) },
		func() gozxing.Binarizer { return gozxing.NewGlobalHistgramBinarizer(luminance(g)) },
	}
	if b := g.Bounds(); b.Dx() <= maxTwice && b.Dy() <= maxTwice { // small modules that are blurred or turned
		tries = append(tries, func() gozxing.Binarizer { return gozxing.NewGlobalHistgramBinarizer(luminance(twice(g))) },
			func() gozxing.Binarizer { return gozxing.NewHybridBinarizer(luminance(twice(g))) })
	}
	for i, try := range tries {
		if i > 0 && !more() {
			return nil
		}
		if out := read(try()); len(out) > 0 {
			return out
		}
	}
	return nil
}

func luminance(g *image.Gray) gozxing.LuminanceSource {
	b := g.Bounds()
	pix := g.Pix
	if g.Stride != b.Dx() {
		pix = make([]byte, 0, b.Dx()*b.Dy())
		for y := range b.Dy() {
			pix = append(pix, g.Pix[y*g.Stride:y*g.Stride+b.Dx()]...)
		}
	}
	src, err := gozxing.NewPlanarYUVLuminanceSource(pix, b.Dx(), b.Dy(), 0, 0, b.Dx(), b.Dy(), false)
	if err != nil {
		panic("qr: a picture is not its own size") // the bounds are those of the pixels
	}
	return src
}

// maxTwice is the largest side of a picture that is looked at in twice its size.
const maxTwice = 1024

// twice is the picture at twice its size.
func twice(g *image.Gray) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, 2*g.Rect.Dx(), 2*g.Rect.Dy()))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Pix[y*out.Stride+x] = sample(g, float64(x)/2-0.25, float64(y)/2-0.25)
		}
	}
	return out
}

// half is the picture at half its size: it closes gaps and mends noise.
func half(g *image.Gray) *image.Gray {
	b := g.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx()/2, b.Dy()/2))
	for y := range out.Rect.Dy() {
		up, down := g.Pix[2*y*g.Stride:], g.Pix[(2*y+1)*g.Stride:]
		for x := range out.Rect.Dx() {
			out.Pix[y*out.Stride+x] = byte((int(up[2*x]) + int(up[2*x+1]) + int(down[2*x]) + int(down[2*x+1])) / 4)
		}
	}
	return out
}

// read finds the symbols of a black and white picture. The library is not ours: a panic is a picture that cannot be read.
func read(b gozxing.Binarizer) (out [][]byte) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	bitmap, err := gozxing.NewBinaryBitmap(b)
	if err != nil {
		return nil
	}
	matrix, err := bitmap.GetBlackMatrix()
	if err != nil {
		return nil
	}
	if one := readOne(matrix); one != nil {
		out = append(out, one)
	}
	several, err := multi.NewQRCodeMultiReader().DecodeMultiple(bitmap, nil)
	if err != nil {
		return out
	}
	for _, r := range several {
		out = appendPayload(out, r)
	}
	return out
}

func appendPayload(out [][]byte, r *gozxing.Result) [][]byte {
	meta := r.GetResultMetadata()
	if _, several := meta[gozxing.ResultMetadataType_STRUCTURED_APPEND_SEQUENCE]; several || len(r.GetResultPoints()) == 0 {
		return out
	}
	name, _ := meta[gozxing.ResultMetadataType_ERROR_CORRECTION_LEVEL].(string)
	b := words(r.GetRawBytes(), name)
	if b == nil {
		return out
	}
	for _, have := range out {
		if string(have) == string(b) {
			return out
		}
	}
	return append(out, b)
}

// words returns what the codewords of a level say, nil when that is nothing.
func words(raw []byte, level string) []byte {
	l, err := LevelOf(level)
	if err != nil {
		return nil
	}
	version := versionOf(len(raw), l)
	if version == 0 {
		return nil
	}
	b, err := parseWords(raw, version)
	if err != nil || len(b) == 0 {
		return nil
	}
	return b
}

// versionOf finds the version by its number of data codewords.
func versionOf(words int, l Level) int {
	for v := 1; v <= 40; v++ {
		if dataWords(v, l) == words {
			return v
		}
	}
	return 0
}

// DifferenceHash is 64 bits of which of two neighbouring parts of a picture is lighter. Of one picture seen twice it is
// the same; two symbols that share it do not come up.
func DifferenceHash(g *image.Gray) (hash uint64) {
	const cols, rows = 9, 8
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if w < cols || h < rows {
		return 0
	}
	for y := range rows {
		last := 0
		for x := range cols {
			sum, n := 0, 0
			for py := y * h / rows; py < (y+1)*h/rows; py++ {
				for _, v := range g.Pix[py*g.Stride+x*w/cols : py*g.Stride+(x+1)*w/cols] {
					sum += int(v)
					n++
				}
			}
			mean := sum * 256 / max(1, n)
			if x > 0 {
				hash <<= 1
				if mean > last {
					hash |= 1
				}
			}
			last = mean
		}
	}
	return hash
}

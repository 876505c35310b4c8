package qr

import (
	"math"
	"slices"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/common"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/detector"
)

// guesses is how many sizes of a symbol are tried.
const guesses = 4

// readOne reads the symbol of three finder patterns. The library counts how wide a dark module looks and takes the
// number of modules from it; a blurred picture makes them look wider, and its guess then falls on no size at all. Here
// sizes are tried in the order of their distance from what was measured, and the module is as wide as each size says.
func readOne(m *gozxing.BitMatrix) []byte {
	info, err := detector.NewFinderPatternFinder(m, nil).Find(nil)
	if err != nil {
		return nil
	}
	a, b, c := info.GetTopLeft(), info.GetTopRight(), info.GetBottomLeft()
	side := (gozxing.ResultPoint_Distance(a, b) + gozxing.ResultPoint_Distance(a, c)) / 2
	measured := side/((a.GetEstimatedModuleSize()+b.GetEstimatedModuleSize()+c.GetEstimatedModuleSize())/3) + 7
	sizes := make([]int, 40)
	for i := range sizes {
		sizes[i] = 21 + 4*i
	}
	slices.SortStableFunc(sizes, func(x, y int) int {
		return int(math.Round(10*math.Abs(float64(x)-measured))) - int(math.Round(10*math.Abs(float64(y)-measured)))
	})
	for _, size := range sizes[:guesses] {
		module := side / float64(size-7)
		if module < 1 {
			continue
		}
		corner := alignment(m, a, b, c, size, module)
		for _, at := range []*detector.AlignmentPattern{corner, nil} {
			if out := sampled(m, a, b, c, at, size); out != nil {
				return out
			}
			if corner == nil {
				break
			}
		}
	}
	return nil
}

// alignment looks for the pattern near the fourth corner, ever farther around where it should be.
func alignment(m *gozxing.BitMatrix, a, b, c *detector.FinderPattern, size int, module float64) *detector.AlignmentPattern {
	if size == 21 {
		return nil
	}
	share := 1 - 3/float64(size-7)
	x := a.GetX() + share*(b.GetX()-2*a.GetX()+c.GetX())
	y := a.GetY() + share*(b.GetY()-2*a.GetY()+c.GetY())
	for around := 4.0; around <= 16; around *= 2 {
		left, top := max(0, int(x-around*module)), max(0, int(y-around*module))
		right, bottom := min(m.GetWidth()-1, int(x+around*module)), min(m.GetHeight()-1, int(y+around*module))
		if float64(right-left) < 3*module || float64(bottom-top) < 3*module {
			return nil
		}
		found, err := detector.NewAlignmentPatternFinder(m, left, top, right-left, bottom-top, module, nil).Find()
		if err == nil {
			return found
		}
	}
	return nil
}

// sampled reads the modules of a size, and what they say.
func sampled(m *gozxing.BitMatrix, a, b, c *detector.FinderPattern, at *detector.AlignmentPattern, size int) []byte {
	bits, err := detector.Detector_sampleGrid(m, detector.Detector_createTransform(a, b, c, at, size), size)
	if err != nil {
		return nil
	}
	r, err := decoder.NewDecoder().Decode(bits, nil)
	if err != nil {
		return nil
	}
	return payload(r)
}

// payload parses the corrected codewords.
func payload(r *common.DecoderResult) []byte {
	if r.HasStructuredAppend() {
		return nil
	}
	return words(r.GetRawBytes(), r.GetECLevel())
}

package qr

import (
	"image"
	"math"
)

// Camera is what happens between a screen and a scanner, from a seed: the same seed sees the same.
type Camera struct {
	Seed        uint64
	Loss        float64 // probability that a sighting is lost
	Burst       float64 // probability that BurstLength sightings are lost in a row
	BurstLength int
	Repeat      float64 // sightings a shown picture: camera rate by screen rate; 0: 1
	Merge       float64 // probability that a sighting shows the picture before through this one
	Crop        float64 // probability that a side is cut off
	Blur        float64 // radius in pixels
	Noise       float64 // standard deviation, of 255
	Rotate      float64 // largest angle in degrees
	Perspective float64 // how much smaller the far side is, 0 to 0.5
	Scale       float64 // size of what is seen by what is shown; 0: 1
	Glare       bool

	dice  *dice
	last  *image.Gray
	owed  float64
	burst int
}

// See returns the sightings of one shown picture.
func (c *Camera) See(shown *image.Gray) []*image.Gray {
	if c.dice == nil {
		c.dice = &dice{state: c.Seed}
	}
	repeat := c.Repeat
	if repeat == 0 {
		repeat = 1
	}
	var out []*image.Gray
	for c.owed += repeat; c.owed >= 1; c.owed-- {
		if g := c.sight(shown); g != nil {
			out = append(out, g)
		}
	}
	c.last = shown
	return out
}

func (c *Camera) sight(shown *image.Gray) *image.Gray {
	if c.burst > 0 {
		c.burst--
		return nil
	}
	if c.Burst > 0 && c.dice.float() < c.Burst {
		c.burst = c.BurstLength - 1
		return nil
	}
	if c.dice.float() < c.Loss {
		return nil
	}
	g := c.project(shown)
	if c.last != nil && c.last.Rect == shown.Rect && c.dice.float() < c.Merge {
		g = c.project(mix(shown, c.last, c.dice.float()))
	}
	if c.Glare {
		c.glare(g)
	}
	if c.dice.float() < c.Crop {
		c.cut(g)
	}
	if c.Blur > 0 {
		g = blurred(g, c.Blur)
	}
	if c.Noise > 0 {
		for i, v := range g.Pix {
			g.Pix[i] = clamp(float64(v) + c.Noise*c.dice.normal())
		}
	}
	return g
}

// wall is the grey behind the screen.
const wall = 170

// project turns, tilts and scales, with bilinear sampling.
func (c *Camera) project(shown *image.Gray) *image.Gray {
	scale := c.Scale
	if scale == 0 {
		scale = 1
	}
	w, h := float64(shown.Rect.Dx()), float64(shown.Rect.Dy())
	angle := c.Rotate * (2*c.dice.float() - 1) * math.Pi / 180
	tilt := c.Perspective * (2*c.dice.float() - 1)
	if angle == 0 && tilt == 0 && scale == 1 {
		return &image.Gray{Pix: append([]byte(nil), shown.Pix...), Stride: shown.Stride, Rect: shown.Rect}
	}
	sin, cos := math.Sincos(angle)
	grow := (math.Abs(sin) + math.Abs(cos)) * (1 + math.Abs(tilt)) // so that all stays inside
	out := image.NewGray(image.Rect(0, 0, min(MaxSide, int(w*scale*grow)), min(MaxSide, int(h*scale*grow))))
	ow, oh := float64(out.Rect.Dx()), float64(out.Rect.Dy())
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			u, v := (float64(x)+0.5-ow/2)/scale, (float64(y)+0.5-oh/2)/scale
			u, v = cos*u+sin*v, cos*v-sin*u
			d := 1 + tilt*u/w
			out.Pix[y*out.Stride+x] = sample(shown, u/d+w/2-0.5, v/d+h/2-0.5)
		}
	}
	return out
}

// sample is the grey at a place between pixels.
func sample(g *image.Gray, x, y float64) byte {
	x0, y0 := int(math.Floor(x)), int(math.Floor(y))
	fx, fy := x-float64(x0), y-float64(y0)
	at := func(x, y int) float64 {
		if x < 0 || y < 0 || x >= g.Rect.Dx() || y >= g.Rect.Dy() {
			return wall
		}
		return float64(g.Pix[y*g.Stride+x])
	}
	up := at(x0, y0)*(1-fx) + at(x0+1, y0)*fx
	down := at(x0, y0+1)*(1-fx) + at(x0+1, y0+1)*fx
	return clamp(up*(1-fy) + down*fy)
}

func mix(a, b *image.Gray, share float64) *image.Gray {
	out := image.NewGray(a.Rect)
	for i := range out.Pix {
		out.Pix[i] = clamp(float64(a.Pix[i])*(1-share) + float64(b.Pix[i])*share)
	}
	return out
}

// glare is a light spot a sixth as wide as the picture.
func (c *Camera) glare(g *image.Gray) {
	w, h := float64(g.Rect.Dx()), float64(g.Rect.Dy())
	cx, cy, r := w*c.dice.float(), h*c.dice.float(), w/12
	for y := range g.Rect.Dy() {
		for x := range g.Rect.Dx() {
			d := math.Hypot(float64(x)-cx, float64(y)-cy) / r
			if d < 3 {
				i := y*g.Stride + x
				g.Pix[i] = clamp(float64(g.Pix[i]) + 160*math.Exp(-d*d))
			}
		}
	}
}

// cut puts the wall over a sixth of the picture at one side.
func (c *Camera) cut(g *image.Gray) {
	r := g.Rect
	w, h := r.Dx()/6, r.Dy()/6
	switch int(4 * c.dice.float()) {
	case 0:
		r.Max.X = w
	case 1:
		r.Min.X = r.Max.X - w
	case 2:
		r.Max.Y = h
	default:
		r.Min.Y = r.Max.Y - h
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			g.Pix[y*g.Stride+x] = wall
		}
	}
}

// blurred is a Gaussian blur, first along rows, then along columns.
func blurred(g *image.Gray, sigma float64) *image.Gray {
	n := int(math.Ceil(2.5 * sigma))
	kernel, sum := make([]float64, 2*n+1), 0.0
	for i := range kernel {
		d := float64(i-n) / sigma
		kernel[i] = math.Exp(-d * d / 2)
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	w, h := g.Rect.Dx(), g.Rect.Dy()
	pass := func(src []byte, stride, count, across, lines int) []byte {
		out := make([]byte, len(src))
		for l := range lines {
			for i := range count {
				v := 0.0
				for k, f := range kernel {
					v += f * float64(src[l*across+min(max(i+k-n, 0), count-1)*stride])
				}
				out[l*across+i*stride] = clamp(v)
			}
		}
		return out
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	out.Pix = pass(pass(g.Pix, 1, w, w, h), w, h, 1, w)
	return out
}

func clamp(v float64) byte { return byte(min(max(v+0.5, 0), 255)) }

// dice is SplitMix64: enough for a simulation, and the same everywhere.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (d *dice) float() float64 { return float64(d.next()>>11) / (1 << 53) }

// normal is the sum of twelve uniform numbers: close to a normal one.
func (d *dice) normal() float64 {
	sum := -6.0
	for range 12 {
		sum += d.float()
	}
	return sum
}

// Noise is n bytes of a seed, to be shown where there is nothing else.
func Noise(n int, seed uint64) []byte {
	d, out := dice{state: seed}, make([]byte, n)
	for i := range out {
		out[i] = byte(d.next())
	}
	return out
}

package qr

// plan is what all byte-mode symbols of one version and level share.
type plan struct {
	version int
	level   Level
	size    int
	fixed   []bool  // modules that carry no data
	dark    []bool  // their colour
	path    []int32 // modules of the codewords, in order
	divisor []byte  // of the error correction code
	field   *field
}

func newPlan(version int, l Level) *plan {
	p := &plan{version: version, level: l, size: 17 + 4*version, field: newField()}
	p.fixed, p.dark = make([]bool, p.size*p.size), make([]bool, p.size*p.size)
	for i := range p.size {
		p.set(6, i, i%2 == 0)
		p.set(i, 6, i%2 == 0)
	}
	p.finder(3, 3)
	p.finder(p.size-4, 3)
	p.finder(3, p.size-4)
	p.align()
	p.format(0)
	p.versionInfo()
	p.walk()
	p.divisor = p.field.divisor(eccWords(version, l))
	return p
}

func (p *plan) set(x, y int, dark bool) {
	p.fixed[y*p.size+x], p.dark[y*p.size+x] = true, dark
}

// finder draws the pattern of a corner with its border.
func (p *plan) finder(cx, cy int) {
	for dy := -4; dy <= 4; dy++ {
		for dx := -4; dx <= 4; dx++ {
			if x, y := cx+dx, cy+dy; x >= 0 && y >= 0 && x < p.size && y < p.size {
				d := max(abs(dx), abs(dy))
				p.set(x, y, d != 2 && d != 4)
			}
		}
	}
}

func (p *plan) align() {
	at := alignments(p.version)
	for i, cx := range at {
		for j, cy := range at {
			if i == 0 && j == 0 || i == 0 && j == len(at)-1 || i == len(at)-1 && j == 0 {
				continue
			}
			for dy := -2; dy <= 2; dy++ {
				for dx := -2; dx <= 2; dx++ {
					p.set(cx+dx, cy+dy, max(abs(dx), abs(dy)) != 1)
				}
			}
		}
	}
}

// format reserves the format modules and writes them for a mask.
func (p *plan) format(mask int) { p.formatInto(p.set, mask) }

func (p *plan) formatInto(set func(x, y int, dark bool), mask int) {
	data := [4]int{1, 0, 3, 2}[p.level]<<3 | mask
	rem := data
	for range 10 {
		rem = rem<<1 ^ rem>>9*0x537
	}
	b := (data<<10 | rem) ^ 0x5412
	bit := func(i int) bool { return b>>i&1 == 1 }
	for i := range 6 {
		set(8, i, bit(i))
		set(5-i, 8, bit(9+i))
	}
	set(8, 7, bit(6))
	set(8, 8, bit(7))
	set(7, 8, bit(8))
	for i := range 8 {
		set(p.size-1-i, 8, bit(i))
	}
	for i := 8; i < 15; i++ {
		set(8, p.size-15+i, bit(i))
	}
	set(8, p.size-8, true)
}

func (p *plan) versionInfo() {
	if p.version < 7 {
		return
	}
	rem := p.version
	for range 12 {
		rem = rem<<1 ^ rem>>11*0x1f25
	}
	b := p.version<<12 | rem
	for i := range 18 {
		dark, a, c := b>>i&1 == 1, p.size-11+i%3, i/3
		p.set(a, c, dark)
		p.set(c, a, dark)
	}
}

// walk lists the modules of the codewords: columns in pairs from the right, up and down in turn.
func (p *plan) walk() {
	for right := p.size - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		for vert := range p.size {
			for j := range 2 {
				x, y := right-j, vert
				if (right+1)&2 == 0 {
					y = p.size - 1 - vert
				}
				if !p.fixed[y*p.size+x] {
					p.path = append(p.path, int32(y*p.size+x))
				}
			}
		}
	}
}

// encode returns the symbol of bytes in one segment.
func (p *plan) encode(data []byte, mask int) *Matrix {
	words := p.interleave(p.segment(data))
	m := &Matrix{Size: p.size, Dark: append([]bool(nil), p.dark...)}
	p.formatInto(func(x, y int, dark bool) { m.Dark[y*p.size+x] = dark }, mask)
	for i, at := range p.path {
		dark := i/8 < len(words) && words[i/8]>>(7-i%8)&1 == 1
		x, y := int(at)%p.size, int(at)/p.size
		m.Dark[at] = dark != masked(mask, x, y)
	}
	return m
}

// masked reports whether a mask pattern turns a module over.
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (x/3+y/2)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	}
	return ((x+y)%2+x*y%3)%2 == 0
}

// segment is mode, length, data, terminator and padding.
func (p *plan) segment(data []byte) []byte {
	n := dataWords(p.version, p.level)
	out := make([]byte, 0, n)
	acc, have := uint32(0b0100), 4
	put := func(v uint32, width int) {
		acc, have = acc<<width|v, have+width
		for have >= 8 {
			out = append(out, byte(acc>>(have-8)))
			have -= 8
		}
		acc &= 0xff
	}
	put(uint32(len(data)), countBits(p.version))
	for _, c := range data {
		put(uint32(c), 8)
	}
	put(0, 4) // the length is 4 bits off a whole byte: the terminator ends the last one
	for i := 0; len(out) < n; i++ {
		out = append(out, [2]byte{0xec, 0x11}[i%2])
	}
	return out
}

// interleave adds error correction to each block and mixes the blocks.
func (p *plan) interleave(data []byte) []byte {
	n, ecc := blocks(p.version, p.level), eccWords(p.version, p.level)
	all := allModules(p.version) / 8
	short := all/n - ecc // data of a short block; the last all%n blocks have one more
	nShort := n - all%n
	out := make([]byte, all)
	for b, at := 0, 0; b < n; b++ {
		size := short
		if b >= nShort {
			size++
		}
		for i, c := range data[at : at+size] {
			to := i*n + b
			if i == short {
				to = short*n + b - nShort
			}
			out[to] = c
		}
		for i, c := range p.field.remainder(data[at:at+size], p.divisor) {
			out[len(data)+i*n+b] = c
		}
		at += size
	}
	return out
}

func abs(v int) int { return max(v, -v) }

// field is GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1.
type field struct {
	exp [512]byte
	log [256]int
}

func newField() *field {
	f := &field{}
	x := 1
	for i := range 255 {
		f.exp[i], f.exp[i+255] = byte(x), byte(x)
		f.log[x] = i
		if x <<= 1; x > 255 {
			x ^= 0x11d
		}
	}
	return f
}

func (f *field) mul(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return f.exp[f.log[a]+f.log[b]]
}

// divisor is the product of (x - 2^i), the leading 1 left out.
func (f *field) divisor(degree int) []byte {
	out := make([]byte, degree)
	out[degree-1] = 1
	root := byte(1)
	for range degree {
		for j := range out {
			out[j] = f.mul(out[j], root)
			if j+1 < degree {
				out[j] ^= out[j+1]
			}
		}
		root = f.mul(root, 2)
	}
	return out
}

func (f *field) remainder(data, divisor []byte) []byte {
	out := make([]byte, len(divisor), len(divisor)+len(data))
	for _, c := range data {
		factor := c ^ out[0]
		out = append(out[1:], 0)
		if factor == 0 {
			continue
		}
		log := f.log[factor]
		for i, d := range divisor {
			if d != 0 {
				out[i] ^= f.exp[f.log[d]+log]
			}
		}
	}
	return out
}

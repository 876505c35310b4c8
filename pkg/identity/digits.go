package identity

import (
	"strconv"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// A short card read aloud is 32 groups of five digits: four digits of the number and a check digit
// (Verhoeff, 1969) that finds every single wrong digit and every swap of two neighbours.

const digitGroups = 32

// dihedral is the product in the dihedral group of order ten.
func dihedral(a, b int) int {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return 5 + (a+b-5)%5
	case b < 5:
		return 5 + (a-5+5-b)%5
	}
	return (a - b + 5) % 5
}

// verhoeff folds digits, the last of which stands at place 0, under the permutation of each place.
func verhoeff(digits []int, place int) int {
	permutation := [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	c := 0
	for i := range digits {
		d := digits[len(digits)-1-i]
		for range (i + place) % 8 {
			d = permutation[d]
		}
		c = dihedral(c, d)
	}
	return c
}

// checkDigit returns the digit that makes verhoeff of all zero.
func checkDigit(digits []int) int {
	inverse := [10]int{0, 4, 3, 2, 1, 5, 6, 7, 8, 9}
	return inverse[verhoeff(digits, 1)]
}

// Digits returns the card as 32 groups of five digits, for a voice or a telephone.
func (c ShortCard) Digits() string {
	b := c.Encode()
	groups := make([]string, 0, digitGroups)
	// 13 bits a group, four digits: 32 groups hold 416 of the card's 424 bits; the suite is told apart.
	bits := newBits(b[1:])
	for range digitGroups {
		groups = append(groups, group(bits.take(13)))
	}
	return strings.Join(groups, " ")
}

func group(v int) string {
	four := strconv.Itoa(10000 + v)[1:]
	digits := make([]int, 4)
	for i := range digits {
		digits[i] = int(four[i] - '0')
	}
	return four + strconv.Itoa(checkDigit(digits))
}

// bits reads and writes numbers of a few bits, the highest first.
type bits struct {
	b  []byte
	at int
}

func newBits(b []byte) *bits { return &bits{b: b} }

func (r *bits) take(n int) (v int) {
	for range n {
		v = v<<1 | int(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

func (r *bits) put(v, n int) {
	for i := n - 1; i >= 0; i-- {
		r.b[r.at/8] |= byte(v>>i&1) << (7 - r.at%8)
		r.at++
	}
}

// ParseDigits is the inverse of Digits for cards of Suite1. It takes Latin, Persian and Arabic digits
// and any space between groups, and names the group that was misheard. Errors wrap wire.ErrInvalid.
func ParseDigits(s string) (ShortCard, error) {
	fields := strings.Fields(s)
	if len(fields) != digitGroups {
		return ShortCard{}, wire.Invalid("%d groups of digits, %d expected", len(fields), digitGroups)
	}
	b := make([]byte, ShortCardSize)
	b[0] = Suite1
	out := newBits(b[1:])
	for i, f := range fields {
		v, ok := parseGroup(f)
		if !ok {
			return ShortCard{}, wire.Invalid("group %d is not right: ask for it again", i+1)
		}
		out.put(v, 13)
	}
	return DecodeShortCard(b)
}

func parseGroup(f string) (int, bool) {
	var digits []int
	for _, r := range f {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, int(r-'0'))
		case r >= '۰' && r <= '۹':
			digits = append(digits, int(r-'۰'))
		case r >= '٠' && r <= '٩':
			digits = append(digits, int(r-'٠'))
		default:
			return 0, false
		}
	}
	if len(digits) != 5 || verhoeff(digits, 0) != 0 {
		return 0, false
	}
	v := digits[0]*1000 + digits[1]*100 + digits[2]*10 + digits[3]
	return v, v < 1<<13
}

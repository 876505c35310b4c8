package wire

import "strings"

// Bech32m text (BIP-350) without the 90-character limit, which the project's longer cards exceed.

const (
	bech32Set   = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	bech32Const = 1
	bech32mXor  = 0x2bc830a3
)

func bech32Polymod(chk uint32, v byte) uint32 {
	gen := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	top := chk >> 25
	chk = (chk&0x1ffffff)<<5 ^ uint32(v)
	for i, g := range gen {
		if top>>i&1 == 1 {
			chk ^= g
		}
	}
	return chk
}

func bech32Start(hrp string) uint32 {
	chk := uint32(1)
	for i := range len(hrp) {
		chk = bech32Polymod(chk, hrp[i]>>5)
	}
	chk = bech32Polymod(chk, 0)
	for i := range len(hrp) {
		chk = bech32Polymod(chk, hrp[i]&31)
	}
	return chk
}

// EncodeBech32m returns hrp ‖ "1" ‖ data in 5-bit groups ‖ checksum, in lower case.
func EncodeBech32m(hrp string, data []byte) string {
	var b strings.Builder
	b.WriteString(hrp + "1")
	chk, acc, bits := bech32Start(hrp), uint32(0), 0
	put := func(v byte) {
		b.WriteByte(bech32Set[v])
		chk = bech32Polymod(chk, v)
	}
	for _, c := range data {
		acc, bits = acc<<8|uint32(c), bits+8
		for ; bits >= 5; bits -= 5 {
			put(byte(acc>>(bits-5)) & 31)
		}
	}
	if bits > 0 {
		put(byte(acc<<(5-bits)) & 31)
	}
	for range 6 {
		chk = bech32Polymod(chk, 0)
	}
	chk ^= bech32mXor
	for i := range 6 {
		b.WriteByte(bech32Set[chk>>(5*(5-i))&31])
	}
	return b.String()
}

// DecodeBech32m is the inverse of EncodeBech32m; all upper case is accepted, mixed case is not.
// The data may be at most max bytes. Text whose checksum is that of plain bech32 is refused by name.
func DecodeBech32m(s string, max int) (hrp string, data []byte, err error) {
	for i := range len(s) {
		if s[i] < 33 || s[i] > 126 { // also keeps the Kelvin sign from being lowered to a k
			return "", nil, Invalid("character %d is not allowed", i+1)
		}
	}
	low := strings.ToLower(s)
	if low != s && strings.ToUpper(s) != s {
		return "", nil, Invalid("mixed upper and lower case")
	}
	at := strings.LastIndexByte(low, '1')
	if at < 1 || len(low)-at-1 < 6 || len(low)-at-7 > (max*8+4)/5 {
		return "", nil, Invalid("wrong length or no separator")
	}
	hrp = low[:at]
	data, err = bech32Data(hrp, low[at+1:])
	return hrp, data, err
}

func bech32Data(hrp, body string) ([]byte, error) {
	chk, acc, bits := bech32Start(hrp), uint32(0), 0
	data := make([]byte, 0, len(body)*5/8)
	for i := range len(body) {
		v := strings.IndexByte(bech32Set, body[i])
		if v < 0 {
			return nil, Invalid("character %d is not of the alphabet", i+len(hrp)+2)
		}
		chk = bech32Polymod(chk, byte(v))
		if i >= len(body)-6 {
			continue
		}
		acc, bits = acc<<5|uint32(v), bits+5
		if bits >= 8 {
			bits -= 8
			data = append(data, byte(acc>>bits))
		}
	}
	switch {
	case chk == bech32Const:
		return nil, Invalid("bech32 checksum where bech32m was expected")
	case chk != bech32mXor:
		return nil, Invalid("wrong checksum: a character is mistyped or missing")
	case bits >= 5 || acc&(1<<bits-1) != 0:
		return nil, Invalid("non-zero padding")
	}
	return data, nil
}

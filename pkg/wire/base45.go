package wire

import "strings"

const base45Set = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// EncodeBase45 returns data in base45 (RFC 9285), the alphabet of QR's alphanumeric mode.
func EncodeBase45(data []byte) string {
	var b strings.Builder
	for ; len(data) >= 2; data = data[2:] {
		v := int(data[0])<<8 | int(data[1])
		b.WriteByte(base45Set[v%45])
		b.WriteByte(base45Set[v/45%45])
		b.WriteByte(base45Set[v/2025])
	}
	if len(data) == 1 {
		b.WriteByte(base45Set[data[0]%45])
		b.WriteByte(base45Set[data[0]/45])
	}
	return b.String()
}

// DecodeBase45 is the inverse of EncodeBase45 and refuses groups out of range.
func DecodeBase45(s string) ([]byte, error) {
	if len(s)%3 == 1 {
		return nil, Invalid("base45 of %d characters", len(s))
	}
	out := make([]byte, 0, len(s)/3*2+1)
	for ; len(s) > 0; s = s[min(3, len(s)):] {
		v, w := 0, 1
		for i := range min(3, len(s)) {
			d := strings.IndexByte(base45Set, s[i])
			if d < 0 {
				return nil, Invalid("character not of base45")
			}
			v += d * w
			w *= 45
		}
		switch {
		case len(s) >= 3 && v < 1<<16:
			out = append(out, byte(v>>8), byte(v))
		case len(s) == 2 && v < 1<<8:
			out = append(out, byte(v))
		default:
			return nil, Invalid("base45 group out of range")
		}
	}
	return out, nil
}

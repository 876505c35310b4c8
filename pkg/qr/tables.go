package qr

// eccWords is the number of error correction codewords of each block by version (ISO/IEC 18004 table 9).
func eccWords(version int, l Level) int {
	return int([4]string{
		"\x07\x0a\x0f\x14\x1a\x12\x14\x18\x1e\x12\x14\x18\x1a\x1e\x16\x18\x1c\x1e\x1c\x1c\x1c\x1c\x1e\x1e\x1a\x1c\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e",
		"\x0a\x10\x1a\x12\x18\x10\x12\x16\x16\x1a\x1e\x16\x16\x18\x18\x1c\x1c\x1a\x1a\x1a\x1a\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c",
		"\x0d\x16\x12\x1a\x12\x18\x12\x16\x14\x18\x1c\x1a\x18\x14\x1e\x18\x1c\x1c\x1a\x1e\x1c\x1e\x1e\x1e\x1e\x1c\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e",
		"\x11\x1c\x16\x10\x16\x1c\x1a\x1a\x18\x1c\x18\x1c\x16\x18\x18\x1e\x1c\x1c\x1a\x1c\x1e\x18\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e\x1e",
	}[l][version-1])
}

// blocks is the number of blocks of a version (table 9).
func blocks(version int, l Level) int {
	return [4][40]int{
		{1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25},
		{1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49},
		{1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20, 23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68},
		{1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25, 25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81},
	}[l][version-1]
}

// allModules is how many modules of a version carry codewords and remainder bits.
func allModules(version int) int {
	n := (16*version+128)*version + 64
	if version >= 2 {
		a := version/7 + 2
		n -= (25*a-10)*a - 55
	}
	if version >= 7 {
		n -= 36
	}
	return n
}

// dataWords is how many codewords of a version carry data.
func dataWords(version int, l Level) int {
	return allModules(version)/8 - eccWords(version, l)*blocks(version, l)
}

// countBits is the width of the length of a byte segment.
func countBits(version int) int {
	if version < 10 {
		return 8
	}
	return 16
}

// Capacity is how many bytes a symbol of a version holds in byte mode.
func Capacity(version int, l Level) int {
	return (dataWords(version, l)*8 - 4 - countBits(version)) / 8
}

// VersionFor is the smallest version that holds n bytes in byte mode; 0 when none does.
func VersionFor(n int, l Level) int {
	for v := 1; v <= 40; v++ {
		if Capacity(v, l) >= n {
			return v
		}
	}
	return 0
}

// alignments are the places of alignment patterns in one direction.
func alignments(version int) []int {
	if version == 1 {
		return nil
	}
	n := version/7 + 2
	step := (version*4 + n*2 + 1) / (n*2 - 2) * 2
	if version == 32 {
		step = 26
	}
	out := make([]int, n)
	out[0] = 6
	for i, at := n-1, version*4+10; i > 0; i, at = i-1, at-step {
		out[i] = at
	}
	return out
}

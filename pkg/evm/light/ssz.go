package light

import "encoding/binary"

// reader takes fixed fields off the front of one container. The first fault sticks.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u64() uint64      { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *reader) offset() int      { return int(binary.LittleEndian.Uint32(r.take(4))) }
func (r *reader) root() (out Root) { copy(out[:], r.take(32)); return out }

func (r *reader) branch(gindex int) []Root {
	out := make([]Root, depth(gindex))
	for i := range out {
		out[i] = r.root()
	}
	return out
}

func appendU64(b []byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(b, n) }
func appendOffset(b []byte, n int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(n)) }

func appendBranch(b []byte, branch []Root) []byte {
	for _, r := range branch {
		b = append(b, r[:]...)
	}
	return b
}

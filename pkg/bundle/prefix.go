package bundle

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"

	"golang.org/x/crypto/chacha20"
)

// A file has its slots twice, in its first sectors and in its last ones, each time under a salt of its own: nothing that
// stands twice tells that it is a bundle. The bodies of those sectors hold salt and slots; the rest is keystream. What the
// two bodies differ in, the bridge, is data of the file, veiled like parity: the courier key makes each copy of the other.
const (
	front = 0
	tail  = 1
)

// endSum tells which copy is right.
type endSum [12]byte

func sumEnd(b []byte) (s endSum) {
	sum := sha256.Sum256(b)
	copy(s[:], sum[:])
	return s
}

// fillEnd returns what copy which of the prefix holds where no slot is.
func fillEnd(k *fileKeys, sectors, which int) []byte {
	nonce := make([]byte, 12)
	nonce[11] = byte(which)
	c, err := chacha20.NewUnauthenticatedCipher(k.fill[:], nonce)
	if err != nil {
		panic("bundle: " + err.Error()) // key and nonce have their lengths
	}
	b := make([]byte, sectors*SectorSize)
	c.XORKeyStream(b, b)
	return b
}

// area returns the bodies of sectors back to back.
func area(b []byte) []byte {
	out := make([]byte, 0, len(b)/SectorSize*sectorBody)
	for ; len(b) >= SectorSize; b = b[SectorSize:] {
		out = append(out, b[:sectorBody]...)
	}
	return append(out, b[:min(len(b), sectorBody)]...)
}

// setArea writes bodies into sectors.
func setArea(b, bodies []byte) {
	for i := 0; len(bodies) > 0; i++ {
		bodies = bodies[copy(b[i*SectorSize:i*SectorSize+sectorBody], bodies):]
	}
}

// prefixOf builds one copy of the prefix: salt, slots, and keystream behind.
func prefixOf(k *fileKeys, r *Recipients, sectors, which int, salt [saltSize]byte) ([]byte, error) {
	b := fillEnd(k, sectors, which)
	bodies := area(b)
	copy(bodies, salt[:])
	slots, err := r.slots(salt[:], k.file)
	if err != nil {
		return nil, err
	}
	at := unit
	for _, s := range slots {
		at += copy(bodies[at:], s)
	}
	setArea(b, bodies)
	return b, nil
}

// bridgeOf returns what the bodies of two copies differ in.
func bridgeOf(a, b []byte) []byte {
	x, y := area(a), area(b)
	subtle.XORBytes(x, x, y)
	return x
}

// across makes copy which of the other one.
func (f *File) across(copied, bridge []byte, which int) []byte {
	if f.k.plain {
		return bytes.Clone(copied)
	}
	if bridge == nil || copied == nil {
		return nil
	}
	bodies := area(copied)
	subtle.XORBytes(bodies, bodies, bridge)
	b := fillEnd(f.k, f.prefix, which)
	setArea(b, bodies)
	return b
}

// bridge reads what the copies of the prefix differ in; nil when it is lost, or the file has none.
func (f *File) bridge() ([]byte, error) {
	pos := f.pos
	defer func() { f.pos = pos }()
	f.pos = int64(f.prefix) * SectorSize
	out := make([]byte, 0, f.prefix*sectorBody)
	for n := uint32(0); len(out) < cap(out); n++ {
		w, err := f.window(n)
		if err == nil && w != nil {
			err = f.mend(w)
		}
		if err != nil || w == nil || !w.bridged || w.offset != int64(len(out)) {
			return nil, err
		}
		for i := 0; i < w.data && len(out) < cap(out); i++ {
			if len(w.shards[i]) == 0 {
				return nil, nil
			}
			at := len(out)
			out = append(out, w.shards[i]...)
			f.pool.sealers[0].veil(out[at:], n, i)
		}
	}
	return out, nil
}

// endsAt reads both copies of the prefix as they stand in the file, and says which are right.
func (f *File) endsAt(end int64) (copies [2][]byte, good [2]bool, err error) {
	n := f.prefix * SectorSize
	for i, off := range []int64{0, end} {
		if copies[i], err = readSome(f.r, f.size, off, n); err != nil {
			return copies, good, err
		}
		good[i] = len(copies[i]) == n && sumEnd(copies[i]) == f.ends[i]
	}
	return copies, good, nil
}

// prefixes says which copies are right, once the file was walked.
func (f *File) prefixes() ([2]bool, error) {
	end := f.size - int64(f.prefix)*SectorSize
	if f.pos > 0 && f.pos < end {
		end = f.pos // behind the last window: something may follow the bundle
	}
	_, good, err := f.endsAt(end)
	return good, err
}

// mendEnds returns both copies, each right, or as it stands in the file where it cannot be had.
func (f *File) mendEnds() (copies [2][]byte, right bool, err error) {
	copies, good, err := f.endsAt(f.size - int64(f.prefix)*SectorSize)
	if err != nil || good[front] && good[tail] {
		return copies, err == nil, err
	}
	bridge, err := f.bridge()
	if err != nil {
		return copies, false, err
	}
	if !good[front] && !good[tail] {
		if c := f.joinEnds(copies, bridge); c != nil {
			copies[front], good[front] = c, true
		} else if err := f.findEnds(&copies, &good); err != nil {
			return copies, false, err
		}
	}
	for which := range copies {
		if c := copies[1-which]; !good[which] && good[1-which] {
			if c = f.across(c, bridge, which); c != nil && sumEnd(c) == f.ends[which] {
				copies[which], good[which] = c, true
			}
		}
		if c := copies[which]; len(c) != f.prefix*SectorSize {
			copies[which] = append(c, make([]byte, f.prefix*SectorSize-len(c))...)
		}
	}
	return copies, good[front] && good[tail], nil
}

// maxDiffer is in how many units of 64 bytes two copies of a prefix may differ to be joined.
const maxDiffer = 12

// joinEnds makes a good first copy of two damaged ones: each unit is right in one of them.
func (f *File) joinEnds(copies [2][]byte, bridge []byte) []byte {
	n := f.prefix * SectorSize
	if len(copies[front]) != n || len(copies[tail]) != n {
		return nil
	}
	other := f.across(copies[tail], bridge, front)
	if other == nil {
		return nil
	}
	var differ []int
	for at := 0; at < n; at += unit {
		if !bytes.Equal(copies[front][at:at+unit], other[at:at+unit]) {
			differ = append(differ, at)
		}
	}
	if len(differ) > maxDiffer {
		return nil
	}
	out := bytes.Clone(copies[front])
	for pick := range 1 << len(differ) {
		for i, at := range differ {
			copy(out[at:at+unit], [2][]byte{copies[front], other}[pick>>i&1][at:])
		}
		if sumEnd(out) == f.ends[front] {
			return out
		}
	}
	return nil
}

// findEnds looks for whole copies at every sector of the file: the keystream behind a body tells where one may be.
func (f *File) findEnds(copies *[2][]byte, good *[2]bool) error {
	n := f.prefix * SectorSize
	marks := [2][]byte{fillEnd(f.k, 1, front)[sectorBody:], fillEnd(f.k, 1, tail)[sectorBody:]}
	for off := int64(0); off+int64(n) <= f.size; off += SectorSize {
		b, err := readSome(f.r, f.size, off, n)
		if err != nil {
			return err
		}
		for which := range marks {
			if len(b) == n && !good[which] && bytes.Equal(b[sectorBody:SectorSize], marks[which]) && sumEnd(b) == f.ends[which] {
				copies[which], good[which] = b, true
			}
		}
	}
	return nil
}

package bundle

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/reedsolomon"
)

// Join puts the whole together from parts of one split. Parts may be damaged: each row needs as many good sectors as
// the whole needs parts. create is called before each try: when all sectors are good and the sum is wrong, a part was
// forged by somebody who has the key, and the others are tried without one after the other. Rows that cannot be had
// are zeros, and the error is ErrDamaged; the bundle's own parity may mend them.
func Join(parts []*Part, create func() (io.Writer, error)) (bad []int, err error) {
	parts, err = alike(parts)
	if err != nil {
		return nil, err
	}
	h := parts[0].PartHead
	most := int64(0)
	for _, p := range parts {
		most = max(most, p.f.size/SectorSize)
	}
	if h.rows() > joinHoles*(most+1) {
		return nil, fmt.Errorf("%w: %d rows are named, and no part has more than %d sectors", ErrParts, h.rows(), most)
	}
	try := func(set []*Part) (bool, int64, error) {
		w, err := create()
		if err != nil {
			return false, 0, err
		}
		return joinOnce(w, h, set)
	}
	ok, lost, err := try(parts)
	if err != nil || ok {
		return nil, err
	}
	if lost > 0 {
		return nil, fmt.Errorf("%d rows have fewer than %d good sectors: %w", lost, h.Need, ErrDamaged)
	}
	for i := range parts {
		if len(parts) <= int(h.Need) {
			break
		}
		set := slices.Delete(slices.Clone(parts), i, i+1)
		if ok, _, err = try(set); err != nil || ok {
			return []int{int(parts[i].Index)}, err
		}
	}
	return nil, fmt.Errorf("the parts give another file than was split: %w", ErrForged)
}

// joinHoles bounds how much longer a file is written than its parts are: a few bytes that name a huge whole fill no disk.
const joinHoles = 64

// alike keeps the parts of the split that most are of, one of each number.
func alike(parts []*Part) ([]*Part, error) {
	count := map[PartHead]int{}
	best := PartHead{}
	kind := func(p *Part) PartHead { h := p.PartHead; h.Index, h.Salt = 0, [saltSize]byte{}; return h }
	for _, p := range parts {
		if k := kind(p); true {
			if count[k]++; count[k] > count[best] {
				best = k
			}
		}
	}
	var out []*Part
	for _, p := range parts {
		if kind(p) == best && !slices.ContainsFunc(out, func(o *Part) bool { return o.Index == p.Index }) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *Part) int { return cmp.Compare(a.Index, b.Index) })
	if len(out) == 0 || len(out) < int(best.Need) {
		return nil, fmt.Errorf("%w: %d of %d", ErrParts, len(out), best.Need)
	}
	return out, nil
}

func joinOnce(w io.Writer, h PartHead, parts []*Part) (ok bool, lost int64, err error) {
	enc, err := reedsolomon.New(int(h.Need), int(h.N)-int(h.Need))
	if err != nil {
		return false, 0, err
	}
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	left := h.Total
	rows := h.rows()
	for _, p := range parts {
		p.f.pos, p.Lost = saltSize+SectorSize, 0
	}
	for at := int64(0); at < rows; at += splitRows {
		window, _, s := rowShape(at, rows)
		cols := make([][][]byte, h.N)
		for _, p := range parts {
			if cols[p.Index], err = p.window(window, s.data); err != nil {
				return false, 0, err
			}
		}
		for i := range s.data {
			row := make([][]byte, h.N)
			for c := range cols {
				if cols[c] != nil {
					row[c] = cols[c][i]
				}
			}
			if enc.ReconstructData(row) != nil {
				lost++
			}
			for _, b := range row[:h.Need] {
				if len(b) == 0 {
					b = make([]byte, sectorBody)
				}
				n, err := out.Write(b[:min(left, sectorBody)])
				if err != nil {
					return false, 0, err
				}
				left -= int64(n)
			}
		}
	}
	return lost == 0 && [32]byte(sum.Sum(nil)) == h.Sum, lost, nil
}

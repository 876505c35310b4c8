package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

func splitOf(t *testing.T, whole []byte, n, need int, key SplitKey) [][]byte {
	t.Helper()
	parts := make([]bytes.Buffer, n)
	err := Split(bytes.NewReader(whole), int64(len(whole)), n, need, key, func(i int) (io.Writer, error) { return &parts[i], nil })
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]byte, n)
	for i := range parts {
		out[i] = parts[i].Bytes()
	}
	return out
}

func joinOf(t *testing.T, files [][]byte, key SplitKey) ([]byte, []int, error) {
	t.Helper()
	var parts []*Part
	for _, f := range files {
		p, err := OpenPart(bytes.NewReader(f), int64(len(f)), key)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	var out bytes.Buffer
	bad, err := Join(parts, func() (io.Writer, error) { out.Reset(); return &out, nil })
	return out.Bytes(), bad, err
}

func TestSplit(t *testing.T) {
	k := keyOf(4)
	for _, key := range []SplitKey{{Key: &k}, {}} {
		for _, size := range []int{1, 5000, 900001} {
			whole := seeded(uint64(size), size)
			parts := splitOf(t, whole, 5, 3, key)
			if most := size/3 + size/3*16/1000 + 4*SectorSize + 64; len(parts[0]) > most {
				t.Errorf("a part of %d bytes has %d, more than %d", size, len(parts[0]), most)
			}
			for a := range 5 {
				for b := range a {
					set := [][]byte{}
					for i, p := range parts {
						if i != a && i != b {
							set = append(set, p)
						}
					}
					got, _, err := joinOf(t, set, key)
					if err != nil || !bytes.Equal(got, whole) {
						t.Fatalf("%d bytes without %d and %d: %v", size, a, b, err)
					}
				}
			}
			if _, _, err := joinOf(t, parts[:2], key); !errors.Is(err, ErrParts) {
				t.Errorf("two parts of three: %v", err)
			}
		}
	}
}

// TestSplitDamage takes a third of each part away: what the others have at that place fills it.
func TestSplitDamage(t *testing.T) {
	k := keyOf(4)
	key := SplitKey{Key: &k}
	whole := seeded(1, 3<<20)
	parts := splitOf(t, whole, 3, 2, key)
	for i := range parts {
		n := len(parts[i])
		clear(parts[i][n/10+i*n/4 : n/10+(i+1)*n/4-SectorSize])
	}
	got, _, err := joinOf(t, parts, key)
	if err != nil || !bytes.Equal(got, whole) {
		t.Fatal(err)
	}
	parts[1] = append(parts[1][:50000], parts[1][50777:]...) // bytes lost in the middle
	if got, _, err = joinOf(t, parts, key); err != nil || !bytes.Equal(got, whole) {
		t.Fatal(err)
	}
	if _, err := OpenPart(bytes.NewReader(parts[0]), int64(len(parts[0])), SplitKey{}); !errors.Is(err, ErrNotForUs) {
		t.Errorf("a part opens without its key: %v", err)
	}
}

// TestSplitForged leaves out the part that somebody with the key made up.
func TestSplitForged(t *testing.T) {
	k := keyOf(4)
	key := SplitKey{Key: &k}
	whole := seeded(1, 100000)
	parts := splitOf(t, whole, 4, 2, key)
	p, err := OpenPart(bytes.NewReader(parts[1]), int64(len(parts[1])), key)
	if err != nil {
		t.Fatal(err)
	}
	var forged bytes.Buffer
	w, err := newPartWriter(&forged, p.PartHead, key, keyOf(5))
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.rows() {
		if err := w.row(seeded(uint64(i), sectorBody)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	parts[1] = forged.Bytes()
	got, bad, err := joinOf(t, parts, key)
	if err != nil || !bytes.Equal(got, whole) || fmt.Sprint(bad) != "[1]" {
		t.Errorf("%v, bad %v", err, bad)
	}
	if _, _, err := joinOf(t, parts[:2], key); !errors.Is(err, ErrForged) {
		t.Errorf("a forged part of two: %v", err)
	}
}

// TestSplitHole: a small part that names a huge whole is refused before anything is written.
func TestSplitHole(t *testing.T) {
	var file bytes.Buffer
	k := SplitKey{}
	if _, err := newPartWriter(&file, PartHead{Need: 1, N: 1, Total: 1 << 30, Salt: keyOf(1)}, k, keyOf(2)); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPart(bytes.NewReader(file.Bytes()), int64(file.Len()), k)
	if err != nil {
		t.Fatal(err)
	}
	wrote := int64(0)
	_, err = Join([]*Part{p}, func() (io.Writer, error) { return countWriter{&wrote}, nil })
	if !errors.Is(err, ErrParts) || wrote != 0 {
		t.Errorf("%d bytes written, %v", wrote, err)
	}
}

type countWriter struct{ n *int64 }

func (c countWriter) Write(p []byte) (int, error) { *c.n += int64(len(p)); return len(p), nil }

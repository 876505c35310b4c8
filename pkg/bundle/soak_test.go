//go:build soak

package bundle

import (
	"fmt"
	"io"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// TestDamageLong is 10,000 cases of damage.
func TestDamageLong(t *testing.T) { damageCases(t, 10_000/len(damages())+1, 1<<20) }

// TestLarge packs, reads and repairs a bundle of PARS_LARGE GiB (4) with little memory: GOMEMLIMIT as on a machine of
// 512 MB, and the peak of the process is told and bounded.
func TestLarge(t *testing.T) {
	gib := int64(4)
	if s := os.Getenv("PARS_LARGE"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		gib = n
	}
	debug.SetMemoryLimit(128 << 20)
	path := filepath.Join(t.TempDir(), "large")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src := random{gib << 30}
	outline, err := OutlineOf(src, src.size)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Pack(f, func(yield func(Record) error) error { return outline.Pieces(src, yield) }, sealed(keyOf(1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("packed %d bytes, peak %d kB", p.Size, peak(t))
	for i := range 100 { // damage it here and there
		if _, err := f.WriteAt(seeded(uint64(i), SectorSize), p.Size/101*int64(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Open(f, p.Size, Keys{Groups: []Key{keyOf(1)}})
	if err != nil {
		t.Fatal(err)
	}
	next := int64(0)
	buf := make([]byte, PieceSize)
	err = b.Check(func(c *Chunk) error {
		for _, r := range c.Records {
			x, err := DecodePiece(r.Payload)
			if err != nil || int64(x.Number)*PieceSize != next {
				return fmt.Errorf("piece at %d: %v", next, err)
			}
			src.ReadAt(buf[:len(x.Data)], next)
			if string(buf[:len(x.Data)]) != string(x.Data) {
				return fmt.Errorf("piece at %d is another", next)
			}
			next += int64(len(x.Data))
		}
		return nil
	})
	if err != nil || next != src.size || !b.Report.Sound() || b.Report.Sectors.Repaired == 0 {
		t.Fatalf("%v, %d of %d, %+v", err, next, src.size, b.Report)
	}
	c, err := Open(f, p.Size, Keys{Courier: &p.Courier})
	if err == nil {
		err = c.Repair(io.Discard)
	}
	if err != nil {
		t.Fatal(err)
	}
	if kb := peak(t); kb > 192<<10 {
		t.Errorf("peak of %d kB", kb)
	} else {
		t.Logf("peak %d kB", kb)
	}
}

// random is a file of bytes that do not compress.
type random struct{ size int64 }

// ReadAt gives the bytes of whole pieces.
func (r random) ReadAt(b []byte, off int64) (int, error) {
	mrand.NewChaCha8([32]byte{byte(off >> 16), byte(off >> 24), byte(off >> 32), 1}).Read(b)
	return len(b), nil
}

// peak is the most memory the process ever had, in kB.
func peak(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err) // skip: only Linux tells the most memory a process had
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

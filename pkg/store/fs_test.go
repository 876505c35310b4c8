package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/store/storetest"
)

func TestFS(t *testing.T) {
	t.Run("os", func(t *testing.T) { storetest.RunFS(t, store.OS(t.TempDir())) })
	t.Run("disk", func(t *testing.T) { storetest.RunFS(t, storetest.NewDisk()) })
}

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes") // skip: Windows has none
	}
	root := filepath.Join(t.TempDir(), "home")
	if err := store.WriteAtomic(store.OS(root), "sub/a", nil); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{"": 0o700, "sub": 0o700, "sub/a": 0o600} {
		info, err := os.Stat(filepath.Join(root, path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

// WriteAtomic leaves the old or the new content, never a part, whatever of it reached the disk.
func TestWriteAtomic(t *testing.T) {
	old, data := bytes.Repeat([]byte("old"), 900), bytes.Repeat([]byte("newer"), 700)
	seen := map[string]bool{}
	for k := 1; ; k++ {
		d := storetest.NewDisk()
		if err := store.WriteAtomic(d, "a", old); err != nil {
			t.Fatal(err)
		}
		d.StopIn(k)
		err := store.WriteAtomic(d, "a", data)
		if err != nil && !errors.Is(err, storetest.ErrPower) {
			t.Fatal(err)
		}
		for v := range storetest.Variants {
			got, rerr := d.Torn(v).ReadFile("a")
			if rerr != nil || !bytes.Equal(got, data) && (err == nil || !bytes.Equal(got, old)) {
				t.Errorf("operation %d, variant %d: %d bytes, %v", k, v, len(got), rerr)
			}
			seen[string(got)] = true
		}
		if err == nil {
			break
		}
	}
	if len(seen) != 2 {
		t.Errorf("saw %d contents, want old and new", len(seen))
	}
}

// A write in place is torn in as many ways as the disk can tear it.
func TestTornVariants(t *testing.T) {
	d := storetest.NewDisk()
	if err := store.WriteAtomic(d, "a", bytes.Repeat([]byte{1}, 2048)); err != nil {
		t.Fatal(err)
	}
	d.StopIn(1)
	_ = d.WriteSync("a", bytes.Repeat([]byte{2}, 2048), 0o600)
	seen := map[string]bool{}
	for v := range storetest.Variants {
		got, err := d.Torn(v).ReadFile("a")
		if err != nil {
			t.Errorf("variant %d: %v", v, err)
		}
		seen[string(got)] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d different contents, want 10", len(seen))
	}
	if err := d.Rename("a", "b"); !errors.Is(err, storetest.ErrPower) {
		t.Errorf("works without power: %v", err)
	}
}

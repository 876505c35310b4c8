package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

const damageRecords = 3000

func damageValue(i int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "value %d ", i), 1+i*7%90)
}

// damageTemplate makes a store with tables, value log and a write-ahead log that was not closed.
func damageTemplate(t *testing.T, dir string) {
	t.Helper()
	live := t.TempDir()
	for part := range 2 {
		s, err := store.New(openBadger(t, live), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := part; i < damageRecords; i += 2 {
			var b store.Batch
			for ; b.Len() < 300 && i < damageRecords; i += 2 {
				s.Root().Put(&b, store.TableBody, fmt.Appendf(nil, "%06d", i), damageValue(i))
			}
			i -= 2
			if err := s.Commit(&b); err != nil {
				t.Fatal(err)
			}
		}
		if part == 1 {
			copyStore(t, live, dir)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// copyStore copies a store that does not move, with its holes.
func copyStore(t testing.TB, from, to string) {
	t.Helper()
	names, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(to), os.MkdirAll(to, 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		data, err := os.ReadFile(filepath.Join(from, n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, n.Name())
		err = errors.Join(os.WriteFile(path, bytes.TrimRight(data, "\x00"), 0o600), os.Truncate(path, int64(len(data))))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// flip changes one bit in the used part of one file and says where.
func flip(t *testing.T, dir string, r *rand.Rand) string {
	t.Helper()
	for range 100 {
		files, _ := filepath.Glob(filepath.Join(dir, "0*")) // tables and logs
		if r.IntN(5) == 0 {
			files, _ = filepath.Glob(filepath.Join(dir, "*"))
		}
		path := files[r.IntN(len(files))]
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		used := len(bytes.TrimRight(data, "\x00"))
		if only := os.Getenv("PARS_STORE_FLIP_ONLY"); used == 0 || !strings.HasSuffix(path, only) || filepath.Base(path) == "LOCK" {
			continue
		}
		at := r.IntN(used)
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt([]byte{data[at] ^ 1<<r.IntN(8)}, int64(at))
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s+%d", filepath.Base(path), at)
	}
	t.Fatal("nothing to flip")
	return ""
}

// damageChild damages copies and reads them: "template work seed from to". It prints one line a copy, before and after.
func damageChild(t *testing.T, args []string) {
	seed, _ := strconv.ParseUint(args[2], 10, 64)
	from, _ := strconv.Atoi(args[3])
	to, _ := strconv.Atoi(args[4])
	for i := from; i < to; i++ {
		copyStore(t, args[0], args[1])
		fmt.Printf("flip %d %s\n", i, flip(t, args[1], rand.New(rand.NewPCG(seed, uint64(i)))))
		e, err := store.OpenBadger(args[1], store.BadgerOptions{Phone: true})
		if err != nil {
			fmt.Printf("read %d 0 0 %v\n", i, errors.Is(err, store.ErrCorrupt))
			return // the parent looks at what is left
		}
		good, wrong := readDamaged(t, e)
		fmt.Printf("read %d %d %d true\n", i, good, wrong)
	}
}

// readDamaged counts records that open with the right and with a wrong value, and closes.
func readDamaged(t *testing.T, e store.Engine) (good, wrong int) {
	t.Helper()
	s, err := store.New(e, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range damageRecords {
		got, err := s.Root().Get(store.TableBody, fmt.Appendf(nil, "%06d", i))
		switch {
		case err == nil && bytes.Equal(got, damageValue(i)):
			good++
		case err == nil:
			wrong++
		}
	}
	_ = s.Root().Scan(store.TableBody, nil, func(rest, plain []byte, err error) bool {
		if i, nerr := strconv.Atoi(string(rest)); err == nil && (nerr != nil || !bytes.Equal(plain, damageValue(i))) {
			wrong++
		}
		return true
	})
	_ = s.Close() // may well fail
	return good, wrong
}

func salvageChild(t *testing.T, args []string) {
	n, err := store.Salvage(args[0], args[1])
	fmt.Printf("saved %d %d %v\n", n.Records, n.Gaps, err)
}

// One flipped bit anywhere in the files gives no wrong value, and where it ends the process the rest can be salvaged.
func TestDamagedFiles(t *testing.T) {
	flips := 40
	if testing.Short() {
		flips = 12
	}
	if n, err := strconv.Atoi(os.Getenv("PARS_STORE_FLIPS")); err == nil {
		flips = n
	}
	base := t.TempDir()
	template, work := filepath.Join(base, "template"), filepath.Join(base, "work")
	damageTemplate(t, template)
	seed := rand.Uint64()
	died, worst := 0, damageRecords
	for next := 0; next < flips; {
		last, where, good, ok := runDamage(t, template, work, seed, next, flips)
		worst = min(worst, good)
		if next = last + 1; !ok {
			died++
			t.Logf("seed=%d flip %d at %s: died, hung or did not open", seed, last, where)
			salvaged(t, work, filepath.Join(base, "saved"))
		}
	}
	t.Logf("%d flips, %d of them ended or stopped the process or did not open, worst store that opened gave %d of %d records", flips, died, worst, damageRecords)
}

// runDamage follows a child until it ends or a store does not open.
func runDamage(t *testing.T, template, work string, seed uint64, next, flips int) (last int, where string, worst int, ok bool) {
	t.Helper()
	c := startChild(t, "damage", template, work, strconv.FormatUint(seed, 10), strconv.Itoa(next), strconv.Itoa(flips))
	defer func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() }()
	last, worst = next, damageRecords
	for line, more := c.next(); more; line, more = c.next() {
		var i, good, wrong int
		var sound bool
		if _, err := fmt.Sscanf(line, "flip %d %s", &i, &where); err == nil {
			last, ok = i, false
		}
		if _, err := fmt.Sscanf(line, "read %d %d %d %t", &i, &good, &wrong, &sound); err == nil {
			if ok = good > 0; !ok && !sound {
				t.Errorf("flip at %s: error is not ErrCorrupt", where)
			}
			if ok {
				worst = min(worst, good)
			}
			if ext := filepath.Ext(where); strings.HasPrefix(ext, ".sst") || strings.HasPrefix(ext, ".vlog") {
				t.Logf("flip at %s: %d records", where, good)
			}
			if wrong > 0 {
				t.Errorf("seed=%d flip %d at %s: %d wrong values", seed, i, where, wrong)
			}
		}
	}
	return last, where, worst, ok
}

// salvaged saves what is left and checks it.
func salvaged(t *testing.T, work, dst string) {
	t.Helper()
	if err := os.RemoveAll(dst); err != nil {
		t.Fatal(err)
	}
	c := startChild(t, "salvage", work, dst)
	said := "nothing"
	for line, more := c.next(); more; line, more = c.next() {
		if strings.HasPrefix(line, "saved") {
			said = line
		}
	}
	_ = c.cmd.Wait()
	t.Logf("salvage said: %s", said)
	if e, err := store.OpenBadger(dst, store.BadgerOptions{Phone: true}); err == nil {
		good, wrong := readDamaged(t, e)
		t.Logf("salvaged %d of %d", good, damageRecords)
		if wrong > 0 {
			t.Errorf("%d wrong values after salvage", wrong)
		}
	}
}

// A flip in the value log of a store that was closed costs one record, not all behind it.
func TestClosedLogIsNotCut(t *testing.T) {
	dir := t.TempDir()
	s, err := store.New(openBadger(t, dir), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < damageRecords; {
		var b store.Batch
		for ; b.Len() < 500; i++ {
			s.Root().Put(&b, store.TableBody, fmt.Appendf(nil, "%06d", i), damageValue(i))
		}
		if err := s.Commit(&b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "000001.vlog"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	at, b := int64(1000), make([]byte, 1)
	_, err = f.ReadAt(b, at)
	b[0] ^= 4
	_, werr := f.WriteAt(b, at)
	if err := errors.Join(err, werr, f.Close()); err != nil {
		t.Fatal(err)
	}
	if good, wrong := readDamaged(t, openBadger(t, dir)); good < damageRecords-1 || wrong != 0 {
		t.Errorf("%d of %d records left, %d wrong", good, damageRecords, wrong)
	}
}

func TestSalvageOfASoundStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "unclosed")
	damageTemplate(t, dir)
	dst := filepath.Join(t.TempDir(), "new")
	n, err := store.Salvage(dir, dst)
	if err != nil || n.Records != damageRecords || n.Gaps != 0 {
		t.Fatalf("got %+v, %v", n, err)
	}
	if good, wrong := readDamaged(t, openBadger(t, dst)); good != damageRecords || wrong != 0 {
		t.Errorf("%d good, %d wrong", good, wrong)
	}
}

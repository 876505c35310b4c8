package store_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"github.com/pars-network/pars/pkg/store"
)

// Nothing a user wrote, and no name a record is looked up by, stands in any file.
func TestNoPlaintextInFiles(t *testing.T) {
	dir := t.TempDir()
	s, err := store.New(openBadger(t, dir), store.Options{Key: store.Key{3}})
	if err != nil {
		t.Fatal(err)
	}
	var b store.Batch
	var needles [][]byte
	for i := range 1000 {
		text := fmt.Sprintf("سلام needle-%04d", i)
		utf := []byte{}
		for _, u := range utf16.Encode([]rune(text[9:])) {
			utf = append(utf, byte(u), byte(u>>8))
		}
		needles = append(needles, []byte(text[9:]), utf, []byte(hex.EncodeToString([]byte(text[9:]))))
		name := s.Root().Name(store.TableState, []byte(text))
		s.Root().Put(&b, store.TableState, name, bytes.Repeat([]byte(text), 1+i%40))
		s.Root().PutClear(&b, store.TableIndex, s.Root().Name(store.TableIndex, []byte(text)), make([]byte, 8))
	}
	if err := s.Commit(&b); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	searched := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		data = bytes.TrimRight(data, "\x00")
		searched += len(data)
		for _, n := range needles {
			if bytes.Contains(data, n) {
				t.Errorf("%s holds %q", filepath.Base(path), n)
			}
		}
		return err
	})
	if err != nil || searched < 400_000 {
		t.Errorf("searched %d bytes, %v", searched, err)
	}
}

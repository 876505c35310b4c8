package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Every flipped byte of a table is found before badger opens it, and none ends the process.
func TestPreflightFindsEveryFlip(t *testing.T) {
	dir := t.TempDir()
	e, err := OpenBadger(dir, BadgerOptions{Phone: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if err := e.Commit([]Write{{[]byte(fmt.Sprint("key", i)), []byte("value")}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("%v: %v", tables, err)
	}
	sound, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := checkTable(sound, 1, true); err != nil {
		t.Fatal(err)
	}
	for at := range sound {
		for _, flip := range []byte{1, 0x80, 0xff} {
			b := append([]byte(nil), sound...)
			b[at] ^= flip
			if checkTable(b, 1, true) == nil {
				t.Errorf("byte %d of %d changed by %#x is not found", at, len(b), flip)
			}
		}
	}
	sound[len(sound)-1] ^= 0xff
	if err := os.WriteFile(tables[0], sound, 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err := OpenBadger(dir, BadgerOptions{Phone: true}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("opens a damaged table: %v %v", e, err)
	}
}

package store_test

import (
	"errors"
	"os"
	"testing"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/store/storetest"
)

func openBadger(t testing.TB, dir string) store.Engine {
	t.Helper()
	e, err := store.OpenBadger(dir, store.BadgerOptions{Phone: true})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestMemory(t *testing.T) {
	storetest.Run(t, false, func(*testing.T, string) store.Engine { return store.NewMemory() })
}

func TestBadger(t *testing.T) {
	storetest.Run(t, true, func(t *testing.T, dir string) store.Engine { return openBadger(t, dir) })
}

func TestBadgerDesktopProfile(t *testing.T) {
	storetest.Run(t, true, func(t *testing.T, dir string) store.Engine {
		e, err := store.OpenBadger(dir, store.BadgerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}

func TestSecondOpenerIsBusy(t *testing.T) {
	dir := t.TempDir()
	e := openBadger(t, dir)
	if _, err := store.OpenBadger(dir, store.BadgerOptions{}); !errors.Is(err, store.ErrBusy) {
		t.Errorf("got %v, want busy", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openBadger(t, dir).Close(); err != nil {
		t.Error(err)
	}
}

// Opening and closing leaves no trail of files.
func TestReopeningDoesNotPileUpFiles(t *testing.T) {
	dir := t.TempDir()
	for range 12 {
		if err := openBadger(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) > 12 {
		t.Errorf("%d files, %v: %v", len(files), err, files)
	}
}

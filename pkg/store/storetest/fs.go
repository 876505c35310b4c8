package storetest

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

// RunFS checks a file system that is empty.
func RunFS(t *testing.T, f store.FS) {
	if _, err := f.ReadFile("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read of nothing: %v", err)
	}
	if err := f.Rename("a", "b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename of nothing: %v", err)
	}
	for _, content := range []string{"first and long", "second", ""} {
		if err := f.WriteSync("dir/a", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		holds(t, f, "dir/a", content)
	}
	for _, content := range []string{"old", "new"} {
		if err := store.WriteAtomic(f, "dir/b", []byte(content)); err != nil {
			t.Fatal(err)
		}
		holds(t, f, "dir/b", content)
	}
	exists(t, f, map[string]bool{"dir": true, "dir/a": true, "dir/b": true, "dir/b.new": false, "di": false, ".": true})
	if err := errors.Join(f.Rename("dir/a", "dir/b"), f.SyncDir("dir"), f.SyncDir(".")); err != nil {
		t.Error(err)
	}
	holds(t, f, "dir/b", "")
	exists(t, f, map[string]bool{"dir/a": false})
	for range 2 {
		if err := errors.Join(f.Remove("dir/b"), f.RemoveAll("dir")); err != nil {
			t.Error(err)
		}
	}
	exists(t, f, map[string]bool{"dir": false, "dir/b": false})
}

func holds(t *testing.T, f store.FS, name, want string) {
	t.Helper()
	got, err := f.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
	}
	if len(got) > 0 {
		got[0]++
		if again, _ := f.ReadFile(name); string(again) != want {
			t.Errorf("%s: a reader changed the file", name)
		}
	}
}

func exists(t *testing.T, f store.FS, want map[string]bool) {
	t.Helper()
	for name, there := range want {
		if got, err := f.Exists(name); err != nil || got != there {
			t.Errorf("%s: exists=%v, %v; want %v", name, got, err, there)
		}
	}
}

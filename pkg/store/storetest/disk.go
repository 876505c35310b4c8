package storetest

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pars-network/pars/pkg/store"
)

// ErrPower is what each operation returns once a Disk has stopped.
var ErrPower = errors.New("power lost")

// inode is one file: what programs see and what survives.
type inode struct{ data, synced []byte }

// Disk is a store.FS in memory that knows synced from unsynced bytes and can stop within any operation.
type Disk struct {
	mu    sync.Mutex        // guards all below
	names map[string]*inode // what programs see
	safe  map[string]*inode // names that survive
	ops   []string
	stop  int // operation within which power is lost; 0: never
}

var _ store.FS = (*Disk)(nil)

// NewDisk returns an empty disk.
func NewDisk() *Disk { return &Disk{names: map[string]*inode{}, safe: map[string]*inode{}} }

// StopIn loses power within the k-th operation from now (1 is the next one) that changes something.
func (d *Disk) StopIn(k int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stop = len(d.ops) + k
}

// Ops lists the operations that changed something.
func (d *Disk) Ops() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ops)
}

// step counts an operation: on says whether it starts at all, whole whether it also reaches the disk.
func (d *Disk) step(op string) (on, whole bool) {
	if d.stop != 0 && len(d.ops) >= d.stop {
		return false, false
	}
	d.ops = append(d.ops, op)
	return true, d.stop != len(d.ops)
}

func result(whole bool) error {
	if whole {
		return nil
	}
	return ErrPower
}

// ReadFile implements store.FS.
func (d *Disk) ReadFile(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[path.Clean(name)]
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(f.data), nil
}

// WriteSync implements store.FS.
func (d *Disk) WriteSync(name string, data []byte, _ fs.FileMode) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	on, whole := d.step("write " + name)
	if !on {
		return ErrPower
	}
	f := d.names[path.Clean(name)]
	if f == nil {
		f = &inode{}
		d.names[path.Clean(name)] = f
	}
	f.data = slices.Clone(data)
	if whole {
		f.synced = f.data
	}
	return result(whole)
}

// Rename implements store.FS.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[path.Clean(from)]
	if f == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	on, whole := d.step("rename " + to)
	if !on {
		return ErrPower
	}
	delete(d.names, path.Clean(from))
	d.names[path.Clean(to)] = f
	return result(whole)
}

// Remove implements store.FS.
func (d *Disk) Remove(name string) error { return d.remove("remove "+name, name, false) }

// RemoveAll implements store.FS.
func (d *Disk) RemoveAll(name string) error { return d.remove("remove all "+name, name, true) }

func (d *Disk) remove(op, name string, below bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	on, whole := d.step(op)
	if !on {
		return ErrPower
	}
	name = path.Clean(name)
	maps.DeleteFunc(d.names, func(n string, _ *inode) bool {
		return n == name || below && strings.HasPrefix(n, name+"/")
	})
	return result(whole)
}

// SyncDir implements store.FS.
func (d *Disk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	on, whole := d.step("sync " + name)
	if !on {
		return ErrPower
	}
	if whole {
		in := func(n string, _ *inode) bool { return path.Dir(n) == path.Clean(name) }
		maps.DeleteFunc(d.safe, in)
		for n, f := range d.names {
			if in(n, f) {
				d.safe[n] = f
			}
		}
	}
	return result(whole)
}

// Exists implements store.FS.
func (d *Disk) Exists(name string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if path.Clean(name) == "." {
		return true, nil
	}
	for n := range d.names {
		if n == path.Clean(name) || strings.HasPrefix(n, path.Clean(name)+"/") {
			return true, nil
		}
	}
	return false, nil
}

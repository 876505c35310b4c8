package courier

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/pars-network/pars/pkg/bundle"
)

// incoming gathers pieces of files. A file has its name only once its hash is right.
type incoming struct {
	dir   string
	names map[[32]byte]placed
	open  map[[32]byte]*incomingFile
}

// placed is where a file belongs by a release.
type placed struct {
	path string
	exec bool
}

type incomingFile struct {
	f     *os.File
	sum   [32]byte
	total int64
	hash  hash.Hash // over the bytes up to next, while pieces come in order
	next  int64
	dirty bool
}

const maxIncoming = 1024

var errTooMany = fmt.Errorf("more than %d files in one bundle: %w", maxIncoming, bundle.ErrLimit)

func (in *incoming) part(sum [32]byte) string {
	return filepath.Join(in.dir, ".parts", hex.EncodeToString(sum[:]))
}

// piece writes a piece to its place.
func (in *incoming) piece(p *bundle.Piece) error {
	f := in.open[p.Object]
	if f == nil {
		if len(in.open) >= maxIncoming {
			return errTooMany
		}
		if err := os.MkdirAll(filepath.Join(in.dir, ".parts"), 0o700); err != nil {
			return err
		}
		file, err := os.OpenFile(in.part(p.Object), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		f = &incomingFile{f: file, sum: p.Object, total: int64(p.Total), hash: sha256.New()}
		in.open[p.Object] = f
	}
	if f.next == int64(p.Offset) {
		f.hash.Write(p.Data)
		f.next += int64(len(p.Data))
	}
	f.dirty = true
	_, err := f.f.WriteAt(p.Data, int64(p.Offset))
	return err
}

func (in *incoming) release(r *bundle.Release) {
	for _, f := range r.Files {
		folder := r.Name
		if path, ok := safeJoin(folder, f.Name); ok && len(in.names) < maxIncoming {
			in.names[f.Sum] = placed{path, f.Exec}
		}
	}
}

// safeJoin joins the names of a release and a file; both are checked where they are decoded, and once more here.
func safeJoin(a, b string) (string, bool) {
	path := filepath.Join(filepath.FromSlash(a), filepath.FromSlash(b))
	return path, a != "" && filepath.IsLocal(a) && filepath.IsLocal(path)
}

// sync makes the pieces durable.
func (in *incoming) sync() error {
	for _, f := range in.open {
		if f.dirty {
			if err := f.f.Sync(); err != nil {
				return err
			}
			f.dirty = false
		}
	}
	return nil
}

// place gives every file that is whole and right its name.
func (in *incoming) place(emit func(Result) error) error {
	var sums [][32]byte
	for s := range in.open {
		sums = append(sums, s)
	}
	slices.SortFunc(sums, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	for _, s := range sums {
		if err := in.placeOne(in.open[s], emit); err != nil {
			return err
		}
	}
	return nil
}

func (in *incoming) placeOne(f *incomingFile, emit func(Result) error) error {
	out := Result{ID: "file:" + hex.EncodeToString(f.sum[:]), Kind: "piece", Result: "new", Bytes: int(min(f.total, 1<<31-1))}
	right, err := f.right()
	if err != nil {
		return err
	}
	if !right {
		out.Result, out.Reason = "parked", "pieces are missing"
		if info, err := f.f.Stat(); err == nil && info.Size() >= f.total && f.next == f.total {
			out.Result, out.Reason = "refused", "its hash is another"
		}
		return emit(out)
	}
	path := filepath.Join(in.dir, hex.EncodeToString(f.sum[:]))
	mode := os.FileMode(0o600)
	if p, ok := in.names[f.sum]; ok {
		path = filepath.Join(in.dir, p.path)
		if p.exec {
			mode = 0o700
		}
	}
	out.Path = path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := errors.Join(f.f.Chmod(mode), f.f.Sync()); err != nil {
		return err
	}
	f.dirty = false
	if err := os.Rename(in.part(f.sum), path); err != nil {
		return err
	}
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		d.Sync() // not every system can
		d.Close()
	}
	return emit(out)
}

// right reports whether the file has the hash that names it.
func (f *incomingFile) right() (bool, error) {
	if f.next == f.total {
		return [32]byte(f.hash.Sum(nil)) == f.sum, nil
	}
	if info, err := f.f.Stat(); err != nil || info.Size() != f.total {
		return false, err
	}
	sum, _, err := bundle.HashFile(io.NewSectionReader(f.f, 0, f.total))
	return sum == f.sum, err
}

func (in *incoming) close() {
	for _, f := range in.open {
		f.f.Close()
	}
}

package courier

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pars-network/pars/pkg/bundle"
)

// incoming gathers pieces of files. A file has its name only once its hash is right.
type incoming struct {
	dir   string
	names map[[32]byte]placed
	open  map[object]*incomingFile
}

// object is a file as its pieces name it. Pieces that give it another length belong to another file.
type object struct {
	sum   [32]byte
	total int64
}

// placed is where a file belongs by a release.
type placed struct {
	path string
	exec bool
}

type incomingFile struct {
	object
	f     *os.File
	hash  hash.Hash // over the bytes up to next, which are on the disk as they were hashed
	next  int64
	got   int64 // bytes that ever came, of all bundles: with fewer than total a hole is left, and hashing is a waste
	dirty bool
}

const maxIncoming = 1024

var errTooMany = fmt.Errorf("more than %d files in one bundle: %w", maxIncoming, bundle.ErrLimit)

// part is where a file is gathered; behind it stands .got.
func (in *incoming) part(o object) string {
	return filepath.Join(in.dir, ".parts", hex.EncodeToString(o.sum[:])+"-"+strconv.FormatInt(o.total, 10))
}

func (in *incoming) begin(o object) (*incomingFile, error) {
	if len(in.open) >= maxIncoming {
		return nil, errTooMany
	}
	if err := os.MkdirAll(filepath.Join(in.dir, ".parts"), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(in.part(o), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	f := &incomingFile{object: o, f: file, hash: sha256.New()}
	if b, err := os.ReadFile(in.part(o) + ".got"); err == nil && len(b) == 8 {
		f.got = int64(binary.BigEndian.Uint64(b))
	}
	in.open[o] = f
	return f, nil
}

// piece writes a piece to its place, but for bytes that were hashed: others could be written over them.
func (in *incoming) piece(p *bundle.Piece) (err error) {
	o := object{p.Object, int64(p.Total)}
	f := in.open[o]
	if f == nil {
		if f, err = in.begin(o); err != nil {
			return err
		}
	}
	data, off := p.Data, int64(p.Offset)
	if known := f.next - off; known > 0 {
		data, off = data[min(known, int64(len(data))):], f.next
	}
	if len(data) == 0 {
		return nil
	}
	if off == f.next {
		f.hash.Write(data)
		f.next += int64(len(data))
	}
	f.got += int64(len(data))
	f.dirty = true
	_, err = f.f.WriteAt(data, off)
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

// sync makes the pieces durable, then how many there are.
func (in *incoming) sync() error {
	for _, f := range in.open {
		if !f.dirty {
			continue
		}
		if err := f.f.Sync(); err != nil {
			return err
		}
		if err := os.WriteFile(in.part(f.object)+".got", binary.BigEndian.AppendUint64(nil, uint64(f.got)), 0o600); err != nil {
			return err
		}
		f.dirty = false
	}
	return nil
}

// place gives every file that is whole and right its name.
func (in *incoming) place(emit func(Result) error) error {
	var all []object
	for o := range in.open {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b object) int {
		return cmp.Or(slices.Compare(a.sum[:], b.sum[:]), cmp.Compare(a.total, b.total))
	})
	for _, o := range all {
		if err := in.placeOne(in.open[o], emit); err != nil {
			return err
		}
	}
	return nil
}

func (in *incoming) placeOne(f *incomingFile, emit func(Result) error) error {
	out := Result{ID: "file:" + hex.EncodeToString(f.sum[:]), Kind: "piece", Result: "new", Bytes: int(min(f.total, 1<<31-1))}
	right, err := f.right()
	switch {
	case err != nil:
		return err
	case !right && max(f.got, f.next) < f.total:
		out.Result, out.Reason = "parked", "pieces are missing"
		return emit(out)
	case !right:
		out.Result, out.Reason = "refused", "its hash is another"
		return errors.Join(in.drop(f), emit(out))
	}
	mode := os.FileMode(0o600)
	if p := in.names[f.sum]; p.exec {
		mode = 0o700
	}
	if out.Path, out.Reason, err = in.pathOf(f); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out.Path), 0o700); err != nil {
		return err
	}
	if err := errors.Join(f.f.Chmod(mode), f.f.Sync(), f.f.Close()); err != nil {
		return err
	}
	f.dirty = false
	if err := os.Rename(in.part(f.object), out.Path); err != nil {
		return err
	}
	if d, err := os.Open(filepath.Dir(out.Path)); err == nil {
		d.Sync() // not every system can
		d.Close()
	}
	return errors.Join(in.drop(f), emit(out))
}

// pathOf returns where a file belongs: under the name that a release gives it, or under its hash where another file has
// that name already. What is there was checked by somebody, perhaps by voice, and is not replaced.
func (in *incoming) pathOf(f *incomingFile) (path, why string, err error) {
	path = filepath.Join(in.dir, hex.EncodeToString(f.sum[:]))
	p, ok := in.names[f.sum]
	if !ok {
		return path, "", nil
	}
	named := filepath.Join(in.dir, p.path)
	old, err := os.Open(named)
	if errors.Is(err, fs.ErrNotExist) {
		return named, "", nil
	}
	if err != nil {
		return "", "", err
	}
	defer old.Close()
	if info, err := old.Stat(); err == nil && info.Size() == f.total {
		if sum, _, err := bundle.HashFile(old); err == nil && sum == f.sum {
			return named, "", nil
		}
	}
	return path, "another file is at " + named, nil
}

// drop forgets a file that was placed or is false: it begins anew.
func (in *incoming) drop(f *incomingFile) error {
	f.f.Close() // not every system removes what is open
	for _, name := range []string{in.part(f.object), in.part(f.object) + ".got"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f.dirty = false
	return nil
}

// right reports whether the file has the hash that names it.
func (f *incomingFile) right() (bool, error) {
	if f.next == f.total {
		return [32]byte(f.hash.Sum(nil)) == f.sum, nil
	}
	if f.got < f.total {
		return false, nil
	}
	sum, n, err := bundle.HashFile(io.NewSectionReader(f.f, 0, f.total))
	return sum == f.sum && n == f.total, err
}

func (in *incoming) close() {
	for _, f := range in.open {
		f.f.Close()
	}
}

package courier

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
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

// placed is where a file belongs by a release, and what else that tells of it.
type placed struct {
	path string
	exec bool
	hash [32]byte // SHA-256 of the whole; zero: not told
}

type incomingFile struct {
	object
	f     *os.File
	late  bundle.Behind   // writes f
	name  bundle.FileHash // over the pieces before next, which are on the disk as they were hashed
	next  uint32
	got   bitmap // pieces that ever came, of all bundles: while one is missing, hashing is a waste
	dirty bool
}

// bitmap is a set of small numbers.
type bitmap []byte

func (b *bitmap) set(n uint32) {
	for int(n/8) >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[n/8] |= 1 << (n % 8)
}

// count returns how many are in it.
func (b bitmap) count() (n uint32) {
	for _, x := range b {
		n += uint32(bits.OnesCount8(x))
	}
	return n
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
	f := &incomingFile{object: o, f: file, late: bundle.Behind{File: file}, name: bundle.NewFileHash(uint64(o.total))}
	if b, err := os.ReadFile(in.part(o) + ".got"); err == nil && len(b) <= int(f.pieces()/8)+1 {
		f.got = b
	}
	in.open[o] = f
	return f, nil
}

func (o *object) pieces() uint32 { return bundle.PieceCount(uint64(o.total)) }

// piece writes a piece to its place, but for one that was hashed: another could be written over it.
func (in *incoming) piece(p *bundle.Piece) (err error) {
	o := object{p.Object, int64(p.Total)}
	f := in.open[o]
	if f == nil {
		if f, err = in.begin(o); err != nil {
			return err
		}
	}
	if p.Number < f.next {
		return nil
	}
	if p.Number == f.next {
		f.name.Add(p.Sum)
		f.next++
	}
	f.got.set(p.Number)
	f.dirty = true
	_, err = f.f.WriteAt(p.Data, int64(p.Number)*bundle.PieceSize)
	f.late.Wrote(len(p.Data))
	return err
}

func (in *incoming) release(r *bundle.Release) {
	for _, f := range r.Files {
		folder := r.Name
		if path, ok := safeJoin(folder, f.Name); ok && len(in.names) < maxIncoming {
			in.names[f.Sum] = placed{path, f.Exec, f.Hash}
		}
	}
}

// safeJoin joins the names of a release and a file; both are checked where they are decoded, and once more here.
func safeJoin(a, b string) (string, bool) {
	path := filepath.Join(filepath.FromSlash(a), filepath.FromSlash(b))
	return path, a != "" && filepath.IsLocal(a) && filepath.IsLocal(path)
}

// sync makes the pieces durable, then which there are.
func (in *incoming) sync() error {
	for _, f := range in.open {
		if !f.dirty {
			continue
		}
		if err := f.sync(); err != nil {
			return err
		}
		if err := os.WriteFile(in.part(f.object)+".got", f.got, 0o600); err != nil {
			return err
		}
		f.dirty = false
	}
	return nil
}

func (f *incomingFile) sync() error { return errors.Join(f.late.Wait(), f.f.Sync()) }

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
	case !right && f.got.count() < f.pieces():
		out.Result, out.Reason = "parked", "pieces are missing"
		return emit(out)
	case !right:
		out.Result, out.Reason = "refused", "its hash is another"
		return errors.Join(in.drop(f), emit(out))
	}
	if right, err = in.asReleased(f); err != nil {
		return err
	}
	if !right {
		out.Result, out.Reason = "refused", "its SHA-256 is not the one that its release tells"
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
	if err := errors.Join(f.f.Chmod(mode), f.sync(), f.f.Close()); err != nil {
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
		if o, err := bundle.OutlineOf(old, f.total); err == nil && o.Name == f.sum {
			return named, "", nil
		}
	}
	return path, "another file is at " + named, nil
}

// drop forgets a file that was placed or is false: it begins anew.
func (in *incoming) drop(f *incomingFile) error {
	f.late.Wait()
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
	if f.next == f.pieces() {
		return f.name.Name() == f.sum, nil
	}
	if f.got.count() < f.pieces() {
		return false, nil
	}
	o, err := bundle.OutlineOf(f.f, f.total)
	return err == nil && o.Name == f.sum, err
}

// asReleased reports whether a program has the SHA-256 that its release tells, if it tells one.
func (in *incoming) asReleased(f *incomingFile) (bool, error) {
	want := in.names[f.sum].hash
	if want == [32]byte{} {
		return true, nil
	}
	sum, _, err := bundle.HashFile(io.NewSectionReader(f.f, 0, f.total))
	return sum == want, err
}

func (in *incoming) close() {
	for _, f := range in.open {
		f.late.Wait()
		f.f.Close()
	}
}

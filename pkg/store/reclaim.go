package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dgraph-io/badger/v4"
)

// reclaimer is an engine that can give back the room of values which were deleted or written over.
type reclaimer interface{ reclaim(context.Context) error }

// Reclaim gives back the room on disk of what was deleted or written over, as far as it is worth the writing: of a
// value log at least half of which is dead. It may write as much as the store holds, so call it when nothing else is to
// be done and power is there; ctx ends it between two files. ErrCorrupt: something is damaged, and stays as it is.
func (s *Store) Reclaim(ctx context.Context) error {
	e, ok := s.engine.(reclaimer)
	if !ok {
		return nil
	}
	if err := e.reclaim(ctx); err != nil {
		return fmt.Errorf("reclaim room of the store: %w", err)
	}
	size, err := s.engine.Size()
	if err == nil {
		s.quota.used.Store(size)
	}
	return err
}

const (
	deadShare = 0.5 // of a value log
	// maxFlatten bounds how long a step may keep Close waiting. Above it badger's own compactions, which begin at
	// five tables, have told what is dead.
	maxFlatten = 128 << 20
)

func (e *badgerEngine) reclaim(ctx context.Context) error {
	step := func(f func() error) (err error) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.enter(); err != nil {
			return err
		}
		defer e.leave()
		defer faults()()
		defer guard(&err)
		return f()
	}
	if err := step(e.flatten); err != nil {
		return err
	}
	for {
		err := step(e.rewrite)
		if errors.Is(err, badger.ErrNoRewrite) || errors.Is(err, badger.ErrRejected) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// flatten merges the tables: only a merge counts what is dead. Up to four young ones alone wait for a fifth, as badger
// has it. A merge that meets a damaged table may never end, so they are read first.
func (e *badgerEngine) flatten() error {
	tables := e.db.Tables()
	size, levels := int64(0), map[int]bool{}
	for _, t := range tables {
		size += int64(t.OnDiskSize)
		levels[t.Level] = true
	}
	if size > maxFlatten || len(levels) == 1 && !levels[0] {
		return nil
	}
	if err := preflight(e.dir, true); err != nil {
		return err
	}
	return e.db.Flatten(1)
}

// rewrite moves what lives in the deadest value log and removes that. Badger reads a log up to the first record that it
// cannot read, takes that for the end and removes the rest with the file: so no log that might be chosen may be damaged.
func (e *badgerEngine) rewrite() error {
	dead, err := deadBytes(e.dir)
	if err != nil {
		return err
	}
	for n, bytes := range dead {
		name := filepath.Join(e.dir, fmt.Sprintf("%06d.vlog", n))
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) || err == nil && float64(bytes) < deadShare/2*float64(info.Size()) {
			continue
		}
		if err == nil {
			err = checkLog(name)
		}
		if err != nil {
			return err
		}
	}
	return e.db.RunValueLogGC(deadShare)
}

// deadBytes reads badger's count of what is dead, by the number of the value log.
func deadBytes(dir string) (map[uint64]uint64, error) {
	b, err := os.ReadFile(filepath.Join(dir, "DISCARD"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	out := map[uint64]uint64{}
	for ; len(b) >= 16; b = b[16:] {
		n, dead := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		if n == 0 {
			break
		}
		if dead > 0 {
			out[n] = dead
		}
	}
	return out, err
}

// Marks of a record in a value log: part of a transaction, and the end of one.
const (
	markTxn = 1 << 6
	markEnd = 1 << 7
)

// checkLog reads a value log as badger does and refuses one that would end before its end. The form of a record: mark,
// user mark, uvarint lengths of key and value, uvarint expiry, key with the version in its last 8 bytes, value, CRC-32C.
func checkLog(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	const header = 20
	if _, err := f.Seek(header, io.SeekStart); err != nil {
		return err
	}
	r := &logReader{in: bufio.NewReaderSize(f, 1<<18), sum: crc32.New(crc32.MakeTable(crc32.Castagnoli)), left: info.Size() - header}
	open := uint64(0) // version of the transaction that has begun
	for r.left > 0 {
		mark, version, value, err := r.record()
		if err == io.EOF {
			break
		}
		switch {
		case err != nil:
		case mark&markTxn != 0:
			if open != 0 && open != version {
				err = errors.New("a transaction without its end")
			}
			open = version
		case mark&markEnd != 0:
			if v, perr := strconv.ParseUint(string(value), 10, 64); perr != nil || v != open {
				err = errors.New("the end of another transaction")
			}
			open = 0
		case open != 0:
			err = errors.New("a lone record in a transaction")
		}
		if err != nil {
			return fmt.Errorf("%w: value log %s: %d bytes before its end: %v", ErrCorrupt, filepath.Base(name), r.left, err)
		}
	}
	if open != 0 {
		return fmt.Errorf("%w: value log %s ends in a transaction", ErrCorrupt, filepath.Base(name))
	}
	return nil
}

// logReader reads records and counts what is left of the file.
type logReader struct {
	in  *bufio.Reader
	sum interface {
		io.Writer
		Sum32() uint32
		Reset()
	}
	left int64
	buf  []byte
}

// ReadByte is for uvarints.
func (r *logReader) ReadByte() (byte, error) {
	b, err := r.in.ReadByte()
	if err == nil {
		r.left--
		r.sum.Write([]byte{b})
	}
	return b, err
}

var errLength = errors.New("a length beyond the end")

// record returns the next record; io.EOF where nothing but zeros follow.
func (r *logReader) record() (mark byte, version uint64, value []byte, err error) {
	r.sum.Reset()
	var head [2]byte
	for i := range head {
		if head[i], err = r.ReadByte(); err != nil {
			return 0, 0, nil, io.ErrUnexpectedEOF
		}
	}
	var length [3]uint64 // of key, of value; expiry
	for i := range length {
		if length[i], err = binary.ReadUvarint(r); err != nil {
			return 0, 0, nil, errors.New("a broken head")
		}
	}
	key, size := length[0], length[0]+length[1]
	if key == 0 {
		return 0, 0, nil, r.zeros(head[0] != 0 || head[1] != 0 || length != [3]uint64{})
	}
	if key < 8 || max(key, length[1]) > uint64(r.left) || size+crc32.Size > uint64(r.left) {
		return 0, 0, nil, errLength
	}
	if uint64(cap(r.buf)) < size+crc32.Size {
		r.buf = make([]byte, size+crc32.Size)
	}
	b := r.buf[:size+crc32.Size]
	if _, err := io.ReadFull(r.in, b); err != nil {
		return 0, 0, nil, err
	}
	r.left -= int64(len(b))
	r.sum.Write(b[:size])
	if r.sum.Sum32() != binary.BigEndian.Uint32(b[size:]) {
		return 0, 0, nil, errors.New("a wrong checksum")
	}
	return head[0], ^binary.BigEndian.Uint64(b[key-8:]), b[key:size], nil
}

// zeros is io.EOF when nothing but zeros follow.
func (r *logReader) zeros(not bool) error {
	for !not {
		b, err := r.in.ReadByte()
		if err == io.EOF {
			r.left = 0
			return err
		}
		if err != nil {
			return err
		}
		not = b != 0
	}
	return errors.New("no record")
}

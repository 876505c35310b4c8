package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// mend replaces, in a copy of a broken store, the small files whose damage keeps badger from opening all the others. A
// table whose index is damaged is named in why, what opening said, and given up.
func mend(dir string, why error) error {
	if name := badTable(why.Error()); name != "" {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(dir, badger.KeyRegistryFileName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // it holds badger's own keys, of which we use none
	}
	if err := os.Remove(filepath.Join(dir, "DISCARD")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // a count of what garbage collection may free
	}
	if err := clearHeaders(dir); err != nil {
		return err
	}
	tables, err := numbered(dir, ".sst")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, badger.ManifestFilename), manifest(tables), 0o600)
}

// clearHeaders makes the value logs name no key, as we use none: badger does not open one that names a key it has not.
func clearHeaders(dir string) error {
	logs, err := numbered(dir, ".vlog")
	for _, n := range logs {
		f, openErr := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%06d.vlog", n)), os.O_WRONLY, 0)
		if openErr != nil {
			return openErr
		}
		_, writeErr := f.WriteAt(make([]byte, 8), 0)
		if err = errors.Join(err, writeErr, f.Close()); err != nil {
			return err
		}
	}
	return err
}

// badTable finds the name of the table that badger could not open, or nothing.
func badTable(said string) string {
	const before, ending = `Opening table: "`, `.sst"`
	_, rest, ok := strings.Cut(said, before)
	path, _, closed := strings.Cut(rest, ending)
	if !ok || !closed {
		return ""
	}
	return filepath.Base(path) + ".sst"
}

// keepLog puts an empty value log behind the newest one: badger cuts the newest at the first record it cannot read.
func keepLog(dir string) error {
	logs, err := numbered(dir, ".vlog")
	if err != nil || len(logs) == 0 {
		return err
	}
	const header = 20
	name := fmt.Sprintf("%06d.vlog", logs[len(logs)-1]+1)
	return os.WriteFile(filepath.Join(dir, name), make([]byte, header), 0o600)
}

// numbered lists the files with this ending by their number, ascending.
func numbered(dir, ending string) ([]uint64, error) {
	entries, err := os.ReadDir(dir) // sorted, and the numbers have leading zeros
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, e := range entries {
		var n uint64
		name, ok := strings.CutSuffix(e.Name(), ending)
		if _, err := fmt.Sscanf(name, "%d", &n); ok && err == nil {
			out = append(out, n)
		}
	}
	return out, nil
}

// manifest lists every table at level 0, where tables may overlap and the newest version of a key wins. A table that
// compaction had replaced but not yet removed can bring a deleted record back; what must really go is under the state
// key. The form: magic, version 8, length, CRC-32C, and one change {1: number} a table in a protobuf list.
func manifest(tables []uint64) []byte {
	var set []byte
	for _, n := range tables {
		change := binary.AppendUvarint([]byte{1 << 3}, n)
		set = append(set, 1<<3|2, byte(len(change)))
		set = append(set, change...)
	}
	out := append([]byte("Bdgr"), 0, 0, 0, 8)
	out = binary.BigEndian.AppendUint32(out, uint32(len(set)))
	out = binary.BigEndian.AppendUint32(out, crc32.Checksum(set, crc32.MakeTable(crc32.Castagnoli)))
	return append(out, set...)
}

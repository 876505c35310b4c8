package store

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
)

// preflight opens every table once in this goroutine, where a panic can be caught: badger opens them in goroutines of
// its own, and one with a damaged index would end the process at each start. With whole all blocks are checked as well: a
// search in a damaged one may never end.
func preflight(dir string, whole bool) error {
	tables, err := numbered(dir, ".sst")
	if err != nil {
		return nil // no folder yet: badger tells what is wrong with others
	}
	for _, n := range tables {
		name := filepath.Join(dir, fmt.Sprintf("%06d.sst", n))
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if err := checkTable(b, n, whole); err != nil {
			return fmt.Errorf("%w: Opening table: %q: %v", ErrCorrupt, name, err)
		}
	}
	return nil
}

// checkTable reads the index of a table and its last block, as badger does when it opens it. The lengths in the last
// bytes are checked here: badger ends the process when they are wrong.
func checkTable(b []byte, n uint64, whole bool) (err error) {
	defer guard(&err)
	rest := len(b)
	for range 2 { // length of the checksum, then of the index
		if rest -= 4; rest < 0 {
			return fmt.Errorf("%d bytes", len(b))
		}
		size := binary.BigEndian.Uint32(b[rest:])
		if uint64(size) > uint64(rest) {
			return fmt.Errorf("a part of %d bytes in a table of %d", size, len(b))
		}
		rest -= int(size)
	}
	t, err := table.OpenInMemoryTable(b, n, &table.Options{BlockSize: 4 << 10, ChkMode: options.NoVerification, Compression: options.None})
	if err == nil && whole {
		err = t.VerifyChecksum()
	}
	return err
}

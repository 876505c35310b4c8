package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"

	"github.com/pars-network/pars/internal/command/dag"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// importRows merges a signed log into an empty store. The peer verifies each signature on all cores and writes the
// same bytes in plain badger batches.
func importRows(b *bench) error {
	w := dag.Workload{Vertices: b.n, Size: 1024, Authors: 20, Seed: 1}
	name, root, err := w.File(b.dir)
	if err != nil {
		return err
	}
	defer os.Remove(name)
	var floors, disk series
	p, o, err := duel(
		func() (cost, error) { return plainImport(name, filepath.Join(b.dir, "plain")) },
		func() (cost, error) {
			r, err := dag.ImportFile(context.Background(), name, root, b.n, b.dir)
			floors = append(floors, cost{value: r.Floor})
			disk = append(disk, cost{value: float64(r.Disk) / float64(b.n)})
			return cost{wall: r.Seconds, cpu: r.CPUMicro * float64(b.n) / 1e6}, err
		})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d signed vertices of 1 KB, durable", b.n)
	r := row{Area: "import", Measure: what + ", wall", Unit: "s", Rounds: len(o)}
	r.Peer = fmt.Sprintf("std ed25519 each on %d cores + badger batch, one sync at the end", runtime.NumCPU())
	pw, ow, floor := p.median(wall, 1), o.median(wall, 1), floors.median(value, 1).median
	limit := max(7.5*float64(b.n)/1e6, 1.3*floor)
	b.add(r, &pw, ow).aim(fmt.Sprintf("<= %.2f", limit), ow.median <= limit).
		note("disk floor %.2f s; target is the larger of 7.5 s a million and 1.3 x floor", floor)
	pc, oc := p.median(cpu, 1e6/float64(b.n)), o.median(cpu, 1e6/float64(b.n))
	r.Measure, r.Unit = what+", CPU a vertex", "us"
	b.add(r, &pc, oc)
	r.Measure, r.Unit, r.Peer = what+", to disk floor", "x", "write + one fsync of the same bytes"
	one := once(1)
	b.add(r, &one, once(ow.median/floor))
	r.Measure, r.Unit, r.Peer = "disk a 1 KB vertex", "B", "-"
	b.add(r, nil, disk.median(value, 1)).atMost(1.2 * 1024)
	return nil
}

// plainImport reads items, verifies and stores them as they are.
func plainImport(name, dir string) (c cost, err error) {
	f, err := os.Open(name)
	if err != nil {
		return c, err
	}
	defer f.Close()
	defer os.RemoveAll(dir)
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil).WithCompression(0))
	if err != nil {
		return c, err
	}
	c, err = timed(func() error {
		return errors.Join(verifyAndPut(f, db), db.Sync())
	})
	return c, errors.Join(err, db.Close())
}

func verifyAndPut(r io.Reader, db *badger.DB) error {
	wb := db.NewWriteBatch()
	defer wb.Cancel()
	work, bad := make(chan []vertex.Item, 4), atomic.Int64{}
	var mu sync.Mutex // guards wb
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for items := range work {
				for i := range items {
					it := &items[i]
					if !ed25519.Verify(it.Author[:], append([]byte(wire.LabelVertexSig), it.ID[:]...), it.Sig[:]) {
						bad.Add(1)
					}
					b := it.Append(nil)
					mu.Lock()
					err := wb.Set(it.ID[:], b)
					mu.Unlock()
					if err != nil {
						bad.Add(1)
					}
				}
			}
		})
	}
	err := readItems(r, work)
	close(work)
	wg.Wait()
	if n := bad.Load(); err == nil && n > 0 {
		err = fmt.Errorf("%d items were refused", n)
	}
	return errors.Join(err, wb.Flush())
}

func readItems(r io.Reader, work chan<- []vertex.Item) error {
	br := bufio.NewReaderSize(r, 4*vertex.MaxItem)
	var items []vertex.Item
	for {
		it, err := vertex.ReadItem(br)
		if err != nil && err != io.EOF {
			return err
		}
		if err == nil {
			items = append(items, it)
		}
		if len(items) == 256 || err == io.EOF {
			work <- items
			items = nil
		}
		if err == io.EOF {
			return nil
		}
	}
}

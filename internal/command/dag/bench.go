package dag

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

func benchVerb() *urfave.Command {
	return &urfave.Command{
		Name: "bench", Usage: "measure this machine",
		Subcommands: []*urfave.Command{{
			Name: "import", Usage: "import a log made for the purpose into a store of its own",
			Description: "Makes signed entries by 20 authors, imports them into a sealed store in a temporary folder with every byte " +
				"durable, and writes the same bytes to a plain file for comparison: the disk floor. Needs about three times the " +
				"space of the entries. The home is not touched.",
			Flags: []urfave.Flag{
				&urfave.IntFlag{Name: "vertices", Usage: "import `N` entries", Value: 100_000},
				&urfave.IntFlag{Name: "size", Usage: "entries are of `B` bytes as exported, 512 or more", Value: 1024},
				&urfave.StringFlag{Name: "dir", Usage: "make the folder in `DIR`", DefaultText: "the system's"},
			},
			Action: func(c *urfave.Context) error {
				if n, b := c.Int("vertices"), c.Int("size"); n < 1 || b < 512 || b > vertex.MaxBody {
					return cli.Usagef("bench import: --vertices is 1 or more, --size 512 to %d", vertex.MaxBody)
				}
				r, err := BenchImport(c.Context, Workload{Vertices: c.Int("vertices"), Size: c.Int("size"), Authors: 20, Seed: 1}, c.String("dir"))
				if err != nil {
					return err
				}
				return cli.Out(c).Print(r)
			},
		}},
	}
}

// ImportRun is what importing a Workload took.
type ImportRun struct {
	Vertices  int     `json:"vertices"`
	Bytes     int64   `json:"bytes"`
	Seconds   float64 `json:"seconds"`
	Rate      float64 `json:"vertices_per_second"`
	WallMicro float64 `json:"wall_us_per_vertex"`
	CPUMicro  float64 `json:"cpu_us_per_vertex,omitempty"` // user and system; 0 where it cannot be told
	Floor     float64 `json:"disk_floor_seconds"`
	Ratio     float64 `json:"ratio_to_floor"`
	Disk      int64   `json:"store_bytes"`
}

// Text is vertices a second, microseconds a vertex by wall and CPU, seconds, the disk floor and the ratio.
func (r ImportRun) Text() string {
	return attach.Strings(fmt.Sprintf("%.0f/s", r.Rate), fmt.Sprintf("%.2f us wall", r.WallMicro), fmt.Sprintf("%.2f us cpu", r.CPUMicro),
		fmt.Sprintf("%.2f s", r.Seconds), fmt.Sprintf("floor %.2f s", r.Floor), fmt.Sprintf("%.2f x floor", r.Ratio))
}

// BenchImport makes w in a temporary folder below dir and imports it.
func BenchImport(ctx context.Context, w Workload, dir string) (r ImportRun, err error) {
	tmp, err := os.MkdirTemp(dir, "pars-bench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(tmp)
	name, root, err := w.File(tmp)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return r, err
	}
	return ImportFile(ctx, name, root, w.Vertices, tmp)
}

// ImportFile imports the file of a Workload of n entries into a new store below dir, and measures the disk floor.
func ImportFile(ctx context.Context, name string, root vertex.Item, n int, dir string) (r ImportRun, err error) {
	r.Bytes, r.Floor, err = diskFloor(name, filepath.Join(dir, "floor"))
	if err := errors.Join(err, ctx.Err()); err != nil {
		return r, err
	}
	home, err := os.MkdirTemp(dir, "store-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(home)
	engine, err := store.OpenBadger(home, store.BadgerOptions{})
	if err != nil {
		return r, err
	}
	st, err := store.New(engine, store.Options{Key: store.Key{1}})
	if err != nil {
		return r, errors.Join(err, engine.Close())
	}
	wall, cpu, err := importInto(ctx, st, name, root, n)
	if err == nil {
		r.Disk, err = engine.Size()
	}
	if err = errors.Join(err, st.Close()); err != nil {
		return r, err
	}
	r.Vertices, r.Seconds = n, wall.Seconds()
	r.Rate, r.WallMicro, r.CPUMicro = float64(n)/r.Seconds, r.Seconds*1e6/float64(n), cpu.Seconds()*1e6/float64(n)
	r.Ratio = r.Seconds / r.Floor
	return r, nil
}

// everybody may write: the right to is decided once an author, so a measurement need not open bodies.
type everybody struct{}

func (everybody) MayWrite(*vertex.Item) bool { return true }

type reader func([]byte) (int, error)

func (r reader) Read(b []byte) (int, error) { return r(b) }

func importInto(ctx context.Context, st *store.Store, name string, root vertex.Item, n int) (wall, cpu time.Duration, err error) {
	l, err := dag.Open(dag.Config{Store: st, Space: st.Space(1, store.Key{2}), Session: root.Session, Genesis: root.ID, Judge: everybody{}})
	if err != nil {
		return 0, 0, err
	}
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	start, used := time.Now(), cpuTime()
	sum, err := l.Import(reader(func(b []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return f.Read(b)
	}), "bench", start, nil)
	wall, cpu = time.Since(start), cpuTime()-used
	if err == nil && sum.New != n {
		err = fmt.Errorf("%d of %d entries were accepted", sum.New, n)
	}
	return wall, cpu, err
}

// diskFloor writes the bytes of a file to another and waits until they are durable.
func diskFloor(from, to string) (n int64, seconds float64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(to)
	start := time.Now()
	n, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, 1<<20))
	err = errors.Join(err, out.Sync(), out.Close())
	return n, time.Since(start).Seconds(), err
}

// Command bench measures us beside others: the same data, in turns, in one run on one machine.
//
// It prints a table and writes bench.json into the root of the tree. A module of its own keeps the peers out of the
// requirements of the commands.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	Area    string  `json:"area"`
	Measure string  `json:"measure"`
	Unit    string  `json:"unit"`
	Peer    string  `json:"peer"`
	PeerVal float64 `json:"peer_value,omitempty"`
	PeerSpr float64 `json:"peer_spread_percent,omitempty"`
	Ours    float64 `json:"ours"`
	OursSpr float64 `json:"ours_spread_percent,omitempty"`
	Ratio   float64 `json:"ours_to_peer,omitempty"`
	Target  string  `json:"target,omitempty"`
	Met     *bool   `json:"met,omitempty"`
	Rounds  int     `json:"rounds"`
	Load    string  `json:"load"` // of the last minute, when the row was done
	Note    string  `json:"note,omitempty"`
}

// bench is one run.
type bench struct {
	quick bool
	n     int    // vertices of an import
	dir   string // everything made is below
	root  string // the tree of the project
	rows  []row
	lines func(row)
}

// add enters a row. peer may be nil.
func (b *bench) add(r row, peer *figure, ours figure) *row {
	r.Ours, r.OursSpr, r.Load = ours.median, ours.spread, load()
	if peer != nil {
		r.PeerVal, r.PeerSpr = peer.median, peer.spread
		r.Ratio = ours.median / peer.median
	}
	b.rows = append(b.rows, r)
	return &b.rows[len(b.rows)-1]
}

// aim sets the target of a row and whether it is met.
func (r *row) aim(target string, met bool) *row {
	r.Target, r.Met = target, &met
	return r
}

// atMost sets a target in the unit of the row.
func (r *row) atMost(limit float64) *row {
	return r.aim(fmt.Sprintf("<= %g", limit), r.Ours <= limit)
}

func (r *row) note(format string, args ...any) *row {
	r.Note = fmt.Sprintf(format, args...)
	return r
}

// area is one part of a run.
type area struct {
	name string
	run  func(*bench) error
}

func areas() []area {
	return []area{{"import", importRows}, {"merge", mergeRows}, {"sync", syncRows}, {"store", storeRows}, {"codec", codecRows},
		{"size", sizeRows}, {"gossip", gossipRows}, {"crawl", crawlRows}, {"live", liveRows}, {"idle", idleRows}, {"evm", evmRows}, {"qr", qrRows}, {"bundle", bundleRows}, {"bootstrap", bootstrapRows}, {"hns", hnsRows}}
}

func main() {
	if os.Getenv(crawledEnv) != "" {
		if err := serveCrawled(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	b := &bench{}
	only := flag.String("only", "", "run these `AREAS` alone, with commas: import, merge, sync, store, codec, size, gossip, crawl, live, idle, evm, qr, bundle, bootstrap, hns")
	flag.BoolVar(&b.quick, "quick", false, "import 50,000 vertices and watch idle nodes for 30 s")
	flag.IntVar(&b.n, "vertices", 0, "import `N` vertices (1,000,000; with -quick 50,000)")
	flag.StringVar(&b.dir, "dir", "", "make files below `DIR`")
	flag.Parse()
	if b.n == 0 {
		b.n = 1_000_000
		if b.quick {
			b.n = 50_000
		}
	}
	if err := b.run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(only string) (err error) {
	if b.root, err = filepath.Abs(".."); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(b.dir, "pars-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	for _, a := range areas() {
		if only != "" && !strings.Contains(","+only+",", ","+a.name+",") {
			continue
		}
		debug.FreeOSMemory()
		start := time.Now()
		if e := a.run(b); e != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", a.name, e)
			err = e
		}
		fmt.Fprintf(os.Stderr, "bench: %s took %.0f s\n", a.name, time.Since(start).Seconds())
	}
	b.print()
	if e := b.write(filepath.Join(b.root, "bench.json")); e != nil {
		return e
	}
	return err
}

func (b *bench) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "area\tmeasure\tpeer\tpeer-value\tours\tratio\ttarget\tmet")
	for _, r := range b.rows {
		peer, ratio, met := "-", "-", "-"
		if r.PeerVal != 0 {
			peer, ratio = figure{r.PeerVal, r.PeerSpr}.String(), fmt.Sprintf("%.2f", r.Ratio)
		}
		if r.Met != nil {
			met = map[bool]string{true: "yes", false: "MISSED"}[*r.Met]
		}
		fmt.Fprintln(w, strings.Join([]string{r.Area, r.Measure + ", " + r.Unit, r.Peer, peer, figure{r.Ours, r.OursSpr}.String(), ratio,
			r.Target, met}, "\t"))
	}
	w.Flush()
}

// machine says what a run stood on.
type machine struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Load     string            `json:"load"`
	Go       string            `json:"go"`
	OS       string            `json:"os"`
	Commit   string            `json:"commit"`
	Time     time.Time         `json:"time"`
	Versions map[string]string `json:"versions"`
}

func (b *bench) write(name string) error {
	m := machine{Cores: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, Time: time.Now().UTC(), Versions: map[string]string{}}
	m.CPU = procLine("/proc/cpuinfo", "model name")
	m.Load = load()
	commit, err := exec.Command("git", "-C", b.root, "rev-parse", "HEAD").Output()
	if err == nil {
		m.Commit = strings.TrimSpace(string(commit))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			for _, peer := range []string{"go-ds-crdt", "go-nostr", "badger/v4", "go-libp2p", "go-libp2p-pubsub", "go-libp2p-kad-dht", "fxamacker/cbor/v2", "boxo"} {
				if strings.HasSuffix(d.Path, "/"+peer) {
					m.Versions[d.Path] = d.Version
				}
			}
		}
	}
	out, err := json.MarshalIndent(map[string]any{"machine": m, "quick": b.quick, "rows": b.rows}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(out, '\n'), 0o644)
}

// load is the load of the last minute; empty where it is not told.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// procLine returns what stands after a name in a file of /proc.
func procLine(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if key, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

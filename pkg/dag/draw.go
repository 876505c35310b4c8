package dag

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// drawn is one vertex of a picture.
type drawn struct {
	id      vertex.ID
	author  sig.Public
	lane    int
	aside   int // how far its branch stands beside the first of its author
	row     int
	lamport uint64
	kind    vertex.Kind
	prev    vertex.ID // zero for none
	parents []vertex.ID
	head    bool
	fork    bool // its author has another vertex of the same seq, here or below it
	waits   bool // parked
}

// picture is a log ready to be drawn: lanes are authors, rows ascend with lamport.
type picture struct {
	all   []drawn
	at    map[vertex.ID]int
	lanes []sig.Public
	rows  []uint64 // lamport of each row
}

// Draw writes the log as an SVG picture, or as DOT: a lane for each author, time downwards by lamport, heads
// ringed, authors who forked in red, what waits dashed. The same log gives the same bytes; nothing of a body is in it.
func (l *Log) Draw(w io.Writer, dot bool) error {
	p := l.picture()
	bw := bufio.NewWriterSize(w, 64<<10)
	if dot {
		p.dot(bw)
	} else {
		p.svg(bw)
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("draw session %s: %w", l.cfg.Session, err)
	}
	return nil
}

func (l *Log) picture() *picture {
	l.mu.RLock()
	defer l.mu.RUnlock()
	p := &picture{at: map[vertex.ID]int{}}
	x := &l.index
	for _, at := range x.byLamport() {
		e := &x.entries[at]
		a := &x.authors[e.author]
		_, head := x.heads[at]
		d := drawn{id: e.id, author: a.key, lamport: e.lamport, kind: e.kind, head: head, fork: a.forked && e.seq >= a.forkSeq}
		if e.prev != none {
			d.prev = x.entries[e.prev].id
		}
		for _, r := range e.parents {
			d.parents = append(d.parents, x.entries[r].id)
		}
		p.all = append(p.all, d)
	}
	for _, k := range l.park.items {
		it := &k.item
		p.all = append(p.all, drawn{id: it.ID, author: it.Author, lamport: it.Lamport, kind: it.Kind, prev: it.Prev, parents: it.Parents, waits: true})
	}
	p.place()
	return p
}

// place gives lanes in the order in which authors first appear, and a row to each lamport, and another
// where one author has two vertices of it.
func (p *picture) place() {
	slices.SortFunc(p.all, func(a, b drawn) int {
		return cmp.Or(cmp.Compare(a.lamport, b.lamport), slices.Compare(a.author[:], b.author[:]), a.id.Compare(b.id))
	})
	lane := map[sig.Public]int{}
	last := map[sig.Public]int{}      // newest row of an author
	branches := map[branchPoint]int{} // how many of one author stand on a vertex
	for i := range p.all {
		d := &p.all[i]
		n, ok := lane[d.author]
		if !ok {
			n = len(p.lanes)
			lane[d.author] = n
			p.lanes = append(p.lanes, d.author)
		}
		d.lane = n
		if len(p.rows) == 0 || p.rows[len(p.rows)-1] != d.lamport || last[d.author] == len(p.rows) {
			p.rows = append(p.rows, d.lamport)
		}
		d.row = len(p.rows) - 1
		last[d.author] = len(p.rows)
		p.at[d.id] = i
		on := branchPoint{d.author, d.prev}
		if k, ok := p.at[d.prev]; ok {
			d.aside = p.all[k].aside
		}
		d.aside = min(d.aside+branches[on], 2)
		branches[on]++
	}
}

type branchPoint struct {
	author sig.Public
	prev   vertex.ID
}

// Sizes of a picture in its own units.
const (
	laneWidth  = 56
	rowHeight  = 26
	topMargin  = 48
	leftMargin = 64
)

func (d *drawn) x() int { return leftMargin + laneWidth/2 + d.lane*laneWidth + d.aside*11 }
func (d *drawn) y() int { return topMargin + rowHeight/2 + d.row*rowHeight }

func (p *picture) size() (w, h int) {
	return leftMargin + max(1, len(p.lanes))*laneWidth + 24, topMargin + len(p.rows)*rowHeight + 24
}

const drawStyle = `<style>
text{font:10px ui-monospace,Menlo,Consolas,monospace;fill:#555}
.bg{fill:#fff}.lane{stroke:#eceff3;stroke-width:20;stroke-linecap:round}.tick{fill:#9aa3ad}
.parent{fill:none;stroke:#8fa3b8;stroke-width:1;opacity:.7}.prev{fill:none;stroke:#3b4a5a;stroke-width:2}
circle{fill:#3b6ea5;stroke:#fff;stroke-width:1.5}.receipt{fill:#9db4cb}.control{fill:#2f855a}.other{fill:#805ad5}
.ring{fill:none;stroke:#e08a00;stroke-width:2}
circle.fork{fill:#d1242f}path.fork{stroke:#d1242f}
circle.parked{fill:#fff;stroke:#777;stroke-dasharray:2 2}path.parked{stroke:#999;stroke-dasharray:4 3}
</style>
`

func (p *picture) svg(w *bufio.Writer) {
	width, height := p.size()
	fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", width, height, width, height)
	w.WriteString(drawStyle)
	fmt.Fprintf(w, "<rect class=\"bg\" width=\"%d\" height=\"%d\"/>\n", width, height)
	p.lines(w, height)
	for i := range p.all {
		d := &p.all[i]
		for _, id := range d.parents {
			p.edge(w, d, id, "parent")
		}
	}
	for i := range p.all {
		if d := &p.all[i]; d.prev != (vertex.ID{}) {
			p.edge(w, d, d.prev, "prev")
		}
	}
	for i := range p.all {
		p.all[i].dot(w)
	}
	w.WriteString("</svg>\n")
}

// lines draws the lanes with the beginnings of their authors' keys, and the lamport of every tenth row.
func (p *picture) lines(w *bufio.Writer, height int) {
	for i, key := range p.lanes {
		d := drawn{lane: i}
		fmt.Fprintf(w, "<path class=\"lane\" d=\"M%d %dV%d\"/><text x=\"%d\" y=\"28\" text-anchor=\"middle\">%x</text>\n",
			d.x(), topMargin+4, height-28, d.x(), key[:3])
	}
	for i, l := range p.rows {
		if i%10 == 0 || i == len(p.rows)-1 && i%10 > 2 {
			d := drawn{row: i}
			fmt.Fprintf(w, "<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%d</text>\n", leftMargin-12, d.y()+3, l)
		}
	}
}

func (d *drawn) class() string {
	switch {
	case d.waits:
		return " parked"
	case d.fork:
		return " fork"
	}
	return ""
}

// edge draws a line up to what d names. One that is not here ends in the air.
func (p *picture) edge(w *bufio.Writer, d *drawn, id vertex.ID, kind string) {
	x, y := d.x(), d.y()
	class := kind
	if d.waits || kind == "prev" {
		class += d.class()
	}
	i, ok := p.at[id]
	switch {
	case !ok:
		fmt.Fprintf(w, "<path class=\"%s\" d=\"M%d %dv-14\"/>\n", class, x, y)
	case p.all[i].x() == x && kind == "prev":
		fmt.Fprintf(w, "<path class=\"%s\" d=\"M%d %dV%d\"/>\n", class, x, y, p.all[i].y())
	default: // out of the lane first, so that long edges run beside the lanes
		u := &p.all[i]
		fmt.Fprintf(w, "<path class=\"%s\" d=\"M%d %dC%d %d %d %d %d %d\"/>\n", class, x, y, x, y-rowHeight*2/3, u.x(), u.y()+rowHeight*2/3, u.x(), u.y())
	}
}

func (d *drawn) dot(w *bufio.Writer) {
	kind := "app"
	switch d.kind {
	case vertex.App:
	case vertex.Receipt:
		kind = "receipt"
	case vertex.Control:
		kind = "control"
	default:
		kind = "other"
	}
	r := 6
	if d.kind == vertex.Receipt {
		r = 4
	}
	if d.head {
		fmt.Fprintf(w, "<circle class=\"ring\" cx=\"%d\" cy=\"%d\" r=\"10\"/>\n", d.x(), d.y())
	}
	fmt.Fprintf(w, "<circle class=\"%s%s\" cx=\"%d\" cy=\"%d\" r=\"%d\"><title>%s</title></circle>\n", kind, d.class(), d.x(), d.y(), r, d.id)
}

// dot writes the picture for graphviz: prev heavy, parents thin, names by the first 8 hex digits.
func (p *picture) dot(w *bufio.Writer) {
	w.WriteString("digraph log {\n  rankdir=BT;\n  node [shape=circle, fontsize=9, style=filled, fillcolor=\"#dbe7f3\"];\n")
	for i, key := range p.lanes {
		fmt.Fprintf(w, "  subgraph cluster_%d {\n    label=\"%x\"; color=\"#cccccc\";\n", i, key[:3])
		for k := range p.all {
			if d := &p.all[k]; d.lane == i {
				fmt.Fprintf(w, "    \"%s\" [label=\"%x\"%s];\n", d.id, d.id[:4], d.look())
			}
		}
		w.WriteString("  }\n")
	}
	for i := range p.all {
		d := &p.all[i]
		if d.prev != (vertex.ID{}) {
			fmt.Fprintf(w, "  \"%s\" -> \"%s\" [penwidth=2, weight=8];\n", d.id, d.prev)
		}
		for _, id := range d.parents {
			fmt.Fprintf(w, "  \"%s\" -> \"%s\" [color=\"#8fa3b8\", arrowsize=0.6];\n", d.id, id)
		}
	}
	w.WriteString("}\n")
}

func (d *drawn) look() string {
	switch {
	case d.waits:
		return ", style=dashed"
	case d.fork:
		return ", fillcolor=\"#f4b6b6\", color=\"#d1242f\""
	case d.head:
		return ", penwidth=3, color=\"#e08a00\""
	}
	return ""
}

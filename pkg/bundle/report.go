package bundle

import (
	"encoding/json"
	"time"
)

// Report says what of a file is there and what is not.
type Report struct {
	Form      string
	Head      *Head // of the first good chunk
	Signed    bool
	Body      BodyID // when Complete
	Complete  bool   // every chunk is there
	Sectors   SectorReport
	Windows   []WindowReport // those with losses, at most 1,024
	Chunks    ChunkReport
	Truncated bool
	Prefixes  int   // good copies of the prefix, of 2
	Extra     int64 // bytes behind the bundle

	Reads       bool  // the chunks could be read
	LostWindows int64 // windows that parity did not bring back
}

// SectorReport counts sectors.
type SectorReport struct {
	Total    int64 `json:"total"`
	Good     int64 `json:"good"`
	Repaired int64 `json:"repaired"`
	Lost     int64 `json:"lost"`
}

// WindowReport is one window with losses.
type WindowReport struct {
	N        uint32 `json:"n"`
	Data     int    `json:"data"`
	Parity   int    `json:"parity"`
	Lost     int    `json:"lost"`
	Repaired int    `json:"repaired"`
}

// ChunkReport counts chunks.
type ChunkReport struct {
	Good    int64
	Refused []RefusedChunk // at most 1,024
	Forged  bool           // a wrong signature under a good MAC
}

// RefusedChunk is a chunk that was not taken. N is a guess where the chunk's own number was not readable.
type RefusedChunk struct {
	N      int64  `json:"n"`
	Reason Reason `json:"reason"`
}

const maxListed = 1024

func (r *Report) refuseChunk(n int64, why Reason) {
	if why != BadCut {
		r.Chunks.Forged = true
	}
	if len(r.Chunks.Refused) < maxListed {
		r.Chunks.Refused = append(r.Chunks.Refused, RefusedChunk{n, why})
	}
}

func (r *Report) good(c *Chunk) {
	if r.Chunks.Good++; r.Chunks.Good == 1 {
		r.Head, r.Signed = c.Head, c.Signed
	}
}

// note enters a window.
func (f *File) note(w *window) {
	s := &f.Report.Sectors
	s.Total += int64(len(w.shards))
	s.Good += int64(len(w.shards) - w.lost)
	s.Repaired += int64(len(w.restored))
	s.Lost += int64(w.lost - len(w.restored))
	if !w.whole {
		f.Report.LostWindows++
	}
	if (w.lost > 0 || w.data == 0) && len(f.Report.Windows) < maxListed {
		f.Report.Windows = append(f.Report.Windows, WindowReport{w.n, w.data, w.parity, w.lost, len(w.restored)})
	}
}

// Whole reports whether nothing at all is wrong with the file.
func (r *Report) Whole() bool {
	if r.Form == FormCompact {
		return r.Complete
	}
	return r.Sound() && r.Sectors.Repaired+r.Sectors.Lost == 0 && r.Prefixes == 2 && r.Extra == 0
}

// Sound reports whether everything can be read, or with the courier key repaired, whatever is damaged.
func (r *Report) Sound() bool {
	if r.Reads {
		return r.Complete && !r.Chunks.Forged
	}
	return !r.Truncated && r.LostWindows == 0 && r.Sectors.Total > 0
}

// MarshalJSON writes the salvage report: one object, fields only ever added.
func (r *Report) MarshalJSON() ([]byte, error) {
	type chunks struct {
		Good    int64          `json:"good"`
		Refused []RefusedChunk `json:"refused"`
	}
	out := struct {
		Body     string         `json:"body_id,omitempty"`
		Form     string         `json:"form"`
		SignedBy string         `json:"signed_by,omitempty"`
		Created  *time.Time     `json:"created,omitempty"`
		NotAfter *time.Time     `json:"not_after,omitempty"`
		Sectors  SectorReport   `json:"sectors"`
		Windows  []WindowReport `json:"windows"`
		Chunks   chunks         `json:"chunks"`
		Cut      bool           `json:"truncated"`
		Prefixes int            `json:"prefixes"`
		Extra    int64          `json:"extra_bytes"`
		Whole    bool           `json:"whole"`
		Sound    bool           `json:"sound"`
	}{Form: r.Form, Sectors: r.Sectors, Windows: r.Windows, Chunks: chunks{r.Chunks.Good, r.Chunks.Refused},
		Cut: r.Truncated, Prefixes: r.Prefixes, Extra: r.Extra, Whole: r.Whole(), Sound: r.Sound()}
	if r.Complete {
		out.Body = r.Body.String()
	}
	if h := r.Head; h != nil {
		out.Created, out.NotAfter = hours(h.Created), hours(h.NotAfter)
		if r.Signed {
			out.SignedBy = BodyID(h.Exporter).String()
		}
	}
	return json.Marshal(out)
}

func hours(h uint32) *time.Time {
	if h == 0 {
		return nil
	}
	t := time.Unix(int64(h)*3600, 0).UTC()
	return &t
}

// Check reads the whole file, hands out its chunks and fills Report with all there is to say. each may be nil.
func (f *File) Check(each func(*Chunk) error) error {
	if each == nil {
		each = func(*Chunk) error { return nil }
	}
	if err := f.Chunks(each); err != nil || f.Form == FormCompact {
		return err
	}
	good, err := f.prefixes()
	for _, g := range good {
		if g {
			f.Report.Prefixes++
		}
	}
	f.Report.Extra = f.size - f.End()
	return err
}

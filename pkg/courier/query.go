package courier

import (
	"fmt"
	"os"

	"github.com/pars-network/pars/pkg/bundle"
)

// PackQuery says what to pack, for whom and how.
type PackQuery struct {
	Sessions    []string    `json:"sessions,omitempty"`    // beginnings of ids
	Vertices    []string    `json:"vertices,omitempty"`    // whole ids: they and their pasts
	Add         []AddedFile `json:"add,omitempty"`         // records from files
	For         []string    `json:"for,omitempty"`         // accounts whose cards are held: sealed to them, not to the sessions' members
	Cards       [][]byte    `json:"cards,omitempty"`       // likewise, full cards
	Passphrases []string    `json:"passphrases,omitempty"` // more who can open it
	Have        [][]byte    `json:"have,omitempty"`        // digests of the recipients
	Limit       int64       `json:"limit,omitempty"`       // most bytes of the file
	Parity      int         `json:"parity"`                // ten-thousandths
	Bucket      bool        `json:"bucket"`
	Form        string      `json:"form,omitempty"`
	Unsigned    bool        `json:"unsigned,omitempty"`
	Carried     bool        `json:"carried"`           // hand on what lies on the shelf
	Release     string      `json:"release,omitempty"` // name of a release that lists the added files
	Created     uint32      `json:"created,omitempty"` // hours; 0 now
	Days        int         `json:"days,omitempty"`    // how long it may be taken; 0 for ever
	Starter     bool        `json:"starter,omitempty"` // open form
}

// AddedFile is a file that becomes a record, or pieces.
type AddedFile struct {
	Kind string `json:"kind"` // name of a bundle.Kind; "file" for pieces
	Path string `json:"path"`
	Name string `json:"name,omitempty"` // in the release
}

// FileQuery names a bundle and what else may open it.
type FileQuery struct {
	Path        string   `json:"path"`
	Offset      int64    `json:"offset,omitempty"`
	Passphrases []string `json:"passphrases,omitempty"`
	Courier     []byte   `json:"courier,omitempty"` // courier key
	Into        string   `json:"into,omitempty"`    // folder for files; default the home's
	Deep        bool     `json:"deep,omitempty"`
}

func (q *FileQuery) courier() (*bundle.Key, error) {
	if len(q.Courier) == 0 {
		return nil, nil
	}
	if len(q.Courier) != 32 {
		return nil, fmt.Errorf("a courier key has 32 bytes, not %d", len(q.Courier))
	}
	k := bundle.Key(q.Courier)
	return &k, nil
}

// HaveQuery asks for a digest.
type HaveQuery struct {
	Sessions []string `json:"sessions,omitempty"`
	Cells    int      `json:"cells,omitempty"` // of the sketch of the shelf; 0 none
	Created  uint32   `json:"created,omitempty"`
}

// Packed says what a bundle became.
type Packed struct {
	Body     string   `json:"body_id"`
	Form     string   `json:"form"`
	Size     int64    `json:"bytes"`
	Records  uint64   `json:"records"`
	Entries  int      `json:"vertices"`
	Left     int      `json:"left"` // records and vertices that did not fit
	Courier  []byte   `json:"courier_key,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Planned is one line of a plan.
type Planned struct {
	Class int    `json:"class"`
	What  string `json:"what"` // "session ID", or a kind and the beginning of a hash
	Count int    `json:"count"`
	Bytes int64  `json:"bytes"`
	Total int64  `json:"total"` // bytes of the body so far
	Left  int    `json:"left,omitempty"`
}

// Result is what became of one object.
type Result struct {
	ID      string  `json:"id"`
	Kind    string  `json:"kind"`
	Session string  `json:"session,omitempty"`
	Author  string  `json:"author,omitempty"`
	Result  string  `json:"result"` // new, known, parked, refused; of Look: held, kept, unknown
	Reason  string  `json:"reason,omitempty"`
	Checked Checked `json:"checked,omitempty"` // of records that are no vertices
	Bytes   int     `json:"bytes,omitempty"`
	Path    string  `json:"path,omitempty"` // where a file was put
}

// Verdict is what there is to say of a file.
type Verdict struct {
	bundle.Report
	Bytes   int64  // of the file
	End     int64  // where the bundle ends: another may follow
	Known   bool   // every chunk was taken before
	New     int    // objects
	Refused int    // objects
	Kept    int    // objects not refused
	Proven  int    // of them, those that prove themselves; of records alone
	Unsure  int    // of them, those that cannot be verified here
	Courier []byte // courier key, where the file has one
}

// readFile reads a small file.
func readFile(path string, most int64) ([]byte, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > most {
		return nil, fmt.Errorf("%s has %d bytes, at most %d: %w", path, size, most, bundle.ErrLimit)
	}
	return os.ReadFile(path)
}

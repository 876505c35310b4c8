package courier

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/cards"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// API is what pars-bundle asks of a home. Lists come one by one through emit, whose error ends the call.
type API interface {
	// Pack writes a bundle to w.
	Pack(ctx context.Context, q PackQuery, w io.Writer) (Packed, error)
	// Plan tells what Pack would take, in the order of its importance.
	Plan(ctx context.Context, q PackQuery, emit func(Planned) error) (Packed, error)
	// Unpack takes everything out of a file.
	Unpack(ctx context.Context, q FileQuery, emit func(Result) error) (*Verdict, error)
	// Look lists what is in a file and takes nothing; with Deep every object's own check is run.
	Look(ctx context.Context, q FileQuery, emit func(Result) error) (*Verdict, error)
	// Have makes a digest of what this home holds.
	Have(ctx context.Context, q HaveQuery) ([]byte, error)
	Close() error
}

// Config says what a Courier works on.
type Config struct {
	Dir      string // of the home: files that bundles bring are put into Dir/files
	Store    *store.Store
	Sessions *session.Sessions
	Cards    *cards.Shelf // nil: sealed to nobody by card
	DEK      store.Key    // the bundle secret follows from it
	Clock    func() time.Time
	Rand     io.Reader
	Who      [8]byte // beginning of the device's id, for receipts
	Readers  map[bundle.Kind]Reader
	// Own lists records of this home that go with what is carried; may be nil.
	Own func() []bundle.Record
}

// Courier answers API on an open home. It is safe for concurrent use.
type Courier struct {
	cfg    Config
	root   *store.Space
	secret bundle.Key
}

// New returns the Courier of an open home.
func New(cfg Config) (*Courier, error) {
	k, err := hkdf.Key(sha256.New, cfg.DEK[:], nil, wire.LabelBundleSecret, 32)
	if err != nil {
		return nil, err
	}
	return &Courier{cfg: cfg, root: cfg.Store.Root(), secret: bundle.Key(k)}, nil
}

// Homeless returns a Courier without a home: it reads what needs no key of a home, and takes files out of bundles in
// open form. Pack, Plan and Have do not work. Readers may be nil.
func Homeless(clock func() time.Time, readers map[bundle.Kind]Reader) *Courier {
	return &Courier{cfg: Config{Clock: clock, Readers: readers}}
}

// session returns a session of this home.
func (c *Courier) session(id vertex.Session) (*session.Session, error) {
	if c.cfg.Sessions == nil {
		return nil, session.ErrNotHeld
	}
	return c.cfg.Sessions.Get(id)
}

// Close does nothing: the home belongs to who opened it.
func (c *Courier) Close() error { return nil }

// keys are all that this home can open a bundle with.
func (c *Courier) keys(q *FileQuery) (k bundle.Keys, err error) {
	if c.cfg.Sessions != nil {
		for _, s := range c.cfg.Sessions.List() {
			k.Groups = append(k.Groups, s.BundleKey())
		}
	}
	for _, p := range q.Passphrases {
		k.Passphrases = append(k.Passphrases, []byte(p))
	}
	if k.Cards, err = c.openers(); err != nil {
		return k, err
	}
	k.Courier, err = q.courier()
	return k, err
}

// find returns the sessions named, or all.
func (c *Courier) find(names []string) ([]*session.Session, error) {
	if len(names) == 0 {
		return c.cfg.Sessions.List(), nil
	}
	var out []*session.Session
	seen := map[*session.Session]bool{}
	for _, n := range names {
		s, err := c.cfg.Sessions.Find(n)
		if err != nil {
			return nil, err
		}
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, nil
}

// files is the folder for files that bundles bring.
func (c *Courier) files(q *FileQuery) string {
	if q.Into != "" {
		return q.Into
	}
	return filepath.Join(c.cfg.Dir, "files")
}

func openFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		size, serr := f.Seek(0, io.SeekEnd) // a device
		if serr != nil || size == 0 {
			err = fmt.Errorf("%s is no file", path)
		} else {
			return f, size, nil
		}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

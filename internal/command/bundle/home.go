package bundle

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/cards"
	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/courier/readers"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/store"
)

// home is an open home without a node: this command links none.
type home struct {
	*courier.Courier
	keys  *keystore.Opened
	store *store.Store
}

// Close closes the store and forgets the keys.
func (h *home) Close() error {
	err := h.store.Close()
	h.keys.Forget()
	return err
}

// errNoHome says what to do.
var errNoHome = fmt.Errorf("no home here: make it with pars-node init, or name another with --home: %w", store.ErrNotFound)

// errPassphrase says it too.
var errPassphrase = fmt.Errorf("%w: give the passphrase with --passphrase-file", keystore.ErrPassphrase)

// flags are those of a verb that opens a home, with more behind them.
func flags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{cli.PassphraseFlag()}, more...)
}

// hasHome reports whether there is a home.
func hasHome(c *urfave.Context) bool {
	dir, err := cli.Home(c)
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "keys"))
	}
	return err == nil
}

// busyFor is how long another short program may keep the home.
const busyFor = 5 * time.Second

// do runs f on the home: through the node that runs on it, or opened.
func do(c *urfave.Context, f func(courier.API) error) error {
	dir, err := cli.Home(c)
	if err != nil {
		return err
	}
	api, err := attach(c, dir)
	if err != nil {
		return err
	}
	return errors.Join(f(api), api.Close())
}

func attach(c *urfave.Context, dir string) (courier.API, error) {
	pass, err := cli.Passphrase(c)
	if err != nil {
		return nil, err
	}
	wrong := 0
	for end := time.Now().Add(busyFor); ; {
		if api := courier.Dial(c.Context, dir); api != nil {
			return api, nil
		}
		if locked, err := keystore.NeedsPassphrase(store.OS(dir)); err == nil && locked && pass == nil && cli.StdinTerminal(c) {
			if pass, err = cli.AskSecret(c, "pass-phrase", false); err != nil {
				return nil, err
			}
		}
		h, err := openHome(c, dir, pass)
		if err == nil {
			return h, nil
		}
		if errors.Is(err, keystore.ErrPassphrase) && pass != nil && c.String("passphrase-file") == "" {
			if pass, err = cli.AskAgain(c, keystore.Delay(wrong)); err != nil || pass == nil {
				return nil, errors.Join(err, errPassphrase)
			}
			wrong++
			continue
		}
		if !errors.Is(err, store.ErrBusy) {
			return nil, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("another program has this home and does not answer: %w", err)
		}
		select {
		case <-c.Context.Done():
			return nil, c.Context.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func openHome(c *urfave.Context, dir string, pass []byte) (*home, error) {
	p, err := profile.Load(cli.Profile(c), os.ReadFile)
	if errors.Is(err, profile.ErrUnknown) {
		return nil, cli.Usagef("%v", err)
	}
	if err == nil {
		err = p.RequireNetwork()
	}
	if err != nil {
		return nil, err
	}
	if !hasHome(c) {
		return nil, fmt.Errorf("%s: %w", dir, errNoHome)
	}
	fs := store.OS(dir)
	if keystore.Pending(fs) {
		return nil, errors.New("this home was wiped: pars-node status removes what is left of it")
	}
	h := &home{}
	if h.keys, err = keystore.Open(fs, keystore.File(fs), pass); err != nil {
		if errors.Is(err, keystore.ErrPassphrase) {
			err = errPassphrase
		}
		return nil, err
	}
	if err := h.open(dir, p); err != nil {
		h.keys.Forget()
		return nil, fmt.Errorf("open home %s: %w", dir, err)
	}
	return h, nil
}

// limit is the disk budget of a home, that of a node on a desktop.
const limit = 8 << 30

func (h *home) open(dir string, p *profile.Profile) error {
	state, err := h.keys.StateKey()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "store")
	engine, err := store.OpenBadger(path, store.BadgerOptions{Log: func(string) {}})
	if err != nil {
		return err
	}
	h.store, err = store.New(engine, store.Options{Key: h.keys.Keys.DEK, Rand: rand.Reader, Limit: limit, FreeSpace: store.FreeSpace(path)})
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	id := p.NetID()
	sessions, err := session.Open(session.Config{Store: h.store, State: state, Network: [4]byte(id[:4]), Rand: rand.Reader})
	var shelf *cards.Shelf
	if err == nil {
		shelf, err = cards.OfDevice(h.keys.Keys, h.store, state, rand.Reader)
	}
	if err == nil {
		var who [8]byte
		if cert, cerr := identity.DecodeCert(h.keys.Keys.Cert); cerr == nil {
			d := cert.Device()
			copy(who[:], d[:])
		}
		h.Courier, err = courier.New(courier.Config{Dir: dir, Store: h.store, Sessions: sessions, Cards: shelf, DEK: h.keys.Keys.DEK, Who: who, Clock: time.Now, Rand: rand.Reader,
			Readers: readers.Of(readers.Home{Profile: p, Memory: readers.Settings{Store: h.store}, Files: store.OS(dir)})})
	}
	if err != nil {
		return errors.Join(err, h.store.Close())
	}
	return nil
}

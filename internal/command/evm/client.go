package evm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/store/files"
	"github.com/pars-network/pars/pkg/wire"
)

// chainFlags name whom to ask and what to begin with.
func chainFlags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.StringSliceFlag{Name: "beacon", Usage: "ask the beacon API at `URL` (repeat for more; before those of the profile)"},
		&urfave.StringSliceFlag{Name: "rpc", Usage: "ask the JSON-RPC server at `URL` (repeat for more; before those of the profile)"},
		&urfave.StringFlag{Name: "files", Usage: "read light-client containers from `DIR` too, as sync --save writes them"},
		&urfave.StringFlag{Name: "checkpoint", Usage: "begin at the block `ROOT`, which is then believed"},
		&urfave.BoolFlag{Name: "allow-old-checkpoint", Usage: "follow from a checkpoint older than the profile's period: whoever bought old keys can lie"},
	}, more...)
}

// readFlags are for verbs that answer from a head.
func readFlags(more ...urfave.Flag) []urfave.Flag {
	return chainFlags(append([]urfave.Flag{
		&urfave.BoolFlag{Name: "stale", Usage: "answer from an old head, and show its age"},
		&urfave.StringFlag{Name: "block", Value: "latest", Usage: "answer at `BLOCK`: a number, a hash, latest or finalized"},
	}, more...)...)
}

// folder keeps small files: those of a home, or of another place.
type folder struct{ files.FS }

// WriteAtomic replaces a file.
func (f folder) WriteAtomic(name string, b []byte) error { return files.WriteAtomic(f.FS, name, b) }

func chainProfile(c *urfave.Context) (*profile.Profile, error) {
	p, err := profile.Load(cli.Profile(c), os.ReadFile)
	if errors.Is(err, profile.ErrUnknown) {
		return nil, cli.Usagef("%v", err)
	}
	return p, err
}

// open makes a client from flags and profile, with what is kept in the home.
func open(c *urfave.Context) (*evm.Client, error) {
	p, err := chainProfile(c)
	if err != nil {
		return nil, err
	}
	home, err := cli.Home(c)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(home, "evm"), 0o700); err != nil {
		return nil, err
	}
	cl := &evm.Client{Profile: p, Files: folder{files.OS(home)}, Now: time.Now, AllowOld: c.Bool("allow-old-checkpoint"), Stale: c.Bool("stale")}
	if s := c.String("checkpoint"); s != "" {
		if cl.Checkpoint, err = evm.ParseHash(s); err != nil {
			return nil, cli.Usagef("--checkpoint: %v", err)
		}
	}
	switch err := cl.Open(); {
	case errors.Is(err, evm.ErrNoFinality):
		return nil, fmt.Errorf("%w: name a chain that does with --profile %s", err, strings.Join(provable(), ", ")+" or a FILE")
	case err != nil:
		return nil, err
	}
	if cl.AllowOld {
		cli.Warnf(c, "old checkpoints are allowed: whoever holds keys of that time can show a false chain")
	}
	return cl, servers(c, cl)
}

// provable lists the built-in profiles whose blocks can be checked.
func provable() (names []string) {
	for _, n := range profile.Names() {
		if p, err := profile.Load(n, nil); err == nil && p.Chain != nil && p.Chain.Finality != profile.FinalityNone {
			names = append(names, n)
		}
	}
	return names
}

func servers(c *urfave.Context, cl *evm.Client) error {
	h := evm.NewHTTP()
	chain := cl.Profile.Chain
	for _, u := range append(c.StringSlice("beacon"), chain.Beacon...) {
		b, err := evm.NewBeacon(u, h, cl.Spec())
		if err != nil {
			return cli.Usagef("%v", err)
		}
		cl.Sources = append(cl.Sources, b)
	}
	if dir := c.String("files"); dir != "" {
		cl.Sources = append(cl.Sources, &evm.Folder{FS: os.DirFS(dir), Where: dir, Spec: cl.Spec()})
	}
	home, err := cli.Home(c)
	if err != nil {
		return err
	}
	if dir := filepath.Join(home, "evm", "carried"); exists(dir) { // what bundles brought
		cl.Sources = append(cl.Sources, &evm.Folder{FS: os.DirFS(dir), Where: dir, Spec: cl.Spec()})
	}
	if err := throughNode(c, cl); err != nil {
		return err
	}
	return rpcs(c, cl)
}

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}

func rpcs(c *urfave.Context, cl *evm.Client) error {
	h := evm.NewHTTP()
	for _, u := range append(c.StringSlice("rpc"), cl.Profile.Chain.RPC...) {
		r, err := evm.NewRPC(u, h)
		if err != nil {
			return cli.Usagef("%v", err)
		}
		cl.RPCs = append(cl.RPCs, r)
	}
	return nil
}

// reading opens a client and brings its head up to date. That no source answers is no error while the head is fresh,
// or stale ones are allowed.
func reading(c *urfave.Context) (*evm.Client, error) {
	cl, err := open(c)
	if err != nil {
		return nil, err
	}
	err = cl.Sync(c.Context)
	if c.Context.Err() != nil {
		return nil, c.Context.Err()
	}
	if _, ok := cl.Head(); err != nil && (!ok || errors.Is(err, wire.ErrInvalid) && !cl.Stale) {
		return nil, err // a source that lies may hide what is new; --stale answers all the same
	}
	if err != nil {
		cli.Verbosef(c, "%v", err)
	}
	return cl, nil
}

// mark is the part of an answer that says what it was proven under.
type mark struct {
	Verified bool     `json:"verified"`
	Block    uint64   `json:"block"`
	Hash     evm.Hash `json:"hash"`
	Final    bool     `json:"finalized"`
	Weak     bool     `json:"weak,omitempty"`
	Age      int64    `json:"head_age_s,omitempty"`
}

func marked(c *urfave.Context, m evm.Mark) mark {
	age := int64(m.Age / time.Second)
	if age > 0 && !c.Bool("json") {
		cli.Warnf(c, "the head is %v old", (time.Duration(age) * time.Second).String())
	}
	return mark{true, m.Block, m.Hash, m.Final, m.Weak, age}
}

func address(s string) (evm.Address, error) {
	a, err := evm.ParseAddress(s)
	if err != nil {
		return a, cli.Usagef("%v", err)
	}
	return a, nil
}

func tag(c *urfave.Context) evm.Tag { return evm.Tag(c.String("block")) }

// answered runs f on a client that is up to date.
func answered(c *urfave.Context, f func(context.Context, *evm.Client) (cli.Record, error)) error {
	cl, err := reading(c)
	if err != nil {
		return err
	}
	r, err := f(c.Context, cl)
	if err != nil {
		return err
	}
	return cli.Out(c).Print(r)
}

package bootstrap

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap/ens"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

func ensVerb() *urfave.Command {
	return &urfave.Command{Name: "ens", Usage: "names of the Ethereum Name Service", Subcommands: []*urfave.Command{ensResolveVerb()}}
}

func ensResolveVerb() *urfave.Command {
	return &urfave.Command{
		Name: "resolve", Usage: "print records of a name", ArgsUsage: "NAME",
		Description: "Asks the server at --rpc to run the contracts, and marks every answer unverified: the server may say what it likes. With --own it is taken at its " +
			"word, for a full node of one's own or pars-evm serve, which proves each answer first. Without a flag that names a record the " +
			"resolver, the address and the content hash are printed. A name that is answered off the chain is asked at servers that its contract " +
			"names, with --offchain alone: they see who asks. Names with other letters than a–z, digits and hyphen are refused.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "rpc", Usage: "run contracts on the JSON-RPC server at `URL`"},
			&urfave.BoolFlag{Name: "own", Usage: "the server is mine: take it at its word"},
			&urfave.StringSliceFlag{Name: "text", Usage: "print the text record `KEY` (repeat for more)"},
			&urfave.BoolFlag{Name: "address", Usage: "print the address on Ethereum"},
			&urfave.Uint64Flag{Name: "coin", Usage: "print the address on the chain number `N` of SLIP-44"},
			&urfave.BoolFlag{Name: "contenthash", Usage: "print the content hash, as a URL where it is one"},
			&urfave.BoolFlag{Name: "offchain", Usage: "ask servers that the contract names"},
			&urfave.StringFlag{Name: "registry", Usage: "look names up in the contract `ADDR` in place of the profile's"},
		},
		Action: ensResolveAction,
	}
}

type ensRow struct {
	Name     string   `json:"name"`
	Record   string   `json:"record"`
	Key      string   `json:"key,omitempty"`
	Value    string   `json:"value"`
	Resolver string   `json:"resolver"`
	Of       string   `json:"resolver_of"`
	Offchain []string `json:"offchain,omitempty"`
	Verified bool     `json:"verified"`
}

// Text is name, record and value, and the word unverified where nothing but the server's word stands behind it.
func (r ensRow) Text() string {
	record := r.Record
	if r.Key != "" {
		record += " " + r.Key
	}
	out := r.Name + "\t" + cli.Escape(record) + "\t" + cli.Escape(r.Value)
	if !r.Verified {
		out += "\tunverified"
	}
	return out
}

func ensResolveAction(c *urfave.Context) error {
	r, err := ensResolver(c)
	if err != nil {
		return err
	}
	if _, err := ens.Normalize(cli.Args(c)[0]); err != nil {
		return cli.Usagef("%v", err)
	}
	f, err := r.Find(c.Context, cli.Args(c)[0])
	if err != nil {
		return err
	}
	list := ensWanted(c)
	if len(list) == 0 {
		if err := ensPrint(c, f, ensRecord{name: "resolver"}, f.Resolver.String()); err != nil {
			return err
		}
		list = []ensRecord{{name: "address", optional: true}, {name: "contenthash", optional: true}}
	}
	var missing []error
	for _, w := range list {
		f.Offchain = nil
		value, err := w.read(c, r, f)
		if errors.Is(err, wire.ErrNotFound) || w.optional && err != nil && !errors.Is(err, wire.ErrInvalid) {
			if !w.optional {
				missing = append(missing, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := ensPrint(c, f, w, value); err != nil {
			return err
		}
	}
	if len(missing) > 0 && len(missing) < len(list) {
		missing = append(missing, cli.ErrPartial)
	}
	return errors.Join(missing...)
}

// ensResolver is over the server of --rpc, once that has told that it is of the right chain.
func ensResolver(c *urfave.Context) (*ens.Resolver, error) {
	if c.String("rpc") == "" {
		return nil, cli.Usagef("--rpc URL is needed")
	}
	p, err := ensProfile(c)
	if err != nil {
		return nil, err
	}
	text := c.String("registry")
	if text == "" {
		text = p.Chain.ENSRegistry
	}
	registry, err := ens.ParseAddress(text)
	if err != nil {
		return nil, cli.Usagef("registry: %v", err)
	}
	rpc := &ens.RPC{URL: c.String("rpc")}
	id, err := rpc.ChainID(c.Context)
	if err != nil {
		return nil, err
	}
	if id != p.ChainID {
		return nil, cli.Usagef("the server is of chain %d, and %s is chain %d", id, p.Name, p.ChainID)
	}
	r := &ens.Resolver{Caller: rpc, Registry: registry}
	if c.Bool("offchain") {
		r.Gateway = ens.NewWeb()
	}
	return r, nil
}

// ensProfile is that of --profile if it has a registry, or one is named; else ethereum, where the names of all are.
func ensProfile(c *urfave.Context) (*profile.Profile, error) {
	p, err := profile.Load(cli.Profile(c), os.ReadFile)
	if errors.Is(err, profile.ErrUnknown) {
		return nil, cli.Usagef("%v", err)
	}
	if err != nil || c.String("registry") != "" || p.Chain != nil && p.Chain.ENSRegistry != "" {
		return p, err
	}
	return profile.Load("ethereum", os.ReadFile)
}

// ensRecord is one thing to read of a name. What is optional may be missing.
type ensRecord struct {
	name, key string
	coin      uint64
	optional  bool
}

func ensWanted(c *urfave.Context) []ensRecord {
	var out []ensRecord
	for _, key := range c.StringSlice("text") {
		out = append(out, ensRecord{name: "text", key: key})
	}
	if c.Bool("address") {
		out = append(out, ensRecord{name: "address"})
	}
	if c.IsSet("coin") {
		out = append(out, ensRecord{name: "coin", key: fmt.Sprint(c.Uint64("coin")), coin: c.Uint64("coin")})
	}
	if c.Bool("contenthash") {
		out = append(out, ensRecord{name: "contenthash"})
	}
	return out
}

func (w ensRecord) read(c *urfave.Context, r *ens.Resolver, f *ens.Found) (string, error) {
	switch w.name {
	case "text":
		return r.Text(c.Context, f, w.key)
	case "address":
		a, err := r.Addr(c.Context, f)
		return a.String(), err
	case "coin":
		b, err := r.Coin(c.Context, f, w.coin)
		return "0x" + hex.EncodeToString(b), err
	}
	b, err := r.Contenthash(c.Context, f)
	if err != nil {
		return "", err
	}
	if u, err := ens.DecodeContent(b); err == nil {
		return u, nil
	}
	return "0x" + hex.EncodeToString(b), nil // of a kind that is not known here
}

func ensPrint(c *urfave.Context, f *ens.Found, w ensRecord, value string) error {
	return cli.Out(c).Print(ensRow{Name: f.Name, Record: w.name, Key: w.key, Value: strings.ToValidUTF8(value, "\ufffd"), Resolver: f.Resolver.String(),
		Of: f.Of, Offchain: f.Offchain, Verified: c.Bool("own") && len(f.Offchain) == 0})
}

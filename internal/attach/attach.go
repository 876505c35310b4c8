// Package attach finds the home a verb speaks of and how to reach it: through the node that runs on it,
// or by opening it.
package attach

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/profile"
)

// Config reads the common flags and the passphrase.
func Config(c *urfave.Context) (node.HomeConfig, error) {
	dir, err := cli.Home(c)
	if err != nil {
		return node.HomeConfig{}, err
	}
	p, err := profile.Load(cli.Profile(c), os.ReadFile)
	if errors.Is(err, profile.ErrUnknown) {
		return node.HomeConfig{}, cli.Usagef("%v", err)
	}
	if err != nil {
		return node.HomeConfig{}, err
	}
	pass, err := cli.Passphrase(c)
	if err != nil {
		return node.HomeConfig{}, err
	}
	cfg := node.HomeConfig{Dir: dir, Profile: p, Passphrase: pass, Log: Logger(c)}
	if pass == nil && cli.StdinTerminal(c) && !node.Running(c.Context, dir) && node.Locked(dir) {
		cfg.Passphrase, err = cli.AskSecret(c, "pass-phrase", false)
	}
	return cfg, err
}

// Logger logs to standard error: what a runner should know, and with -v everything.
func Logger(c *urfave.Context) *slog.Logger {
	level := slog.LevelInfo
	if c.Bool("v") {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(c.App.ErrWriter, &slog.HandlerOptions{Level: level}))
}

// Open calls open with cfg, and while a pass-phrase that a person typed is wrong, with another one, later each time.
func Open[T any](c *urfave.Context, cfg node.HomeConfig, open func(node.HomeConfig) (T, error)) (T, error) {
	typed := cfg.Passphrase != nil && c.String("passphrase-file") == ""
	for n := 0; ; n++ {
		v, err := open(cfg)
		if !typed || !errors.Is(err, node.ErrPassphrase) {
			return v, err
		}
		pass, aerr := cli.AskAgain(c, keystore.Delay(n))
		if aerr != nil || pass == nil {
			return v, errors.Join(err, aerr)
		}
		cfg.Passphrase = pass
	}
}

// Do runs f on the home's API; with create a home is made where there is none.
func Do(c *urfave.Context, create bool, f func(node.API) error) error {
	cfg, err := Config(c)
	if err != nil {
		return err
	}
	had := node.HasHome(cfg.Dir)
	api, err := Open(c, cfg, func(cfg node.HomeConfig) (node.API, error) { return node.Attach(c.Context, cfg, create) })
	if err != nil {
		return err
	}
	if create && !had {
		Made(c, cfg)
	}
	err = f(api)
	return errors.Join(err, api.Close())
}

// Made tells once what a new home means.
func Made(c *urfave.Context, cfg node.HomeConfig) {
	cli.Warnf(c, "made a new home in %s; write the phrase down: pars-node phrase", cfg.Dir)
	if cfg.Passphrase == nil {
		cli.Warnf(c, "it has no passphrase: whoever can read that folder can read everything in it")
	}
}

// Flags returns the flags of a verb that opens a home, with more behind them.
func Flags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{cli.PassphraseFlag()}, more...)
}

// Strings joins columns of a text record.
func Strings(columns ...any) string {
	out := ""
	for i, col := range columns {
		if i > 0 {
			out += "\t"
		}
		out += fmt.Sprint(col)
	}
	return out
}

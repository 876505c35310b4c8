package node

import (
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	pars "github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/store"
)

type identity struct{ pars.Identity }

// Text is the account.
func (i identity) Text() string { return i.Account }

func initVerb() *urfave.Command {
	return &urfave.Command{
		Name: "init", Usage: "make a home: an account, this device and its store",
		Description: "Prints the account. A home that is there already is left as it is. The account's 24 words stay on this " +
			"device until they are written down: see the verb phrase.",
		Flags: attach.Flags(
			&urfave.StringFlag{Name: "from-phrase", Usage: "make the account of the 24 words in `FILE|-`"},
			&urfave.BoolFlag{Name: "no-passphrase", Usage: "do not ask for a pass-phrase: the home opens without one"}),
		Action: initAction,
	}
}

func initAction(c *urfave.Context) error {
	cfg, err := attach.Config(c)
	if err != nil {
		return err
	}
	if name := c.String("from-phrase"); name != "" {
		if cfg.Phrase, err = readPhrase(c, name); err != nil {
			return err
		}
		if pars.HasHome(cfg.Dir) {
			return fmt.Errorf("there is a home in %s already: choose another with --home", cfg.Dir)
		}
	}
	had := pars.HasHome(cfg.Dir)
	if !had && cfg.Passphrase == nil && cli.StdinTerminal(c) && !c.Bool("no-passphrase") {
		if cfg.Passphrase, err = cli.AskSecret(c, "choose a pass-phrase, or press Enter for none", true); err != nil {
			return err
		}
	}
	api, err := pars.Attach(c.Context, cfg, true)
	if err != nil {
		return err
	}
	defer api.Close()
	if !had {
		attach.Made(c, cfg)
	}
	id, err := api.ID(c.Context)
	if err != nil {
		return err
	}
	return cli.Out(c).Print(identity{id})
}

func readPhrase(c *urfave.Context, name string) (string, error) {
	in, err := cli.Input(c, name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return "", fmt.Errorf("read phrase: %w", err)
	}
	return string(b), nil
}

type phrase struct {
	Words string `json:"phrase"`
}

// Text is the 24 words.
func (p phrase) Text() string { return p.Words }

func phraseVerb() *urfave.Command {
	return &urfave.Command{
		Name: "phrase", Usage: "show the account's 24 words, to be written down",
		Description: "Whoever has the words is the account. They stay on this device until --done erases them here.",
		Flags: attach.Flags(
			&urfave.BoolFlag{Name: "done", Usage: "the words are written down: erase them from this device"},
			&urfave.BoolFlag{Name: "yes", Usage: "do not ask; needed when output is no terminal"}),
		Action: phraseAction,
	}
}

func phraseAction(c *urfave.Context) error {
	cfg, err := attach.Config(c)
	if err != nil {
		return err
	}
	if pars.Running(c.Context, cfg.Dir) {
		return fmt.Errorf("a node runs on this home: stop it first: %w", store.ErrBusy)
	}
	if !c.Bool("yes") && !c.Bool("done") {
		if !cli.StdoutTerminal(c) {
			return cli.Usagef("the words are shown on a terminal only: add --yes to print them elsewhere")
		}
		if err := cli.Confirm(c, "nobody else can see this screen? type yes"); err != nil {
			return err
		}
	}
	h, err := pars.OpenHome(cfg, false)
	if err != nil {
		return err
	}
	defer h.Close()
	if c.Bool("done") {
		return h.ErasePhrase()
	}
	words, err := h.Phrase()
	if err != nil {
		return err
	}
	return cli.Out(c).Print(phrase{words})
}

type ids struct{ pars.Identity }

// Text is account, peer id and node id.
func (i ids) Text() string { return i.Account + " " + i.PeerID + " " + i.NodeID }

func idVerb() *urfave.Command {
	return &urfave.Command{
		Name: "id", Usage: "print account, peer id and node id", Flags: attach.Flags(),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a pars.API) error {
				id, err := a.ID(c.Context)
				if err != nil {
					return err
				}
				return cli.Out(c).Print(ids{id})
			})
		},
	}
}

func wipeVerb() *urfave.Command {
	return &urfave.Command{
		Name: "wipe", Usage: "destroy the home: keys first, then everything else",
		Description: "Needs no passphrase and works while a node runs, which ends. Killed at any moment, what is destroyed stays " +
			"destroyed and the next start finishes the rest. Copies made before, and what flash memory keeps of overwritten " +
			"files, are out of its reach.",
		Flags: []urfave.Flag{&urfave.BoolFlag{Name: "yes", Usage: "do not ask"}},
		Action: func(c *urfave.Context) error {
			dir, err := cli.Home(c)
			if err != nil {
				return err
			}
			if !c.Bool("yes") {
				if !cli.StdinTerminal(c) {
					return cli.Usagef("add --yes to destroy %s", dir)
				}
				if err := cli.Confirm(c, fmt.Sprintf("destroy everything in %s? type yes", dir)); err != nil {
					return err
				}
			}
			return pars.Wipe(c.Context, dir)
		},
	}
}

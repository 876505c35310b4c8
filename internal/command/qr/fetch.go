package qr

import (
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/socket"
	"github.com/pars-network/pars/pkg/wire"
)

// dial returns the node that runs on the home; nil when none answers. This command is carried on small media and links
// neither the network nor the store: what it needs of them it asks the node.
func dial(c *urfave.Context) (*socket.Client, error) {
	dir, err := cli.Home(c)
	if err != nil {
		return nil, err
	}
	return socket.Dial(c.Context, dir, nil), nil
}

var errNoNode = fmt.Errorf("no node runs on this home: start it with pars-node run: %w", wire.ErrNotFound)

// needed is dial where there is no other way.
func needed(c *urfave.Context) (*socket.Client, error) {
	n, err := dial(c)
	if err == nil && n == nil {
		err = errNoNode
	}
	return n, err
}

// heldCard is what the node tells of a full card.
type heldCard struct {
	Account  string   `json:"account"`
	From     string   `json:"from"`
	Warnings []string `json:"warnings"`
	Card     []byte   `json:"card"`
}

// fullCards prints the full cards that a call answers, each after it was verified once more, and writes those asked for.
func fullCards(c *urfave.Context, call string, query any) error {
	n, err := needed(c)
	if err != nil {
		return err
	}
	defer n.Close()
	show := func(h heldCard) error {
		for _, w := range h.Warnings {
			cli.Warnf(c, "%s", w)
		}
		account, err := identity.ParseAccount(h.Account)
		if err != nil {
			return err
		}
		r, err := newFullRow(h.Card, account)
		if err != nil {
			return err
		}
		r.From = h.From
		if !c.IsSet("o") {
			return cli.Out(c).Print(r)
		}
		err = cli.Output(c, func(w io.Writer) error { _, err := w.Write(h.Card); return err })
		if err == nil && c.String("o") != "-" {
			err = cli.Out(c).Print(r)
		}
		return err
	}
	if call == "cards" {
		_, err = socket.Ask[heldCard, struct{}](c.Context, n, call, query, show)
		return err
	}
	h, err := socket.AskOne[heldCard](c.Context, n, call, query)
	if err != nil {
		return err
	}
	return show(h)
}

// fetch asks for somebody's full card.
func fetch(c *urfave.Context) error {
	line, at := c.String("fetch"), c.String("peer")
	if at != "" && (!strings.HasPrefix(at, "/") || !strings.Contains(at, "/p2p/")) {
		return cli.Usagef("--peer %q: a multiaddr ending in /p2p/PEER_ID is needed", at)
	}
	if line == "-" {
		b, err := readAll(c, line, 1024)
		if err != nil {
			return err
		}
		line = strings.TrimRight(string(b), "\r\n")
	}
	return fullCards(c, "fetch-card", map[string]string{"card": line, "addr": at})
}

// heldCards lists the cards of others.
func heldCards(c *urfave.Context) error {
	of := ""
	if s := c.String("of"); s != "" {
		a, err := expected(s)
		if err != nil {
			return cli.Usagef("--of: %v", err)
		}
		of = a.String()
	}
	return fullCards(c, "cards", of)
}

// count counts the flags that are set.
func count(c *urfave.Context, names ...string) (n int) {
	for _, name := range names {
		if c.IsSet(name) {
			n++
		}
	}
	return n
}

// code is what the node tells of a code of this home.
type code struct {
	Number uint32  `json:"number"`
	Ends   *string `json:"ends"`
}

// number is that of the code to print: the one named, else a new one or the newest, as the running node knows.
func number(c *urfave.Context) (uint32, error) {
	want := uint32(c.Uint("number"))
	if c.Bool("new") {
		n, err := needed(c)
		if err != nil {
			return want, err
		}
		defer n.Close()
		k, err := socket.AskOne[code](c.Context, n, "new-code", struct{}{})
		return k.Number, err
	}
	n, err := dial(c)
	if err != nil || n == nil {
		return want, err
	}
	defer n.Close()
	counts := false
	_, err = socket.Ask[code, struct{}](c.Context, n, "codes", struct{}{}, func(k code) error {
		if !c.IsSet("number") && k.Ends == nil {
			want = k.Number
		}
		counts = counts || k.Number == want
		return nil
	})
	if err != nil {
		return want, err
	}
	if !counts {
		cli.Warnf(c, "code %d does not count any more, or not yet: nobody who asks with it is answered", want)
	}
	return want, nil
}

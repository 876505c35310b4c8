package qr

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/qr"
	"github.com/pars-network/pars/pkg/store/files"
	"github.com/pars-network/pars/pkg/wire"
)

func cardVerb() *urfave.Command {
	return &urfave.Command{
		Name: "card", Usage: "print the card of this home, or say what a card is",
		Description: "A card proves an account and tells where to ask for the rest. On a terminal its symbol is drawn, too. With --verify a card of somebody else is " +
			"read from a file: its line, its digits or, with --of, the bytes of a full card, whose account, certificates and signatures are then checked. " +
			"Exit 6 when it does not verify. What the running node is needed for: --full gives the full card of this home, for pars-bundle pack --for; --fetch asks " +
			"somebody's device for theirs, --held lists those that were fetched, and --new makes the code before it end after 48 hours. With -o FILE the bytes of " +
			"the card go there.",
		Flags: []urfave.Flag{cli.PassphraseFlag(),
			&urfave.BoolFlag{Name: "digits", Usage: "print 32 groups of five digits, to be read aloud"},
			&urfave.DurationFlag{Name: "expires", Usage: "let the card end after `D`, in whole days", DefaultText: "never"},
			&urfave.UintFlag{Name: "number", Usage: "print code `N` of this home: another number has another locator", DefaultText: "the newest that the running node knows, else 0"},
			&urfave.BoolFlag{Name: "new", Usage: "make a new code; those before it end"},
			&urfave.BoolFlag{Name: "full", Usage: "the full card of this home"},
			&urfave.StringFlag{Name: "fetch", Usage: "ask for the full card of `CARD|-`, verify and keep it"},
			&urfave.StringFlag{Name: "peer", Usage: "with --fetch: ask the device at `MULTIADDR`, which ends in /p2p/PEER_ID", DefaultText: "look for it"},
			&urfave.BoolFlag{Name: "held", Usage: "list the full cards of others that are kept"},
			&urfave.StringFlag{Name: "verify", Usage: "read the card in `FILE|-` instead"},
			&urfave.StringFlag{Name: "of", Usage: "it has to be of this `CARD|ACCOUNT`; with --held: that one alone"},
			cli.OutputFlag()},
		Action: cardAction,
	}
}

type cardRow struct {
	Card    string     `json:"card"`
	Account string     `json:"account"`
	Network string     `json:"network"`
	Expires *time.Time `json:"expires"`
	Expired bool       `json:"expired"`
	Digits  string     `json:"digits,omitempty"`
	spoken  bool
}

// Text is the line of the card, or its digits.
func (r cardRow) Text() string {
	if r.spoken {
		return r.Digits
	}
	return r.Card
}

func newCardRow(card identity.ShortCard, now time.Time) cardRow {
	r := cardRow{Card: card.Line(), Account: card.Account.String(), Network: fmt.Sprintf("%x", card.Network), Expired: card.Expired(now.Unix()), Digits: card.Digits()}
	if card.NotAfter != 0 {
		end := time.Date(2020, 1, 1+int(card.NotAfter), 0, 0, 0, 0, time.UTC)
		r.Expires = &end
	}
	return r
}

func cardAction(c *urfave.Context) error {
	switch name := c.String("verify"); {
	case count(c, "verify", "full", "fetch", "held", "new") > 1:
		return cli.Usagef("--verify, --full, --fetch, --held, --new: one of them")
	case c.IsSet("peer") && !c.IsSet("fetch"):
		return cli.Usagef("--peer says where --fetch has to ask")
	case c.IsSet("o") && !c.Bool("full") && !c.IsSet("fetch") && !(c.Bool("held") && c.IsSet("of")):
		return cli.Usagef("-o is for one full card: --full, --fetch, or --held with --of")
	case name != "":
		return verifyCard(c, name)
	case c.Bool("full"):
		return fullCards(c, "card", struct{}{})
	case c.IsSet("fetch"):
		return fetch(c)
	case c.Bool("held"):
		return heldCards(c)
	case c.String("of") != "":
		return cli.Usagef("--of says whose card --verify has to read")
	}
	card, err := ownCard(c)
	if err != nil {
		return err
	}
	r := newCardRow(card, time.Now())
	r.spoken = c.Bool("digits")
	if cli.StdoutTerminal(c) && !c.Bool("json") && !r.spoken {
		m, err := qr.Encode(card.Symbol(), qr.M)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(c.App.Writer, m.Text(qr.Quiet)); err != nil {
			return err
		}
	}
	return cli.Out(c).Print(r)
}

// ownCard makes the short card of the home. The store is not opened: it works beside a running node.
func ownCard(c *urfave.Context) (identity.ShortCard, error) {
	var card identity.ShortCard
	p, err := profile.Load(cli.Profile(c), os.ReadFile)
	if errors.Is(err, profile.ErrUnknown) {
		return card, cli.Usagef("%v", err)
	}
	if err != nil {
		return card, err
	}
	nr, err := number(c)
	if err != nil {
		return card, err
	}
	k, err := keys(c)
	if err != nil {
		return card, err
	}
	defer k.Forget()
	cert, err := identity.DecodeCert(k.Keys.Cert)
	if err != nil {
		return card, fmt.Errorf("read device certificate: %w", err)
	}
	card = identity.ShortCard{Account: identity.Account{Suite: cert.Suite, ID: cert.Account}, Network: identity.NetworkOf(p.Name)}
	card.Locator = identity.Locator(k.Keys.DEK, card.Account, nr)
	if d := c.Duration("expires"); d != 0 {
		card.NotAfter = identity.CardDays(time.Now().Add(d).Unix())
		if d < 0 || card.NotAfter == 0 {
			return card, cli.Usagef("--expires is out of range")
		}
	}
	return card, nil
}

// keys opens the key file of the home.
func keys(c *urfave.Context) (*keystore.Opened, error) {
	dir, err := cli.Home(c)
	if err != nil {
		return nil, err
	}
	f := files.OS(dir)
	pass, err := cli.Passphrase(c)
	if err != nil {
		return nil, err
	}
	if locked, err := keystore.NeedsPassphrase(f); err == nil && locked && pass == nil {
		if !cli.StdinTerminal(c) {
			return nil, cli.Usagef("this home has a pass-phrase: give it with --passphrase-file")
		}
		if pass, err = cli.AskSecret(c, "pass-phrase", false); err != nil {
			return nil, err
		}
	}
	k, err := keystore.Open(f, keystore.File(f), pass)
	if errors.Is(err, keystore.ErrNone) {
		return nil, fmt.Errorf("no home in %s: make it with pars-node init, or name another with --home: %w", dir, wire.ErrNotFound)
	}
	return k, err
}

// account reads whose card is expected.
func expected(s string) (identity.Account, error) {
	if strings.HasPrefix(s, "pars:card/") {
		card, err := identity.ParseShortCard(s)
		return card.Account, err
	}
	return identity.ParseAccount(s)
}

func verifyCard(c *urfave.Context, name string) error {
	b, err := readAll(c, name, identity.MaxCard)
	if err != nil {
		return err
	}
	var of *identity.Account
	if s := c.String("of"); s != "" {
		a, err := expected(s)
		if err != nil {
			return cli.Usagef("--of: %v", err)
		}
		of = &a
	}
	text := strings.TrimSpace(string(b))
	card, err := identity.ParseShortCard(text)
	if err != nil && strings.Count(text, " ") == 31 {
		card, err = identity.ParseDigits(text)
	}
	if err != nil {
		if len(b) > 0 && b[0]>>5 == 5 { // a map of CBOR
			return verifyFull(c, b, of)
		}
		return err
	}
	if of != nil && card.Account != *of {
		return fmt.Errorf("card %w: it is of another account", identity.ErrVerify)
	}
	return cli.Out(c).Print(newCardRow(card, time.Now()))
}

type fullRow struct {
	Account string    `json:"account"`
	Name    string    `json:"name,omitempty"`
	Devices []string  `json:"devices"`
	Roads   int       `json:"roads"`
	Seq     uint64    `json:"seq"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
	Expired bool      `json:"expired"`
	Bytes   int       `json:"bytes"`
	From    string    `json:"from,omitempty"` // peer id of the device that gave it
}

// Text is account, devices and the day it ends.
func (r fullRow) Text() string {
	return fmt.Sprintf("%s\t%d devices\t%s\t%s", r.Account, len(r.Devices), r.Expires.Format(time.RFC3339), cli.Escape(r.Name))
}

// verifyFull checks a full card against the account that is expected. What its log has revoked is not known here.
func verifyFull(c *urfave.Context, b []byte, of *identity.Account) error {
	if of == nil {
		return cli.Usagef("a full card proves nothing by itself: say with --of whose it has to be")
	}
	r, err := newFullRow(b, *of)
	if err != nil {
		return err
	}
	return cli.Out(c).Print(r)
}

func newFullRow(b []byte, of identity.Account) (r fullRow, err error) {
	full, err := identity.DecodeCard(b)
	if err != nil {
		return r, err
	}
	if err := full.Verify(of, func(identity.DeviceID) bool { return false }); err != nil {
		return r, err
	}
	now := time.Now()
	r = fullRow{Account: of.String(), Name: full.Name, Roads: len(full.Roads), Seq: full.Seq, Bytes: len(b),
		Issued: time.Unix(int64(full.Issued), 0).UTC(), Expires: time.Unix(int64(full.Expires), 0).UTC()}
	r.Expired = errors.Is(full.Usable(nil, 0, uint64(now.Unix())), identity.ErrCardExpired)
	for _, d := range full.Devices {
		r.Devices = append(r.Devices, d.Cert.Device().String())
	}
	return r, nil
}

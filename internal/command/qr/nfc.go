package qr

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/nfc"
	"github.com/pars-network/pars/pkg/nfc/pcsc"
)

// writeLimit is the largest message that a tag we play takes.
const writeLimit = 4 << 10

func nfcVerb() *urfave.Command {
	full := func() urfave.Flag {
		return &urfave.StringFlag{Name: "full", Usage: "add the full card in `FILE`, which has to be of the same account"}
	}
	return &urfave.Command{
		Name: "nfc", Usage: "a card on a tag",
		Subcommands: []*urfave.Command{
			{Name: "encode", Usage: "write the NDEF message of a card", ArgsUsage: "CARD", Flags: []urfave.Flag{full(), cli.OutputFlag()}, Action: nfcEncode},
			{Name: "decode", Usage: "read the card in an NDEF message", ArgsUsage: "FILE|-", Flags: []urfave.Flag{fromFlag()}, Action: nfcDecode},
			{Name: "read", Usage: "read the card on a tag that is laid on a reader", Action: nfcRead,
				Description: "Waits for a tag on any reader of pcscd, on Linux. What is read is a claim: nothing is kept of it.",
				Flags:       []urfave.Flag{&urfave.StringFlag{Name: "o", Usage: "write the NDEF message to `FILE`, too"}}},
			{Name: "emulate", Usage: "be a tag with a card on the virtual reader of vsmartcard", ArgsUsage: "CARD", Action: nfcEmulate,
				Description: "Goes on until it is stopped. With --open a reader may write one message within 30 seconds; it is printed.",
				Flags: []urfave.Flag{full(),
					&urfave.StringFlag{Name: "vpcd", Value: pcsc.VPCD, Usage: "the virtual reader waits at `ADDR`"},
					&urfave.BoolFlag{Name: "open", Usage: "let a reader write its own card"},
					&urfave.BoolFlag{Name: "once", Usage: "end after the card was read, or with --open was written"}}},
		},
	}
}

// message is the NDEF message of the card in the arguments.
func message(c *urfave.Context) ([]byte, error) {
	card, err := identity.ParseShortCard(cli.Args(c)[0])
	if err != nil {
		return nil, err
	}
	var full []byte
	if name := c.String("full"); name != "" {
		if full, err = readAll(c, name, identity.MaxCard); err != nil {
			return nil, err
		}
		if err := checkFull(full, card); err != nil {
			return nil, err
		}
	}
	return nfc.CardMessage(card.Line(), full), nil
}

// checkFull wants a full card to be of a short card's account.
func checkFull(b []byte, card identity.ShortCard) error {
	full, err := identity.DecodeCard(b)
	if err != nil {
		return err
	}
	return full.Verify(card.Account, func(identity.DeviceID) bool { return false })
}

func nfcEncode(c *urfave.Context) error {
	b, err := message(c)
	if err != nil {
		return err
	}
	return cli.Output(c, func(w writer) error { _, err := w.Write(b); return err })
}

type tagRow struct {
	Type string `json:"type"`
	cardRow
	Full    string  `json:"full,omitempty"`
	Bytes   int     `json:"bytes"`
	Seconds float64 `json:"seconds,omitempty"`
}

// newTagRow checks what stands on a tag: the full card has to be of the short one's account.
func newTagRow(b []byte) (tagRow, error) {
	line, full, err := nfc.DecodeCardMessage(b)
	if err != nil {
		return tagRow{}, err
	}
	card, err := identity.ParseShortCard(line)
	if err != nil {
		return tagRow{}, err
	}
	r := tagRow{Type: "card", cardRow: newCardRow(card, time.Now()), Bytes: len(b)}
	if full != nil {
		if err := checkFull(full, card); err != nil {
			return tagRow{}, fmt.Errorf("full card on the tag: %w", err)
		}
		r.Full = base64.StdEncoding.EncodeToString(full)
	}
	return r, nil
}

func nfcDecode(c *urfave.Context) error {
	b, err := readAll(c, cli.Args(c)[0], nfc.MaxMessage)
	if err != nil {
		return err
	}
	r, err := newTagRow(b)
	if err != nil {
		return err
	}
	return cli.Out(c).Print(r)
}

func nfcRead(c *urfave.Context) error {
	cli.Verbosef(c, "lay the tag on the reader")
	card, err := pcsc.Wait(c.Context)
	if errors.Is(err, pcsc.ErrNotHere) {
		return cli.Usagef("%v", err)
	}
	if err != nil {
		return err
	}
	defer card.Close()
	start := time.Now()
	r := &nfc.Reader{Transmit: card.Transmit}
	b, err := r.Read()
	if err != nil {
		return err
	}
	took := time.Since(start)
	if name := c.String("o"); name != "" {
		if err := create(name, func(w writer) error { _, err := w.Write(b); return err }); err != nil {
			return err
		}
	}
	row, err := newTagRow(b)
	if err != nil {
		return err
	}
	row.Seconds = took.Seconds()
	return cli.Out(c).Print(row)
}

// writeWindow is how long a tag that we play may be written.
const writeWindow = 30 * time.Second

func nfcEmulate(c *urfave.Context) error {
	b, err := message(c)
	if err != nil {
		return err
	}
	tag, err := nfc.NewTag(b)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	if c.Bool("open") {
		tag.Open(writeLimit)
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, writeWindow)
		defer stop()
	}
	last := 2 + len(b)
	err = pcsc.Emulate(ctx, c.String("vpcd"), tag, func(apdu, answer []byte) {
		cli.Verbosef(c, "%x -> %x", apdu, answer)
		if len(apdu) < 5 || len(answer) < 2 || answer[len(answer)-2] != 0x90 || !c.Bool("once") {
			return
		}
		off := int(apdu[2])<<8 | int(apdu[3])
		read := apdu[1] == 0xb0 && off+len(answer)-2 == last
		written := apdu[1] == 0xd6 && off == 0 && string(apdu[5:]) != "\x00\x00"
		if c.Bool("open") && written || !c.Bool("open") && read {
			cancel()
		}
	})
	if err != nil {
		return err
	}
	if got := tag.Shut(); c.Bool("open") && string(got) != string(b) {
		row, err := newTagRow(got)
		if err != nil {
			return fmt.Errorf("written by the other side: %w", err)
		}
		return cli.Out(c).Print(row)
	}
	if err := c.Context.Err(); err != nil && !strings.Contains(err.Error(), "deadline") {
		return err
	}
	return nil
}

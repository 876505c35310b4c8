package pcsc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	lite "github.com/gballet/go-libpcsclite"
)

// apduTime is how long one APDU may take.
const apduTime = 2 * time.Second

// Card is a tag on a reader. Close it.
type Card struct {
	tunnel *tunnel
	client *lite.Client
	card   *lite.Card
}

// Socket is where pcscd listens.
func Socket() string {
	if s := os.Getenv("PCSCLITE_CSOCK_NAME"); s != "" {
		return s
	}
	return lite.PCSCDSockName
}

// Wait returns the first tag that lies on any reader. It asks four times a second until ctx ends.
func Wait(ctx context.Context) (*Card, error) {
	t, err := newTunnel(Socket())
	if err != nil {
		return nil, fmt.Errorf("reach pcscd: %w", err)
	}
	stop := context.AfterFunc(ctx, t.cut) // the library waits for ever otherwise
	defer stop()
	c := &Card{tunnel: t}
	if c.client, err = lite.EstablishContext(t.path, lite.ScopeSystem); err != nil {
		return nil, errors.Join(ctx.Err(), fmt.Errorf("reach pcscd: %w", err), t.Close())
	}
	for {
		names, err := c.client.ListReaders()
		if err != nil {
			return nil, errors.Join(ctx.Err(), fmt.Errorf("list readers: %w", err), t.Close())
		}
		for _, name := range names {
			// names come padded with zeros; no card there is an error like any other
			card, err := c.client.Connect(strings.TrimRight(name, "\x00"), lite.ShareShared, lite.ProtocolAny)
			if err == nil {
				c.card = card
				return c, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), t.Close())
		case <-time.After(dialWait):
		}
	}
}

// Transmit carries one APDU.
func (c *Card) Transmit(apdu []byte) ([]byte, error) {
	timer := time.AfterFunc(apduTime, c.tunnel.cut)
	defer timer.Stop()
	out, _, err := c.card.Transmit(apdu)
	return out, err
}

// Close lets the tag go.
func (c *Card) Close() error {
	timer := time.AfterFunc(apduTime, c.tunnel.cut)
	defer timer.Stop()
	c.card.Disconnect(lite.LeaveCard) // gone is gone
	c.client.ReleaseContext()
	return c.tunnel.Close()
}

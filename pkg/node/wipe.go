package node

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/socket"
	"github.com/pars-network/pars/pkg/store"
)

// stopWithin is how long Wipe waits for a running node to let go.
const stopWithin = 5 * time.Second

// Wipe destroys the keys of the home in dir first, then its data. It needs no passphrase. A node that
// runs on the home is told to end as soon as the secret under all keys is destroyed; one that does not
// end in time has its files removed from under it.
func Wipe(ctx context.Context, dir string) error {
	fs := store.OS(dir)
	secret := keystore.File(fs)
	running := dialSocket(ctx, dir)
	if err := secret.Destroy(); err != nil {
		return err
	}
	if running != nil {
		end(ctx, running, dir)
	}
	return keystore.Wipe(fs, secret)
}

// end tells a node to end and waits until it has, or for stopWithin.
func end(ctx context.Context, c *client, dir string) {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if _, err := socket.AskOne[nothing](ctx, c.Client, "stop", nothing{}); err != nil {
		return
	}
	for {
		e, err := store.OpenBadger(filepath.Join(dir, "store"), store.BadgerOptions{})
		if err == nil {
			e.Close()
		}
		if !errors.Is(err, store.ErrBusy) || ctx.Err() != nil {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

// stopCall ends the node a moment after it has answered.
func (l *local) stopCall(context.Context, nothing) (nothing, error) {
	l.n.quit.Do(func() { close(l.n.done) })
	return nothing{}, nil
}

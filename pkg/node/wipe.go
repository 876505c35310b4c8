package node

import (
	"context"
	"time"

	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/store"
)

// stopWithin is how long Wipe waits for a running node to let go.
const stopWithin = 5 * time.Second

// Wipe destroys the keys of the home in dir first, then its data. It needs no passphrase. A node that
// runs on the home has lost its keys by then; it is told to end, and what it wrote meanwhile goes too.
func Wipe(ctx context.Context, dir string) error {
	running := dialSocket(ctx, dir)
	fs := store.OS(dir)
	err := keystore.Wipe(fs, keystore.File(fs))
	if running == nil || err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if _, err := askOne[nothing, nothing](ctx, running, "stop", nothing{}); err != nil {
		return err
	}
	for dialSocket(ctx, dir) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return keystore.Wipe(fs, keystore.File(fs))
}

// stopCall ends the node a moment after it has answered.
func (l *local) stopCall(context.Context, nothing) (nothing, error) {
	l.n.quit.Do(func() { close(l.n.done) })
	return nothing{}, nil
}

package cli

import (
	"bytes"
	"fmt"
	"os"
	"time"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// AskSecret asks a person at the terminal for a pass-phrase, without showing it. With twice it is asked
// again, and two answers that differ are an error. An empty answer is nil.
func AskSecret(c *urfave.Context, question string, twice bool) ([]byte, error) {
	f, ok := c.App.Reader.(*os.File)
	if !ok || !StdinTerminal(c) {
		return nil, Usagef("no terminal to ask for a pass-phrase: use --passphrase-file")
	}
	first, err := hidden(c, f, question)
	if err != nil || len(first) == 0 || !twice {
		return first, err
	}
	again, err := hidden(c, f, "once more")
	if err == nil && !bytes.Equal(first, again) {
		err = fmt.Errorf("the two are not the same")
	}
	return first, err
}

// AskAgain asks after a wrong pass-phrase, once wait is over. An empty answer is nil: the person gives up.
func AskAgain(c *urfave.Context, wait time.Duration) ([]byte, error) {
	Warnf(c, "wrong passphrase or damaged key file: again in %v, or Ctrl-C", wait)
	select {
	case <-c.Context.Done():
		return nil, c.Context.Err()
	case <-time.After(wait):
	}
	return AskSecret(c, "pass-phrase", false)
}

func hidden(c *urfave.Context, f *os.File, question string) ([]byte, error) {
	fmt.Fprintf(c.App.ErrWriter, "%s: %s: ", c.App.Name, question)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(c.App.ErrWriter)
	if err != nil {
		return nil, fmt.Errorf("read pass-phrase: %w", err)
	}
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) > maxPassphrase {
		return nil, fmt.Errorf("pass-phrase over %d bytes", maxPassphrase)
	}
	return b, nil
}

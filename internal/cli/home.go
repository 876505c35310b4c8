package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	urfave "github.com/urfave/cli/v2"
)

const maxPassphrase = 1024

// Home returns the absolute path of the directory for keys and data, which may not exist yet.
func Home(c *urfave.Context) (string, error) {
	if dir := c.String("home"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := dataDir(runtime.GOOS, os.Getenv)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "pars"), nil
}

// Profile returns the name or file of the network's profile; pkg/profile knows which exist.
func Profile(c *urfave.Context) string { return c.String("profile") }

// dataDir is where programs keep what a user must not lose.
func dataDir(goos string, env func(string) string) (string, error) {
	home := env("HOME")
	switch {
	case goos == "windows" && env("LocalAppData") != "":
		return env("LocalAppData"), nil
	case goos == "windows" || home == "":
		return "", Usagef("no home directory is known; name one with --home")
	case goos == "darwin":
		return filepath.Join(home, "Library", "Application Support"), nil
	case goos == "ios" || goos == "android":
		return home, nil
	case filepath.IsAbs(env("XDG_DATA_HOME")):
		return env("XDG_DATA_HOME"), nil
	}
	return filepath.Join(home, ".local", "share"), nil
}

// PassphraseFlag names a file with a pass-phrase. The pass-phrase itself never stands in a flag, where other users of the machine see it.
func PassphraseFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "passphrase-file", EnvVars: []string{"PARS_PASSPHRASE_FILE"},
		Usage: "read the pass-phrase from the first line of `FILE|-`"}
}

// Passphrase reads what PassphraseFlag names: the first line, without its end. It is nil when none was named.
func Passphrase(c *urfave.Context) ([]byte, error) {
	name := c.String("passphrase-file")
	if name == "" {
		return nil, nil
	}
	in, err := Input(c, name)
	if err != nil {
		return nil, fmt.Errorf("read pass-phrase: %w", err)
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxPassphrase+2))
	if err != nil {
		return nil, fmt.Errorf("read pass-phrase: %w", err)
	}
	first, _, _ := bytes.Cut(b, []byte("\n"))
	first = bytes.TrimSuffix(first, []byte("\r"))
	if len(first) == 0 || len(first) > maxPassphrase {
		return nil, Usagef("pass-phrase file %s: the first line must have 1 to %d bytes", name, maxPassphrase)
	}
	return first, nil
}

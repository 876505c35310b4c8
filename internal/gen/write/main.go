// Command write puts the generated files into the module below the working directory; make man runs it.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/gen"

	urfave "github.com/urfave/cli/v2"
)

func main() {
	cli.Main(cli.App("write", "write the generated files", "", &urfave.Command{
		Name: "all", Usage: "write them below the working directory", Action: write,
	}))
}

func write(*urfave.Context) error {
	files, err := gen.Files(gen.Apps())
	if err != nil {
		return err
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run this at the root of the module: %w", err)
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Command hello is the smallest program with urfave/cli.
package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"
)

func main() {
	app := &cli.App{Name: "hello", Action: func(*cli.Context) error { fmt.Println("hello"); return nil }}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

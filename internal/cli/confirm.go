package cli

import (
	"bufio"
	"context"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// Confirm asks a person for the word yes on standard input. Any other answer is context.Canceled.
func Confirm(c *urfave.Context, question string) error {
	Warnf(c, "%s", question)
	in, err := Input(c, "-")
	if err != nil {
		return err
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	if strings.TrimSpace(line) != "yes" {
		return context.Canceled
	}
	return nil
}

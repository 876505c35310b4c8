package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"
)

func TestConfirm(t *testing.T) {
	for in, yes := range map[string]bool{"yes\n": true, " yes ": true, "y\n": false, "YES\n": false, "no\nyes\n": false, "": false} {
		var got error
		app := App("pars-x", "x", "x", &urfave.Command{Name: "do", Action: func(c *urfave.Context) error {
			got = Confirm(c, "sure?")
			return nil
		}})
		var errs bytes.Buffer
		if code := Run(t.Context(), app, []string{"pars-x", "do"}, strings.NewReader(in), &bytes.Buffer{}, &errs); code != 0 {
			t.Fatal(errs.String())
		}
		if (got == nil) != yes || got != nil && !errors.Is(got, context.Canceled) || !strings.Contains(errs.String(), "sure?") {
			t.Errorf("%q: %v, %s", in, got, &errs)
		}
	}
}

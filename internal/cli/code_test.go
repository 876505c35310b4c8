package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// ranked holds one error of each exit code, the strongest first.
func ranked() []struct {
	code int
	err  error
} {
	return []struct {
		code int
		err  error
	}{
		{2, Usagef("no such flag")},
		{130, context.Canceled},
		{6, wire.ErrInvalid},
		{6, sig.ErrVerify},
		{6, identity.ErrVerify},
		{6, store.ErrCorrupt},
		{7, store.ErrBusy},
		{5, ErrTimeout},
		{5, os.ErrDeadlineExceeded},
		{3, ErrPartial},
		{4, store.ErrNotFound},
		{1, errors.New("wrong pass-phrase")},
	}
}

func TestCodePrecedence(t *testing.T) {
	if got := Code(nil); got != 0 {
		t.Errorf("Code(nil) = %d", got)
	}
	all := ranked()
	for i, strong := range all {
		if got := Code(fmt.Errorf("read x: %w", strong.err)); got != strong.code {
			t.Errorf("Code(%v) = %d, want %d", strong.err, got, strong.code)
		}
		for _, weak := range all[i:] {
			for _, err := range []error{errors.Join(weak.err, strong.err), fmt.Errorf("a %w, b %w", strong.err, weak.err)} {
				if got := Code(err); got != strong.code {
					t.Errorf("Code(%q) = %d, want %d", err, got, strong.code)
				}
			}
		}
	}
}

func TestUsageTextHasNoExtraWord(t *testing.T) {
	if err := Usagef("no %s", "flag"); err.Error() != "no flag" || !errors.Is(err, ErrUsage) {
		t.Errorf("got %q", err)
	}
}

// runVerb runs action as the only verb, named do.
func runVerb(ctx context.Context, stdin io.Reader, stdout io.Writer, flags []urfave.Flag, argsUsage string, args []string, action urfave.ActionFunc) (int, string) {
	var errs bytes.Buffer
	app := App("pars-x", "x", "", &urfave.Command{Name: "do", Usage: "do", ArgsUsage: argsUsage, Flags: flags, Action: action})
	code := Run(ctx, app, append([]string{"pars-x", "do"}, args...), stdin, stdout, &errs)
	return code, errs.String()
}

func TestErrorsArePrefixedLines(t *testing.T) {
	code, errs := runVerb(context.Background(), nil, io.Discard, nil, "", nil, func(*urfave.Context) error {
		return errors.Join(ErrPartial, errors.New("bad \x1b[2Jname"))
	})
	if want := "pars-x: partly done\npars-x: bad <U+001B>[2Jname\n"; code != 3 || errs != want {
		t.Errorf("exit %d stderr %q, want 3 %q", code, errs, want)
	}
}

func TestTimeout(t *testing.T) {
	for _, slow := range []func(c *urfave.Context) error{
		func(c *urfave.Context) error { <-c.Context.Done(); return c.Context.Err() },
		func(c *urfave.Context) error { <-c.Context.Done(); return fmt.Errorf("ask a: %w", c.Context.Err()) },
	} {
		code, errs := runVerb(t.Context(), nil, io.Discard, nil, "", []string{"--timeout", "1ms"}, slow)
		if code != 5 || !strings.HasSuffix(errs, "timed out\n") {
			t.Errorf("exit %d stderr %q", code, errs)
		}
	}
	hidden := func(c *urfave.Context) error {
		<-c.Context.Done()
		return errors.New("dial failed") // a library that does not say why
	}
	code, errs := runVerb(context.Background(), nil, io.Discard, nil, "", []string{"--timeout", "1ms"}, hidden)
	if code != 5 || !strings.Contains(errs, "dial failed") {
		t.Errorf("exit %d stderr %q, want 5", code, errs)
	}
}

func TestInterrupted(t *testing.T) {
	for _, result := range []error{nil, errors.New("dial failed"), context.Canceled} {
		ctx, cancel := context.WithCancel(context.Background())
		code, errs := runVerb(ctx, nil, io.Discard, nil, "", nil, func(c *urfave.Context) error {
			cancel()
			<-c.Context.Done()
			return result
		})
		if code != 130 || !strings.Contains(errs, "pars-x: interrupted\n") {
			t.Errorf("%v: exit %d stderr %q, want 130", result, code, errs)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestReaderWentAway(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	for _, out := range []io.Writer{brokenPipe{}, w} {
		code, errs := runVerb(context.Background(), nil, out, nil, "", nil, func(c *urfave.Context) error { return show(c) })
		if code != 141 || errs != "" {
			t.Errorf("exit %d stderr %q, want 141 and silence", code, errs)
		}
	}
	// A socket's broken pipe is an ordinary failure.
	if got := Code(fmt.Errorf("send: %w", syscall.EPIPE)); got != 1 {
		t.Errorf("Code(socket EPIPE) = %d, want 1", got)
	}
}

// An interrupted verb reads no more of a file either.
func TestInterruptedFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(name, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	code, errs := runVerb(ctx, nil, io.Discard, nil, "", nil, func(c *urfave.Context) error {
		in, err := Input(c, name)
		if err != nil {
			return err
		}
		defer in.Close()
		if _, err := in.Read(make([]byte, 2)); err != nil {
			t.Error(err)
		}
		cancel()
		rest, err := io.ReadAll(in)
		if len(rest) > 0 {
			t.Errorf("read on: %q", rest)
		}
		return err
	})
	if code != 130 {
		t.Errorf("exit %d %q", code, errs)
	}
}

// An interrupted verb does not wait for a silent standard input.
func TestInputEndsWithContext(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	code, _ := runVerb(ctx, r, io.Discard, nil, "FILE|-", nil, func(c *urfave.Context) error {
		in, err := Input(c, Args(c)[0])
		if err != nil {
			return err
		}
		_, err = io.ReadAll(in)
		return err
	})
	if code != 5 {
		t.Errorf("exit %d, want 5", code)
	}
}

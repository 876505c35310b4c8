//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	urfave "github.com/urfave/cli/v2"
)

// TestMain lets the test program be run again as a command that Main ends.
func TestMain(m *testing.M) {
	if os.Getenv("PARS_TEST_MAIN") == "" {
		os.Exit(m.Run())
	}
	Main(App("pars-x", "x", "",
		&urfave.Command{Name: "wait", Usage: "wait for the end", Action: func(c *urfave.Context) error {
			fmt.Fprintln(c.App.Writer, "ready")
			<-c.Context.Done()
			return c.Context.Err()
		}},
		&urfave.Command{Name: "deaf", Usage: "ignore the first signal", Action: func(c *urfave.Context) error {
			fmt.Fprintln(c.App.Writer, "ready")
			<-c.Context.Done()
			fmt.Fprintln(c.App.Writer, "cancelled")
			select {}
		}},
		&urfave.Command{Name: "flood", Usage: "print for ever", Action: func(c *urfave.Context) error {
			for {
				if err := Out(c).Print(note("line")); err != nil {
					return err
				}
			}
		}},
	))
}

// child starts the command and waits for its first line.
func child(t *testing.T, verb string) (*exec.Cmd, *bufio.Scanner, func() error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], verb)
	cmd.Env = append(os.Environ(), "PARS_TEST_MAIN=1")
	cmd.Stderr = new(bytes.Buffer)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	lines := bufio.NewScanner(r)
	if !lines.Scan() {
		t.Fatal("the command printed nothing")
	}
	return cmd, lines, r.Close
}

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd, _, closePipe := child(t, "wait")
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("%v: %v, want exit 130", sig, err)
		}
		closePipe()
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	cmd, lines, closePipe := child(t, "deaf")
	defer closePipe()
	cmd.Process.Signal(syscall.SIGINT)
	if !lines.Scan() || lines.Text() != "cancelled" {
		t.Fatalf("the first signal did not cancel: %q", lines.Text())
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(5 * time.Millisecond) // the handler goes away while the verb wakes, so one more may be lost
	defer tick.Stop()
	for range 2000 {
		cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-done:
			if st := cmd.ProcessState.Sys().(syscall.WaitStatus); !st.Signaled() || st.Signal() != syscall.SIGINT {
				t.Errorf("ended by %v, want by SIGINT", cmd.ProcessState)
			}
			return
		case <-tick.C:
		}
	}
	cmd.Process.Kill()
	t.Error("a second signal did not end it")
}

func TestClosedPipeEndsQuietly(t *testing.T) {
	cmd, _, closePipe := child(t, "flood")
	closePipe()
	cmd.Wait()
	st := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !(st.Signaled() && st.Signal() == syscall.SIGPIPE) && st.ExitStatus() != 141 {
		t.Errorf("ended by %v, want by SIGPIPE", cmd.ProcessState)
	}
	if errs := cmd.Stderr.(*bytes.Buffer).String(); errs != "" {
		t.Errorf("stderr %q, want silence", errs)
	}
}

// A pipe in the file system is written to and never replaced. It stands in for devices: as root, a test that went wrong
// on the null device would take it from the whole machine.
func TestOutputKeepsASpecialFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	code, errs := runVerb(t.Context(), nil, io.Discard, []urfave.Flag{OutputFlag()}, "", []string{"-o", name}, func(c *urfave.Context) error {
		return Output(c, func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err })
	})
	if info, err := os.Lstat(name); code != 0 || err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("exit %d %q; the pipe became %v, %v", code, errs, info, err)
	}
	got := make([]byte, 1)
	if _, err := r.Read(got); err != nil || got[0] != 'x' {
		t.Errorf("read %q, %v", got, err)
	}
}

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	urfave "github.com/urfave/cli/v2"
)

// Record is one line of an answer: Text for people, its exported fields by their json tags for --json.
type Record interface{ Text() string }

// Printer prints the records of one verb.
type Printer struct {
	w             io.Writer
	json, verbose bool
}

// Out is the verb's standard output.
func Out(c *urfave.Context) *Printer {
	return &Printer{c.App.Writer, c.Bool("json"), c.Bool("v")}
}

// Print writes v as text or as one JSON object, and a line end. In text, what a peer wrote can neither move the cursor
// nor turn the direction of the line: such characters are left out, or with -v named. JSON carries them as they are.
func (p *Printer) Print(v Record) error {
	if !p.json {
		_, err := io.WriteString(p.w, harmless(v.Text(), "\t\n", p.verbose)+"\n")
		return err
	}
	e := json.NewEncoder(p.w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Escape makes tabs, line ends and backslashes visible, so that s stays one column of one line.
func Escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(s)
}

// harmless leaves out control characters but those in keep, and marks of direction, or names them as <U+202E>.
// The joiners that Persian needs are neither.
func harmless(s, keep string, name bool) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(keep, r) || !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r):
			b.WriteRune(r)
		case name:
			fmt.Fprintf(&b, "<U+%04X>", r)
		}
	}
	return b.String()
}

// OutputFlag is the flag for bytes on output.
func OutputFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "o", Usage: "write to `FILE|-`", DefaultText: "-"}
}

// Output lets write produce the file of -o, or standard output. The file is private to its owner and appears,
// complete, only when write returns nil. Bytes that are no text are refused by a terminal.
func Output(c *urfave.Context, write func(io.Writer) error) error {
	name := c.String("o")
	if name == "" || name == "-" {
		if terminal(c.App.Writer) {
			return write(textOnly{c.App.Writer})
		}
		return write(c.App.Writer)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0) // a device or a named pipe cannot be replaced
		if err != nil {
			return err
		}
		return closeAfter(f, write(f))
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if p := (*os.PathError)(nil); errors.As(err, &p) { // of a name that nobody typed
		return fmt.Errorf("write %s: %w", name, p.Err)
	} else if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = closeAfter(f, err); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func closeAfter(f *os.File, err error) error {
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// textOnly stands before a terminal.
type textOnly struct{ w io.Writer }

func (t textOnly) Write(p []byte) (int, error) {
	control := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) }
	if s := string(p); !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
		return 0, Usagef("no bytes to a terminal; use -o FILE, or a pipe")
	}
	return t.w.Write(p)
}

// Warnf prints one line on standard error.
func Warnf(c *urfave.Context, format string, args ...any) {
	complain(c.App.ErrWriter, c.App.Name, fmt.Errorf(format, args...))
}

// Verbosef prints one line on standard error when -v asks for it.
func Verbosef(c *urfave.Context, format string, args ...any) {
	if c.Bool("v") {
		Warnf(c, format, args...)
	}
}

// Meter is one changing line on standard error. It is silent unless that is a terminal.
type Meter struct {
	w    io.Writer // nil: silent
	last time.Time
}

// Progress starts a line for work that takes long.
func Progress(c *urfave.Context) *Meter {
	if !terminal(c.App.ErrWriter) {
		return &Meter{}
	}
	return &Meter{w: c.App.ErrWriter}
}

// Set replaces the line, at most ten times a second.
func (m *Meter) Set(format string, args ...any) {
	if now := time.Now(); m.w != nil && now.Sub(m.last) >= 100*time.Millisecond {
		m.last = now
		fmt.Fprintf(m.w, "\r\x1b[K%s", harmless(fmt.Sprintf(format, args...), "", false))
	}
}

// Done wipes the line.
func (m *Meter) Done() {
	if m.w != nil && !m.last.IsZero() {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}

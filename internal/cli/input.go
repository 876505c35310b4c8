package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

const maxLine = 1 << 20 // bufio.Scanner alone stops at 64 KiB

// From is the flag for a list on input; what names the things in it.
func From(what string) urfave.Flag {
	return &urfave.StringFlag{Name: "from", Usage: "read " + what + " from `FILE|-`, one a line, text or JSON"}
}

// Input opens the file name, or standard input for "-". Reading ends with c.Context, even from a silent terminal or
// pipe: what reads much stops when a person says so.
func Input(c *urfave.Context, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(&patient{ctx: c.Context, r: c.App.Reader}), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&patient{ctx: c.Context, r: f}, f}, nil
}

// Lines yields the entries of the list that --from names, or none without it. Of a line that begins with "{" it
// yields the field key, of any other its first tab-separated column; so text and JSON of one verb both feed the next.
// It stops after the first error, which names the line.
func Lines(c *urfave.Context, key string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		name := c.String("from")
		if name == "" {
			return
		}
		in, err := Input(c, name)
		if err != nil {
			yield("", err)
			return
		}
		defer in.Close()
		n, scan := 0, bufio.NewScanner(in)
		scan.Buffer(nil, maxLine)
		for scan.Scan() {
			n++
			entry, err := entry(scan.Bytes(), key)
			if err != nil {
				err = fmt.Errorf("%s: line %d: %w", name, n, err)
			} else if entry == "" {
				continue
			}
			if !yield(entry, err) || err != nil {
				return
			}
		}
		if err := scan.Err(); errors.Is(err, bufio.ErrTooLong) {
			yield("", fmt.Errorf("%s: line %d: longer than %d bytes", name, n+1, maxLine))
		} else if err != nil {
			yield("", fmt.Errorf("%s: line %d: %w", name, n+1, err))
		}
	}
}

func entry(line []byte, key string) (string, error) {
	line = bytes.TrimSpace(line)
	if !bytes.HasPrefix(line, []byte("{")) {
		first, _, _ := strings.Cut(string(line), "\t")
		return first, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return "", err
	}
	var s string
	if err := json.Unmarshal(fields[key], &s); err != nil || s == "" {
		return "", fmt.Errorf("no text in field %q", key)
	}
	return s, nil
}

// patient reads in a goroutine of its own, so that a cancelled context ends a wait that a file cannot end.
// The goroutine then stays until the stream ends or the process does.
type patient struct {
	ctx  context.Context
	r    io.Reader
	got  chan chunk
	left []byte
}

type chunk struct {
	b   []byte
	err error
}

func (p *patient) Read(b []byte) (int, error) {
	if len(p.left) > 0 {
		n := copy(b, p.left)
		p.left = p.left[n:]
		return n, nil
	}
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	if p.got == nil { // no read is under way
		p.got = make(chan chunk, 1)
		got, buf := p.got, make([]byte, min(max(len(b), 1), 64<<10))
		go func() {
			n, err := p.r.Read(buf)
			got <- chunk{buf[:n], err}
		}()
	}
	select {
	case c := <-p.got:
		p.got = nil
		n := copy(b, c.b)
		p.left = c.b[n:]
		return n, c.err
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
}

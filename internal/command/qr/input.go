package qr

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/qr"
	"github.com/pars-network/pars/pkg/wire"
)

// frameBudget is how long a frame of a film may be tried in other ways than the first.
const frameBudget = 40 * time.Millisecond

// errWhole ends reading: nothing more is needed.
var errWhole = errors.New("whole")

// input reads FILE, DIR or -.
func (s *scan) input(name string) error {
	if name == "-" {
		in, err := cli.Input(s.c, name)
		if err != nil {
			return err
		}
		defer in.Close()
		return s.pictures(in, true)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return s.open(name)
	}
	list, err := os.ReadDir(name)
	if err != nil {
		return err
	}
	skipped := 0
	for _, e := range list {
		if e.IsDir() {
			continue
		}
		if err := s.c.Context.Err(); err != nil {
			return err
		}
		switch err := s.open(filepath.Join(name, e.Name())); {
		case errors.Is(err, wire.ErrInvalid): // one damaged picture is one lost frame
			cli.Verbosef(s.c, "%s: %v", e.Name(), err)
			skipped++
		case err != nil:
			return err
		}
	}
	if skipped > 0 {
		cli.Warnf(s.c, "%d files are no pictures that can be read", skipped)
	}
	return nil
}

func (s *scan) open(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.pictures(f, false); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// pictures decodes a stream on all processors. A live one ends when all that was begun is whole.
func (s *scan) pictures(in io.Reader, live bool) error {
	b := bufio.NewReaderSize(in, 64<<10)
	head, err := b.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return nil // nothing is found in nothing
	case err == nil && head[0] == '{':
		return s.lines(b)
	}
	d := newDecoders()
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for payloads := range d.out {
			for _, p := range payloads {
				if err := s.add(p); err != nil {
					done <- err
					return
				}
			}
			if live && s.things > 0 && len(s.scanner.Progress()) == 0 {
				done <- errWhole
				return
			}
		}
		done <- nil
	}()
	n := 0
	var last uint64
	err = qr.Pictures(b, func(g *image.Gray) error {
		hash := qr.DifferenceHash(g)
		if n++; n > 1 && hash == last {
			return s.c.Context.Err()
		}
		last = hash
		copied := *g
		copied.Pix = append([]byte(nil), g.Pix...)
		select {
		case d.in <- job{&copied, n > 1}:
			return nil
		case <-stop:
			return errWhole
		case <-s.c.Context.Done():
			return s.c.Context.Err()
		}
	})
	d.close(stop)
	if told := <-done; told != nil {
		return told
	}
	return err
}

// lines reads the payloads that show --json prints.
func (s *scan) lines(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var f jsonFrame
		err := json.Unmarshal(lines.Bytes(), &f)
		var p []byte
		if err == nil {
			p, err = base64.StdEncoding.DecodeString(f.Payload)
		}
		if err != nil || len(p) == 0 {
			return wire.Invalid("line %d is no frame", n)
		}
		if err := s.add(p); err != nil {
			return err
		}
	}
	return lines.Err()
}

// job is a picture to decode; a film's has little time.
type job struct {
	g    *image.Gray
	film bool
}

// decoders read pictures side by side.
type decoders struct {
	in   chan job
	out  chan [][]byte
	wait sync.WaitGroup
}

func newDecoders() *decoders {
	d := &decoders{in: make(chan job), out: make(chan [][]byte)}
	for range runtime.GOMAXPROCS(0) {
		d.wait.Go(func() {
			for j := range d.in {
				start := time.Now()
				d.out <- qr.Decode(j.g, func() bool { return !j.film || time.Since(start) < frameBudget })
			}
		})
	}
	return d
}

// close ends the decoders; what they still have is taken, or thrown away once nobody listens.
func (d *decoders) close(stopped <-chan struct{}) {
	close(d.in)
	go func() { d.wait.Wait(); close(d.out) }()
	<-stopped
	for range d.out {
	}
}

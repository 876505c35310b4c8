package evm

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	urfave "github.com/urfave/cli/v2"
)

// screen is what a person sees; saw tells each question.
type screen struct {
	mu  sync.Mutex
	b   bytes.Buffer
	saw chan string
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := regexp.MustCompile(`type ([0-9]{4}) to allow`).FindSubmatch(p); m != nil {
		s.saw <- string(m[1])
	}
	return s.b.Write(p)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Only the number of the open question is a yes; what a page wrote cannot move the cursor, and a question that was
// taken back leaves no answer for the next.
func TestPerson(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	s := &screen{saw: make(chan string, 1)}
	p := newPerson(urfave.NewContext(&urfave.App{Name: "pars-evm", Reader: r, ErrWriter: s}, nil, nil))
	type answer struct {
		yes bool
		err error
	}
	ask := func(ctx context.Context) chan answer {
		out := make(chan answer, 1)
		go func() {
			yes, err := p.ask(ctx, []string{"evil\x1b[2J\u202e\nline"})
			out <- answer{yes, err}
		}()
		return out
	}
	say := func(s string) { _, _ = io.WriteString(w, s+"\n") }

	a := ask(t.Context())
	say(<-s.saw)
	if got := <-a; !got.yes || got.err != nil {
		t.Errorf("the number: %+v", got)
	}
	for _, word := range []string{"y", "yes", ""} {
		a = ask(t.Context())
		<-s.saw
		say(word)
		if got := <-a; got.yes || got.err != nil {
			t.Errorf("%q: %+v", word, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	a = ask(ctx)
	old := <-s.saw
	cancel()
	if got := <-a; got.yes || got.err == nil {
		t.Errorf("taken back: %+v", got)
	}
	a = ask(t.Context())
	if now := <-s.saw; now != old { // one in 9000 is the same
		say(old)
		if got := <-a; got.yes {
			t.Error("the number of another question is a yes")
		}
	}
	if out := s.text(); strings.ContainsAny(out, "\x1b\u202e") || !strings.Contains(out, `\nline`) {
		t.Errorf("shown as it came: %q", out)
	}
	a = ask(t.Context())
	<-s.saw
	w.Close()
	if got := <-a; got.yes || got.err == nil {
		t.Errorf("nobody there: %+v", got)
	}
}

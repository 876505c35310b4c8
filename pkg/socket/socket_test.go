package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

var errOwn = errors.New("own")

type item struct{ N int }

// serve runs a node's side on a home of its own.
func serve(t *testing.T, routes map[string]http.Handler) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // t.TempDir is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for path, h := range routes {
		mux.Handle("POST /v1/"+path, h)
	}
	s := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() { s.Serve(l); close(done) }()
	codes := Codes{{"own", errOwn}}
	c := Dial(t.Context(), dir, codes)
	if c == nil {
		t.Fatal("nobody answers")
	}
	t.Cleanup(func() {
		c.Close()
		s.Close()
		<-done
		if Dial(context.Background(), dir, codes) != nil {
			t.Error("a dead socket answers")
		}
		os.RemoveAll(dir)
	})
	return c
}

func TestCalls(t *testing.T) {
	codes := Codes{{"own", errOwn}}
	c := serve(t, map[string]http.Handler{
		"count": List(codes, func(_ context.Context, n int, emit func(item) error) (string, error) {
			for i := range n {
				if err := emit(item{i}); err != nil {
					return "", err
				}
			}
			return "end", map[int]error{7: fmt.Errorf("seven: %w", errOwn)}[n]
		}),
		"find": One(codes, func(_ context.Context, name string) (item, error) {
			return item{5}, map[string]error{"x": fmt.Errorf("x: %w", wire.ErrNotFound)}[name]
		}),
		"size": Take(codes, func(_ context.Context, r io.Reader, emit func(item) error) (int64, error) {
			n, err := io.Copy(io.Discard, r)
			return n, errors.Join(err, emit(item{int(n)}))
		}),
		"echo": Give(codes, func(_ context.Context, q string, w io.Writer) (item, error) {
			if q == "" {
				return item{}, wire.Invalid("empty")
			}
			io.WriteString(w, q)
			return item{len(q)}, map[string]error{"cut": errOwn}[q]
		}),
		"dies": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"item":{}}`) }),
	})
	ctx := t.Context()

	sum := 0
	add := func(i item) error { sum += i.N; return nil }
	if end, err := Ask[item, string](ctx, c, "count", 5, add); end != "end" || sum != 10 || err != nil {
		t.Errorf("count: %q, sum %d, %v", end, sum, err)
	}
	if end, err := Ask[item, string](ctx, c, "count", 7, add); end != "end" || !errors.Is(err, errOwn) || err.Error() != "seven: own" {
		t.Errorf("an end with an error: %q, %v", end, err)
	}
	if _, err := Ask[item, string](ctx, c, "count", 3, func(item) error { return io.ErrShortWrite }); err != io.ErrShortWrite {
		t.Errorf("error of emit: %v", err)
	}
	if _, err := Ask[item, string](ctx, c, "count", "no number", add); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("bad query: %v", err)
	}
	if i, err := AskOne[item](ctx, c, "find", "y"); i.N != 5 || err != nil {
		t.Errorf("find: %v, %v", i, err)
	}
	if _, err := AskOne[item](ctx, c, "find", "x"); !errors.Is(err, wire.ErrNotFound) || errors.Is(err, errOwn) {
		t.Errorf("not found: %v", err)
	}
	if _, err := AskOne[item](ctx, c, "find", strings.Repeat("x", maxQuery)); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("query over the bound: %v", err)
	}
	sum = 0
	if n, err := Send[item, int64](ctx, c, "size", strings.NewReader(strings.Repeat("x", 1<<20)), add); n != 1<<20 || sum != 1<<20 || err != nil {
		t.Errorf("size: %d, %d, %v", n, sum, err)
	}
	var out bytes.Buffer
	if i, err := Fetch[item](ctx, c, "echo", "hello", &out); i.N != 5 || out.String() != "hello" || err != nil {
		t.Errorf("echo: %v, %q, %v", i, &out, err)
	}
	if _, err := Fetch[item](ctx, c, "echo", "", &out); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("an error before the bytes: %v", err)
	}
	if _, err := Fetch[item](ctx, c, "echo", "cut", &out); err == nil || errors.Is(err, errOwn) {
		t.Errorf("an error behind bytes: %v", err)
	}
	if _, err := Ask[item, string](ctx, c, "dies", nil, add); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an answer without an end: %v", err)
	}
	if _, err := AskOne[item](ctx, c, "later", nil); err == nil || !strings.Contains(err.Error(), "restart it") {
		t.Errorf("an unknown call: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := AskOne[item](gone, c, "find", "y"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that ended: %v", err)
	}
}

func TestListen(t *testing.T) {
	if _, err := Listen(t.TempDir() + strings.Repeat("/x", 100)); !errors.Is(err, ErrPath) {
		t.Errorf("a long path: %v", err)
	}
	if Dial(t.Context(), t.TempDir(), nil) != nil {
		t.Error("an empty home answers")
	}
}

package gossip

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/cli"
)

// lines is an output that can be waited for.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
	at  chan struct{} // closed and made anew with each write
	err *lines        // what the same verb says beside it
}

func newLines() *lines { return &lines{at: make(chan struct{})} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.at)
	l.at = make(chan struct{})
	return l.buf.Write(b)
}

func (l *lines) String() string {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// wait returns the output once it has n lines.
func (l *lines) wait(t *testing.T, n int) []string {
	t.Helper()
	end := time.After(30 * time.Second)
	for {
		l.mu.Lock()
		s, at := l.buf.String(), l.at
		l.mu.Unlock()
		if strings.Count(s, "\n") >= n {
			return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
		}
		select {
		case <-at:
		case <-end:
			t.Fatalf("%d lines did not come: %q; it says %v", n, s, l.err)
		}
	}
}

// verb starts one and returns its output and what ends it with its exit code.
func verb(t *testing.T, stdin io.Reader, args ...string) (out *lines, errs *lines, end func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, errs = newLines(), newLines()
	out.err = errs
	code := make(chan int, 1)
	args = append([]string{"pars-gossip"}, append(args, "--profile", "devnet")...)
	if !strings.Contains(strings.Join(args, " "), "--home") {
		args = append(args, "--home", t.TempDir())
	}
	go func() {
		c := cli.Run(ctx, App(), args, stdin, out, errs)
		if ctx.Err() == nil && c != 0 {
			fmt.Fprintf(errs, "ended with %d\n", c)
		}
		code <- c
	}()
	var once sync.Once
	got := -1
	end = func() int {
		once.Do(func() { cancel(); got = <-code })
		return got
	}
	t.Cleanup(func() { end() })
	return out, errs, end
}

// run runs one to its end and wants its exit code.
func run(t *testing.T, want int, stdin string, args ...string) (string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"pars-gossip"}, append(args, "--profile", "devnet")...)
	if !strings.Contains(strings.Join(args, " "), "--home") {
		args = append(args, "--home", t.TempDir())
	}
	if got := cli.Run(t.Context(), App(), args, strings.NewReader(stdin), &out, &errs); got != want {
		t.Errorf("%v: exit %d, want %d: %s", args, got, want, errs.String())
	}
	return out.String(), errs.String()
}

// relayAt starts a relay and returns its address.
func relayAt(t *testing.T, more ...string) (addr string, end func() int) {
	t.Helper()
	out, _, end := verb(t, nil, append([]string{"relay", "--listen", "/ip4/127.0.0.1/tcp/0"}, more...)...)
	f := strings.Fields(out.wait(t, 1)[0])
	if len(f) < 3 || f[0] != "ready" {
		t.Fatalf("ready line %v", f)
	}
	return f[2], end
}

// listen starts sub and returns once a neighbour passes its topic on.
func listen(t *testing.T, args ...string) (out *lines, end func() int) {
	t.Helper()
	out, errs, end := verb(t, nil, append(append([]string{"sub"}, args...), "-v")...)
	for n := 1; ; n++ {
		if got := errs.wait(t, n); strings.Contains(got[n-1], "listening") {
			return out, end
		}
	}
}

func TestWordThroughARelay(t *testing.T) {
	t.Parallel()
	addr, _ := relayAt(t)
	text, _ := listen(t, "salam", "--peer", addr, "--count", "3")
	js, _ := listen(t, "salam", "--peer", addr, "--json")
	other, _ := listen(t, "tabriz", "--peer", addr)
	in := "سلام دنیا\none line\n\n{\"looks\":\"like json\"}\n"
	out, _ := run(t, 0, in, "pub", "salam", "-", "--peer", addr, "--json", "--timeout", "30s")
	var row sentRow
	if n := strings.Count(out, "\n"); n != 3 || json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &row) != nil || row.Peers < 1 || row.Bytes != 1024 {
		t.Errorf("pub prints %q", out)
	}
	got := strings.Join(text.wait(t, 3), "\n")
	for _, want := range []string{"سلام دنیا", "one line", `{"looks":"like json"}`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	var heard heardRow
	if err := json.Unmarshal([]byte(js.wait(t, 3)[0]), &heard); err != nil || heard.Topic != "salam" || heard.ID == "" || heard.From == "" || heard.Size != 1024 {
		t.Errorf("sub --json prints %+v: %v", heard, err)
	}
	if s := other.String(); s != "" {
		t.Errorf("another topic hears %q", s)
	}
}

// What was sent while nobody listened is still there for who asks.
func TestSince(t *testing.T) {
	t.Parallel()
	addr, _ := relayAt(t)
	for i := range 3 {
		out, _ := run(t, 0, fmt.Sprintf("early %d\n", i), "pub", "later", "-", "--peer", addr, "--json", "--timeout", "30s")
		if !strings.Contains(out, `"stored_by":["`) {
			t.Errorf("nobody stores: %s", out)
		}
	}
	out, _, end := verb(t, nil, "sub", "later", "--peer", addr, "--since", "2h", "--count", "3")
	got := out.wait(t, 3)
	for i := range 3 {
		if !strings.Contains(strings.Join(got, "\n"), fmt.Sprintf("early %d", i)) {
			t.Errorf("%d is lost: %q", i, got)
		}
	}
	if code := end(); code != 0 && code != 130 {
		t.Errorf("exit %d", code)
	}
}

// Two networks of one profile that do not reach each other: sub | pub loses nothing, and the bytes are the same.
func TestBridge(t *testing.T) {
	t.Parallel()
	const n = 40
	west, _ := relayAt(t)
	east, _ := relayAt(t)
	pr, pw := io.Pipe()
	var shard string
	// The word's shard of today, from what peers prints.
	row, _ := run(t, 0, "", "peers", "bridge", "--peer", west, "--wait", "1s")
	shard = strings.Fields(row)[1]
	ctx, cancel := context.WithCancel(t.Context())
	errs := newLines()
	var wg sync.WaitGroup
	wg.Go(func() {
		cli.Run(ctx, App(), []string{"pars-gossip", "sub", shard, "-v", "--peer", west, "--profile", "devnet", "--home", t.TempDir()}, nil, pw, errs)
		pw.Close()
	})
	home := t.TempDir()
	wg.Go(func() {
		var errs bytes.Buffer
		cli.Run(context.Background(), App(), []string{"pars-gossip", "pub", shard, "-", "--peer", east, "--profile", "devnet", "--home", home}, pr, io.Discard, &errs)
	})
	far, _ := listen(t, "bridge", "--peer", east, "--json")
	near, _ := listen(t, "bridge", "--peer", west, "--json")
	errs.wait(t, 1) // the first of the pipe is listening too
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "message %d\n", i)
	}
	run(t, 0, in.String(), "pub", "bridge", "-", "--peer", west, "--timeout", "40s")
	a, b := near.wait(t, n), far.wait(t, n)
	cancel()
	wg.Wait()
	ids := func(rows []string) map[string]string {
		out := map[string]string{}
		for _, r := range rows {
			var h heardRow
			if err := json.Unmarshal([]byte(r), &h); err != nil {
				t.Fatal(err)
			}
			out[h.ID] = h.Data
		}
		return out
	}
	x, y := ids(a), ids(b)
	if len(x) != n || len(y) != n {
		t.Errorf("%d and %d messages", len(x), len(y))
	}
	for id, text := range x {
		if y[id] != text {
			t.Errorf("%s is %q there", id, y[id])
		}
	}
}

// Nobody there: exit 5, and the message waits for the next run.
func TestOutbox(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	_, errs := run(t, 5, "lonely\n", "pub", "word", "-", "--listen", "/ip4/127.0.0.1/tcp/0", "--timeout", "2s", "--home", home)
	if !strings.Contains(errs, "outbox") {
		t.Errorf("says %q", errs)
	}
	files, _ := filepath.Glob(filepath.Join(home, "outbox", "*", "*"))
	if len(files) != 1 {
		t.Fatalf("outbox holds %v", files)
	}
	addr, _ := relayAt(t)
	out, _ := listen(t, "word", "--peer", addr, "--count", "2")
	run(t, 0, "second\n", "pub", "word", "-", "--peer", addr, "--home", home, "--timeout", "30s")
	if got := strings.Join(out.wait(t, 2), " "); !strings.Contains(got, "lonely") || !strings.Contains(got, "second") {
		t.Errorf("heard %q", got)
	}
	if files, _ := filepath.Glob(filepath.Join(home, "outbox", "*", "*")); len(files) != 0 {
		t.Errorf("outbox still holds %v", files)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	here := []string{"--listen", "/ip4/127.0.0.1/tcp/0", "--timeout", "3s"}
	for _, c := range []struct {
		want int
		in   string
		args []string
	}{
		{2, "", append([]string{"sub", "shard:99"}, here...)},
		{2, "", append([]string{"sub", "a b"}, here...)},
		{2, "", append([]string{"sub", "shard:01", "--since", "2h"}, here...)},
		{2, "", append([]string{"pub", "x:y", "-"}, here...)},
		{2, "", []string{"sub"}},
		{2, "", []string{"relay", "--shards", "0"}},
		{2, "", []string{"relay", "--store", "lots"}},
		{2, "", append([]string{"sub", "x", "--budget", "5"}, here...)},
		{2, "", []string{"sub", "x", "--peer", "nonsense"}},
		{4, "", []string{"sub", "x"}},
		{5, "", []string{"sub", "x", "--peer", "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"}},
		{2, "", append([]string{"peers", "session:ab"}, here...)},
		{1, "", append([]string{"relay", "--policy", "/nonexistent/policy"}, here...)},
		{3, "not base64!\n", append([]string{"pub", "shard:01", "-"}, here...)},
		{5, "", append([]string{"sub", "x", "--count", "1"}, here...)},
		{0, "", append([]string{"sub", "x"}, here[:2]...)},
	} {
		if c.want == 0 {
			c.args = append(c.args, "--timeout", "500ms")
		}
		run(t, c.want, c.in, c.args...)
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, make([]byte, 65<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := run(t, 2, "", append([]string{"pub", "x", big}, here...)...); !strings.Contains(errs, "pars-bundle") {
		t.Errorf("too large: %q", errs)
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "40K": 40960, "2G": 2 << 30, "64MiB": 64 << 20, "200kB": 200000, "200MB": 200000000, "1.5K": 1536} {
		if got, err := size(in); got != want || err != nil {
			t.Errorf("%s: %d %v", in, got, err)
		}
	}
	for in, want := range map[string]int64{"200KB/h": 200000, "24K/day": 1024, "720kB/month": 1000} {
		if got, err := rate(in); got != want || err != nil {
			t.Errorf("%s: %d %v", in, got, err)
		}
	}
	for _, in := range []string{"", "x", "5T", "-1", "1..2"} {
		if _, err := size(in); err == nil {
			t.Errorf("%q is a size", in)
		}
	}
	for _, in := range []string{"5", "5/s", "/h"} {
		if _, err := rate(in); err == nil {
			t.Errorf("%q is a rate", in)
		}
	}
}

func TestMetricsOverHTTP(t *testing.T) {
	t.Parallel()
	out, _, _ := verb(t, nil, "relay", "--listen", "/ip4/127.0.0.1/tcp/0", "--metrics", "127.0.0.1:0", "--json")
	var ready readyRow
	if err := json.Unmarshal([]byte(out.wait(t, 1)[0]), &ready); err != nil || len(ready.Addrs) == 0 {
		t.Fatalf("%v: %q", err, out)
	}
	run(t, 0, "x\n", "pub", "m", "-", "--peer", ready.Addrs[0], "--timeout", "30s")
	resp, err := http.Get("http://" + ready.Counts + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if !strings.Contains(string(b), "pars_gossip_delivered_total 1\n") {
		t.Errorf("counters:\n%s", b)
	}
}

func TestNamed(t *testing.T) {
	for in, want := range map[string]int{"/ip4/1.2.3.4/tcp/1/p2p/X": 1, "PEER\t/ip4/1.2.3.4/tcp/1/p2p/X\t/ip4/1.2.3.5/tcp/1/p2p/X": 2, "ready X /ip4/1.2.3.4/tcp/1/p2p/X": 1,
		`{"addr":"/ip4/1.2.3.4/tcp/1/p2p/X"}`: 1, `{"peer_id":"X","addrs":["/ip4/1.2.3.4/tcp/1","/ip6/::1/tcp/1"]}`: 2, `{"a":1}`: 0, "nothing": 0, `{`: 0} {
		if got := named(in); len(got) != want {
			t.Errorf("%s: %v", in, got)
		}
	}
}

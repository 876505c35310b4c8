//go:build unix

package dht

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const crawledEnv = "PARS_CRAWLED_NODES"

// TestCrawledNodes is no test: BenchmarkCrawlOwn runs it in a process of its own, which serves until its input ends.
func TestCrawledNodes(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(crawledEnv))
	if err != nil {
		return
	}
	fmt.Println(planted(t, n)[0].Self().AddrNames()[0])
	io.Copy(io.Discard, os.Stdin)
}

// cpu is what this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCrawlOwn crawls 1,000 nodes that another process runs, and counts what the crawler alone uses.
func BenchmarkCrawlOwn(b *testing.B) {
	const n = 1000
	servers := exec.Command(os.Args[0], "-test.run=TestCrawledNodes", "-test.v=false")
	servers.Env = append(os.Environ(), crawledEnv+"="+strconv.Itoa(n))
	in, err := servers.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := servers.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := servers.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); servers.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	first, err := ParsePeer(line[:len(line)-1])
	if err != nil {
		b.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	var wall, own time.Duration
	var asked atomic.Int64
	b.ResetTimer()
	for b.Loop() {
		c := real(b, func(n *Node) { n.Bare, n.Server = true, false })
		began, used, found := time.Now(), cpu(b), 0
		run := &Crawl{Caller: asks{c, &asked}, Workers: 64, Now: time.Now, Emit: func(l NodeLine) error {
			if l.Reachable {
				found++
			}
			return nil
		}}
		if _, err := run.Run(context.Background(), []Peer{first}); err != nil {
			b.Fatal(err)
		}
		wall += time.Since(began)
		own += cpu(b) - used
		if found != n {
			b.Errorf("%d of %d found", found, n)
		}
	}
	b.ReportMetric(n*float64(b.N)/wall.Seconds(), "nodes/s")
	b.ReportMetric(float64(asked.Load())/float64(n*b.N), "asks/node")
	b.ReportMetric(own.Seconds()*1e6/float64(n*b.N), "own-µs/node")
}

package pcsc

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// tunnel is a private socket before the daemon's own. The library neither takes a deadline nor gives its connection
// away: what blocks in it ends when the tunnel is cut.
type tunnel struct {
	path  string
	dir   string
	wait  sync.WaitGroup
	mu    sync.Mutex // guards ends
	ends  []io.Closer
	isCut bool
}

func newTunnel(target string) (*tunnel, error) {
	far, err := net.Dial("unix", target)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pars-nfc-") // readable by its owner alone
	if err != nil {
		return nil, errors.Join(err, far.Close())
	}
	t := &tunnel{dir: dir, path: filepath.Join(dir, "s")}
	l, err := net.Listen("unix", t.path)
	if err != nil {
		return nil, errors.Join(err, far.Close(), os.RemoveAll(dir))
	}
	t.hold(l)
	t.hold(far)
	t.wait.Go(func() {
		near, err := l.Accept()
		if err != nil {
			return
		}
		t.hold(near)
		t.wait.Go(func() { io.Copy(near, far); t.cut() })
		io.Copy(far, near)
		t.cut()
	})
	return t, nil
}

// hold remembers what cut closes.
func (t *tunnel) hold(c io.Closer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ends = append(t.ends, c)
	if t.isCut {
		c.Close()
	}
}

func (t *tunnel) cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.isCut = true
	for _, c := range t.ends {
		c.Close()
	}
}

// Close cuts the tunnel, waits for its goroutines and removes its folder.
func (t *tunnel) Close() error {
	t.cut()
	t.wait.Wait()
	return os.RemoveAll(t.dir)
}

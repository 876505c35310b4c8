package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	settle    = 50 * time.Millisecond // events come in bunches
	quiet     = time.Second           // between two calls of Changed
	pollEvery = 5 * time.Second       // where the system tells no events
)

// Watcher tells when an interface comes, goes, or changes its addresses. Linux tells at once; elsewhere, and where Linux
// refuses (Android), the interfaces are listed every five seconds. A link that went down and up again between two looks
// is told as well, where the system tells it.
type Watcher struct {
	// Interfaces lists the links; nil is SystemInterfaces.
	Interfaces func() ([]Interface, error)
	// Changed is called from the Watcher's own goroutine, at most once a second. It must not call Close.
	Changed func()
	// Log is told what went wrong and did not stop the Watcher. It may be nil.
	Log func(string)

	source func() (*events, error) // nil is openEvents
	mu     sync.Mutex              // guards cancel and closed
	cancel context.CancelFunc
	closed bool
	wg     sync.WaitGroup
}

// Start begins to watch, until ctx is done or Close is called. It fails when the interfaces cannot be listed.
func (w *Watcher) Start(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.cancel != nil {
		return errors.New("start the watcher: it was started or closed before")
	}
	if w.Changed == nil {
		return errors.New("start the watcher: no Changed")
	}
	list, err := w.list()
	if err != nil {
		return fmt.Errorf("start the watcher: %w", err)
	}
	ctx, w.cancel = context.WithCancel(ctx)
	news := make(chan struct{}, 1) // one waiting says all
	open := w.source
	if open == nil {
		open = openEvents
	}
	source, err := open()
	w.wg.Go(func() { w.run(ctx, list, news, err != nil) })
	if err != nil {
		w.log("interface events: %v; looking every %v", err, pollEvery)
		return nil
	}
	w.wg.Go(func() { source.run(func() { notify(news) }) })
	w.wg.Go(func() { <-ctx.Done(); source.close() })
	return nil
}

// Close ends the watch and waits for it.
func (w *Watcher) Close() error {
	w.mu.Lock()
	w.closed = true
	if w.cancel != nil {
		w.cancel()
	}
	w.mu.Unlock()
	w.wg.Wait()
	return nil
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run looks when there was an event, or all the time when there is no source of any. An event without a difference counts:
// the source has already left out those that say nothing.
func (w *Watcher) run(ctx context.Context, last []Interface, events <-chan struct{}, poll bool) {
	var tick <-chan time.Time
	if poll {
		t := time.NewTicker(pollEvery)
		defer t.Stop()
		tick = t.C
	}
	for {
		told := false
		select {
		case <-ctx.Done():
			return
		case <-tick:
		case <-events:
			told = true
			if !wait(ctx, settle) {
				return
			}
		}
		list, err := w.list()
		if err != nil {
			w.log("%v", err)
			continue
		}
		if !told && slices.EqualFunc(list, last, Interface.equal) {
			continue
		}
		last = list
		w.Changed()
		if !wait(ctx, quiet) {
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (w *Watcher) list() ([]Interface, error) {
	if w.Interfaces != nil {
		return w.Interfaces()
	}
	return SystemInterfaces()
}

func (w *Watcher) log(format string, args ...any) {
	if w.Log != nil {
		w.Log(fmt.Sprintf(format, args...))
	}
}

package bootstrap

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatcherPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list atomic.Pointer[[]Interface]
		list.Store(&[]Interface{eth(1, "10.0.0.1/24")})
		var fail atomic.Bool
		var calls, logs atomic.Int32
		w := &Watcher{
			Interfaces: func() ([]Interface, error) {
				if fail.Load() {
					return nil, errors.New("refused")
				}
				return *list.Load(), nil
			},
			Changed: func() { calls.Add(1) },
			Log:     func(string) { logs.Add(1) },
		}
		w.source = func() (*events, error) { return nil, errors.New("none here") }
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		time.Sleep(time.Minute) // sleep: virtual time
		if calls.Load() != 0 {
			t.Errorf("%d events without a change", calls.Load())
		}
		list.Store(&[]Interface{eth(1, "10.0.0.2/24")})
		time.Sleep(pollEvery) // sleep: virtual time
		synctest.Wait()
		if calls.Load() != 1 {
			t.Errorf("%d events after a change of address", calls.Load())
		}
		fail.Store(true)
		time.Sleep(2 * pollEvery) // sleep: virtual time
		if calls.Load() != 1 || logs.Load() < 2 {
			t.Errorf("%d events and %d complaints while the list is refused", calls.Load(), logs.Load())
		}
	})
}

func TestWatcherStartsOnce(t *testing.T) {
	w := &Watcher{Changed: func() {}, Interfaces: func() ([]Interface, error) { return nil, nil }}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
	w.Close()
	if err := w.Start(t.Context()); err == nil {
		t.Error("started after Close")
	}
	if err := (&Watcher{}).Start(t.Context()); err == nil {
		t.Error("started with nobody to tell")
	}
}

func TestSystemInterfaces(t *testing.T) {
	list, err := SystemInterfaces()
	if err != nil {
		t.Skipf("the system does not list its interfaces: %v", err) // skip: Android keeps them from programs
	}
	for _, i := range list {
		if i.Index <= 0 || i.Name == "" || i.Name == "lo" || !slices.IsSortedFunc(i.Prefixes, comparePrefix) {
			t.Errorf("listed %+v", i)
		}
	}
}

package resource

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestUPowerSays(t *testing.T) {
	for _, c := range []struct {
		name     string
		p        power
		battery  int // -1: unknown
		charging int // -1: unknown
	}{
		{"no service", power{}, -1, -1},
		{"a machine without a battery", power{known: true}, -1, 1},
		{"on battery", power{known: true, onBattery: true, present: true, percent: 37.9, state: 2}, 37, 0},
		{"on mains", power{known: true, present: true, percent: 100, state: 4}, 100, 1},
		{"mains too weak", power{known: true, present: true, percent: 18, state: discharging}, 18, 0},
		{"nonsense", power{known: true, onBattery: true, present: true, percent: 900}, -1, 0},
		{"not a number", power{known: true, present: true, percent: nan()}, -1, 1},
	} {
		b, ch := c.p.signals()
		if (b == nil) != (c.battery < 0) || b != nil && *b != c.battery {
			t.Errorf("%s: battery %v", c.name, b)
		}
		if (ch == nil) != (c.charging < 0) || ch != nil && *ch != (c.charging == 1) {
			t.Errorf("%s: charging %v", c.name, ch)
		}
	}
}

func nan() float64 { var zero float64; return zero / zero }

func TestMeteredSays(t *testing.T) {
	for m, want := range []bool{false, true, false, true, false} {
		if got := metered(uint32(m)); *got != want {
			t.Errorf("NMMetered %d is %v", m, *got)
		}
	}
}

func TestBusAddress(t *testing.T) {
	if a := BusAddress(func(string) string { return "unix:path=/x" }); a != "unix:path=/x" {
		t.Errorf("got %q", a)
	}
}

// TestBusThatSaysNothing: a bus that is not there, or accepts and falls silent, tells nothing and ends
// with the context.
func TestBusThatSaysNothing(t *testing.T) {
	dir, err := os.MkdirTemp("", "bus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	called := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			called <- c
		}
	}()
	failed := make(chan error, 8)
	for _, address := range []string{"unix:path=" + l.Addr().String(), "unix:path=" + dir + "/none", "nonsense"} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		d := Desktop{Address: address, Tell: func(s Signals) { t.Errorf("told %+v", s) }, Failed: func(err error) { failed <- err }}
		go func() { d.Run(ctx); close(ended) }()
		if address == "unix:path="+l.Addr().String() {
			c := <-called
			defer c.Close()
		} else if err := <-failed; err == nil {
			t.Error("no reason")
		}
		cancel()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: Run does not end", address)
		}
	}
}

func TestBusWait(t *testing.T) {
	d := Desktop{Wait: func(int) float64 { return 0.999 }}
	for tries := range 100 {
		if w := d.wait(tries); w < time.Second || w > busBackoff {
			t.Errorf("%v after %d failures", w, tries)
		}
	}
	if d.Wait = nil; d.wait(100) != busBackoff || d.wait(0) != time.Second {
		t.Error("the wait does not grow to a minute")
	}
}

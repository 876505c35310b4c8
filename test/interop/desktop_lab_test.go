//go:build interop

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/resource"
)

// Bus is a system bus of its own with a UPower and a NetworkManager that say what they are told.
type Bus struct {
	t       *testing.T
	in      io.WriteCloser
	out     *bufio.Scanner
	address string
}

// NewBus starts one that ends with its test.
func NewBus(t *testing.T) *Bus {
	t.Helper()
	const python = "/usr/bin/python3" // the one Debian's packages are for
	if err := exec.Command(python, "-c", "import dbus, dbusmock").Run(); err != nil {
		skip(t, "no python3-dbusmock; run test/lab/install.sh")
	}
	dir, err := os.MkdirTemp("", "bus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cmd := exec.Command(python, "../lab/desktop/desktop.py", dir)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("desktop.py: %v", err)
		}
	})
	b := &Bus{t: t, in: in, out: bufio.NewScanner(out)}
	b.address = strings.TrimPrefix(b.line(), "ready ")
	return b
}

func (b *Bus) line() string {
	b.t.Helper()
	if !b.out.Scan() {
		b.t.Fatalf("desktop.py ended: %v", b.out.Err())
	}
	return b.out.Text()
}

// Do gives one order.
func (b *Bus) Do(format string, args ...any) {
	b.t.Helper()
	fmt.Fprintf(b.in, format+"\n", args...)
	if got := b.line(); got != "ok" {
		b.t.Fatalf("desktop.py: %q", got)
	}
}

// heard is what a watcher was told last.
type heard struct {
	mu   sync.Mutex // guards below
	s    resource.Signals
	n    int
	lost int
}

func (h *heard) tell(s resource.Signals) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.s, h.n = s, h.n+1
}

func (h *heard) fail(error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost++
}

// is reports whether the last word was this one.
func (h *heard) is(charging bool, battery int, metered bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.s
	return s.Charging != nil && *s.Charging == charging && s.Battery != nil && *s.Battery == battery && s.Metered != nil && *s.Metered == metered
}

func (h *heard) count() (told, lost int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n, h.lost
}

// TestDesktopSignals: what UPower and NetworkManager say on a real bus is heard within a second, and
// again after the bus died and came back.
func TestDesktopSignals(t *testing.T) {
	bus := NewBus(t)
	h := &heard{}
	d := &resource.Desktop{Address: bus.address, Tell: h.tell, Failed: h.fail}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { d.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	until(t, 2*time.Second, "the first word", func() bool { return h.is(true, 100, false) })
	for _, s := range []struct {
		battery bool
		percent int
		metered int
	}{{true, 37, 1}, {false, 38, 2}, {true, 19, 3}, {false, 100, 4}, {false, 100, 1}, {false, 100, 0}} {
		bus.Do("battery %s %d", map[bool]string{true: "on", false: "off"}[s.battery], s.percent)
		bus.Do("metered %d", s.metered)
		took := until(t, time.Second, fmt.Sprint("heard ", s), func() bool { return h.is(!s.battery, s.percent, s.metered == 1 || s.metered == 3) })
		t.Logf("%+v heard after %v", s, took.Round(time.Millisecond))
	}
	before, _ := h.count()
	bus.Do("kill")
	until(t, time.Second, "the loss is noticed", func() bool { _, lost := h.count(); return lost > 0 })
	if told, _ := h.count(); told != before {
		t.Errorf("told %d times more by a dead bus", told-before)
	}
	bus.Do("start")
	took := until(t, 5*time.Second, "the bus again", func() bool { told, _ := h.count(); return told > before })
	t.Logf("heard again after %v", took.Round(time.Millisecond))
	bus.Do("battery on 5")
	until(t, time.Second, "a change on the new bus", func() bool { return h.is(false, 5, false) })
}

// onDesktop is pars-node run on loopback that hears a bus.
func onDesktop(t *testing.T, h Home, bus *Bus, args ...string) (*Running, string) {
	t.Helper()
	cmd := h.command("pars-node", append([]string{"run", "--json", "--events", "--no-mdns", "--no-dht", "--listen", "/ip4/127.0.0.1/tcp/0"}, args...)...)
	if bus != nil {
		cmd.Env = append(cmd.Env, "DBUS_SYSTEM_BUS_ADDRESS="+bus.address)
	}
	p := run(t, cmd)
	var ready struct {
		Type  string   `json:"type"`
		Addrs []string `json:"addrs"`
	}
	until(t, 20*time.Second, "the node is ready", func() bool {
		line, _, whole := strings.Cut(p.out.String(), "\n")
		return whole && json.Unmarshal([]byte(line), &ready) == nil && ready.Type == "ready"
	})
	return p, ready.Addrs[0]
}

// nodeStatus is what these tests read of status.
type nodeStatus struct {
	Mode    string `json:"mode"`
	Why     string `json:"mode_reason"`
	Wakeups int64  `json:"wakeups_h"`
	Bytes   int64  `json:"bytes_h"`
}

func (h Home) status() (s nodeStatus) {
	h.t.Helper()
	if err := json.Unmarshal([]byte(h.Run("pars-node", "status", "--json")), &s); err != nil {
		h.t.Fatal(err)
	}
	return s
}

// costs is what a node spends while a friend writes for a time.
func costs(t *testing.T, friend, h Home, s string, d time.Duration) (bytes, wakeups int64) {
	t.Helper()
	before := h.status()
	for end := time.Now().Add(d); time.Now().Before(end); {
		friend.Run("pars-node", "send", s, "a word")
		time.Sleep(time.Second) // sleep: how often the friend writes
	}
	after := h.status()
	return after.Bytes - before.Bytes, after.Wakeups - before.Wakeups
}

// TestDesktopNode: a node hears of the battery and of the cost of the network within five seconds, and
// then wakes less and spends less, while what its user writes still arrives.
func TestDesktopNode(t *testing.T) {
	for _, c := range []struct {
		name, on, mode string
		off            []string
	}{
		{"metered", "metered 3", "metered", nil},
		{"battery", "battery on 19", "low-power", []string{"battery on 37", "battery off 100"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bus, friend, home := NewBus(t), NewHome(t), NewHome(t)
			bus.Do("battery on 37")
			_, addr := onDesktop(t, friend, nil)
			node, _ := onDesktop(t, home, bus, "--peer", addr)
			s, inv, _ := strings.Cut(friend.Run("pars-node", "invite"), "\t")
			if inv == "" {
				s, inv = "", s
			}
			s = home.Run("pars-node", "join", inv)
			friend.Run("pars-node", "send", s, "salam")
			until(t, 10*time.Second, "the first message", func() bool { return home.Has(s, "salam") })
			if got := home.status(); got.Mode != "normal" {
				t.Fatalf("mode %q: %s", got.Mode, got.Why)
			}
			const each = 12 * time.Second
			bytes, wakeups := costs(t, friend, home, s, each)
			bus.Do(c.on)
			took := until(t, 5*time.Second, "the mode", func() bool { return home.status().Mode == c.mode })
			until(t, 10*time.Second, "sleep", func() bool { return home.Run("pars-node", "peers") == "" })
			lowBytes, lowWakeups := costs(t, friend, home, s, each)
			t.Logf("%s after %v; in %v awake: %d bytes, %d wake-ups; asleep: %d bytes, %d wake-ups", c.mode, took.Round(time.Millisecond), each, bytes, wakeups, lowBytes, lowWakeups)
			if wakeups < 2 || bytes < 1000 || 4*lowWakeups > wakeups || 4*lowBytes > bytes {
				t.Error("the mode saves too little")
			}
			if !node.Says(`"type":"mode"`, `"mode":"`+c.mode+`"`) {
				t.Error("no event tells of the mode")
			}
			home.Run("pars-node", "send", s, "from one who sleeps")
			until(t, 10*time.Second, "what its user writes", func() bool { return friend.Has(s, "from one who sleeps") })
			for _, order := range c.off {
				bus.Do("%s", order)
			}
			if c.off != nil {
				back := until(t, 80*time.Second, "the mode's end", func() bool { return home.status().Mode == "normal" })
				if back < 55*time.Second {
					t.Errorf("left after %v: a cause must be gone for a minute", back)
				}
				until(t, 10*time.Second, "links", func() bool { return home.Run("pars-node", "peers") != "" })
			}
			node.Stop()
		})
	}
}

// TestDesktopFlaps: thirty flips of the signal in a minute are one change, and a bus that dies takes
// nothing back.
func TestDesktopFlaps(t *testing.T) {
	t.Parallel()
	bus, home := NewBus(t), NewHome(t)
	node, _ := onDesktop(t, home, bus)
	bus.Do("flip 15 30")
	if n := strings.Count(node.out.String(), `"type":"mode"`); n != 1 {
		t.Errorf("%d changes of the mode", n)
	}
	bus.Do("kill")
	time.Sleep(7 * time.Second) // sleep: longer than the node takes to look at its machine
	if got := home.status(); got.Mode != "metered" {
		t.Errorf("mode %q after the bus died: the last word counts for ten minutes", got.Mode)
	}
	node.Stop()
}

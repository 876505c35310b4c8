package resource

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/fstest"
	"time"
)

var noon = time.UnixMilli(1_800_000_000_000).UTC()

func at(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }

func ptr[T any](v T) *T { return &v }

func TestUnknownNeverRestricts(t *testing.T) {
	var m Manager
	if mode, changed := m.Tell(Signals{}, noon); changed || !mode.equal(Mode{}) {
		t.Errorf("%+v", mode)
	}
}

func TestBattery(t *testing.T) {
	var m Manager
	steps := []struct {
		at, charge int
		charging   bool
		low, flush bool
	}{
		{0, 37, false, false, false},
		{1, 20, false, true, false},  // at once
		{10, 26, false, true, false}, // gone, but not for long enough
		{40, 19, false, true, false},
		{50, 25, false, true, false},
		{109, 25, false, true, false},
		{110, 25, false, false, false},
		{120, 4, false, true, true},
		{130, 4, true, true, true},
		{190, 4, true, false, false},
	}
	for _, s := range steps {
		mode, _ := m.Tell(Signals{Battery: &s.charge, Charging: &s.charging}, at(s.at))
		if drains := !s.charging || s.at < 190; mode.Drains != drains {
			t.Errorf("after %d s it drains: %v", s.at, mode.Drains)
		}
		if mode.LowPower != s.low || mode.Flush != s.flush {
			t.Errorf("after %d s at %d %%: %+v", s.at, s.charge, mode)
		}
	}
}

// TestFlapping: thirty flips a minute loosen at most once a minute.
func TestFlapping(t *testing.T) {
	var m Manager
	changes := 0
	for i := range 600 {
		if _, changed := m.Tell(Signals{Metered: ptr(i%2 == 0)}, at(i)); changed {
			changes++
		}
	}
	if changes > 10 {
		t.Errorf("%d changes in ten minutes", changes)
	}
	if !m.Mode().Metered {
		t.Error("a flapping metered signal is taken for none")
	}
}

func TestSilentSource(t *testing.T) {
	var m Manager
	m.Tell(Signals{Metered: ptr(true)}, at(0))
	if mode, _ := m.Tell(Signals{}, at(599)); !mode.Metered {
		t.Error("forgotten too soon")
	}
	m.Tell(Signals{}, at(601))
	if mode, _ := m.Tell(Signals{}, at(661)); mode.Metered {
		t.Error("a source that fell silent restricts for ever")
	}
}

// TestStrictest: causes add up, and no combination gives more than each alone.
func TestStrictest(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		s := Signals{Battery: ptr(rnd.IntN(101)), Charging: ptr(rnd.IntN(2) == 0), Metered: ptr(rnd.IntN(2) == 0),
			Memory: ptr(rnd.Float64()), Storage: ptr(rnd.Float64())}
		var all Manager
		mode, _ := all.Tell(s, noon)
		l := mode.Limits()
		for _, one := range []Signals{{Battery: s.Battery, Charging: s.Charging}, {Metered: s.Metered}, {Memory: s.Memory}, {Storage: s.Storage}} {
			var m Manager
			alone, _ := m.Tell(one, noon)
			a := alone.Limits()
			if l.Peers > a.Peers || l.WakeEvery < a.WakeEvery || l.Strangers && !a.Strangers {
				t.Fatalf("%+v gives more than a part of it: %+v, %+v", s, l, a)
			}
		}
		if restricted := !mode.equal(Mode{}); restricted != (len(mode.Why) > 0) {
			t.Fatalf("%+v without a reason, or a reason without effect", mode)
		}
	}
}

func TestSysPower(t *testing.T) {
	f := fstest.MapFS{}
	set := func(dir, typ, capacity, status string) {
		f["class/power_supply/"+dir+"/type"] = &fstest.MapFile{Data: []byte(typ + "\n")}
		f["class/power_supply/"+dir+"/capacity"] = &fstest.MapFile{Data: []byte(capacity + "\n")}
		f["class/power_supply/"+dir+"/status"] = &fstest.MapFile{Data: []byte(status + "\n")}
	}
	if s := SysPower(f); s.Battery != nil || s.Charging != nil {
		t.Error("a machine that tells nothing is known")
	}
	set("AC", "Mains", "", "")
	if s := SysPower(f); s.Charging == nil || !*s.Charging || s.Battery != nil {
		t.Errorf("mains: %+v", s)
	}
	set("BAT0", "Battery", "19", "Discharging")
	if s := SysPower(f); *s.Charging || *s.Battery != 19 {
		t.Errorf("battery: %+v", s)
	}
	set("BAT0", "Battery", "900", "Full")
	if s := SysPower(f); !*s.Charging || s.Battery != nil {
		t.Errorf("nonsense: %+v", s)
	}
}

func TestMemory(t *testing.T) {
	f := fstest.MapFS{"proc/self/cgroup": &fstest.MapFile{Data: []byte("0::/user/pars\n")},
		"sys/fs/cgroup/user/pars/memory.max": &fstest.MapFile{Data: []byte("1000\n")}}
	if v := Memory(f, 500, 4000); v == nil || *v != 0.5 {
		t.Error("the control group's limit does not count")
	}
	f["sys/fs/cgroup/user/pars/memory.max"].Data = []byte("max\n")
	if v := Memory(f, 500, 0); v != nil {
		t.Error("no limit is one")
	}
	if v := Memory(f, 500, 2000); v == nil || *v != 0.25 {
		t.Error("the configured limit does not count")
	}
}

func Example() {
	var m Manager
	mode, _ := m.Tell(Signals{Battery: ptr(12), Charging: ptr(false)}, noon)
	fmt.Println(mode.LowPower, mode.Limits().Peers, mode.Why)
	// Output: true 1 [battery at 12 %]
}

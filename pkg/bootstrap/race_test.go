package bootstrap

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const issued = 946684800 // where synctest's clock begins

func seedKey(n uint32) sig.Private {
	var seed [32]byte
	binary.BigEndian.PutUint32(seed[:], n)
	return sig.FromSeed(seed)
}

// holders is a set of 2 of 3, and the keys.
func holders(epoch uint32, from uint32) (*list.Set, []sig.Private) {
	s := &list.Set{Epoch: epoch, K: 2}
	keys := []sig.Private{seedKey(from), seedKey(from + 1), seedKey(from + 2)}
	slices.SortFunc(keys, func(a, b sig.Private) int {
		x, y := a.Public(), b.Public()
		return bytes.Compare(x[:], y[:])
	})
	for _, k := range keys {
		s.Keys = append(s.Keys, k.Public())
	}
	return s, keys
}

func listed(n int, first uint32) []list.Entry {
	var out []list.Entry
	for i := range n {
		a, err := list.ReadAddrs([]string{fmt.Sprintf("/ip4/20.%d.0.1/tcp/4001", i%250)})
		if err != nil {
			panic(err)
		}
		out = append(out, list.Entry{Key: seedKey(first + uint32(i)).Public(), Addrs: a})
	}
	return out
}

func signedList(t testing.TB, s *list.Set, by []sig.Private, seq, at uint64, entries []list.Entry) *list.List {
	t.Helper()
	l, err := list.Draft{Set: s, Seq: seq, Issued: at, Entries: entries}.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range by {
		if err := l.Root.SignWith(s, k); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// book is a Memory that forgets when the test ends.
type book struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (b *book) Load(name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok := b.m[name]; ok {
		return v, nil
	}
	return nil, wire.ErrNotFound
}

func (b *book) Save(name string, value []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m == nil {
		b.m = map[string][]byte{}
	}
	b.m[name] = bytes.Clone(value)
	return nil
}

// listRoad brings a list after a while.
func listRoad(name string, after time.Duration, lenient bool, l *list.List) Road {
	return Road{Name: name, Timeout: roadTimeout, Lenient: lenient, Find: func(ctx context.Context, s *Sink) error {
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return ctx.Err()
		}
		if l == nil {
			return errors.New("nothing there")
		}
		return s.List(l)
	}}
}

func deadRoad(name string, after time.Duration) Road {
	r := listRoad(name, time.Hour, false, nil)
	r.After = after
	return r
}

func newRace(t testing.TB, s *list.Set, roads ...Road) *Race {
	t.Helper()
	trust, err := list.NewTrust(list.Tag{}, s)
	if err != nil {
		t.Fatal(err)
	}
	return &Race{Trust: trust, Roads: roads, Now: time.Now, Memory: &book{}, Network: "here"}
}

func reportOf(res *Result, road string) Report {
	for _, r := range res.Reports {
		if r.Road == road {
			return r
		}
	}
	return Report{}
}

func TestRaceFinds(t *testing.T) {
	s, keys := holders(1, 1)
	good := signedList(t, s, keys[:2], 5, issued, listed(30, 100))
	newer := signedList(t, s, keys[1:], 6, issued, listed(30, 100))
	for _, c := range []struct {
		what  string
		roads []Road
		seq   uint64
		took  time.Duration
	}{
		{"one is enough", []Road{listRoad("dns", 0, false, good)}, 5, 0},
		{"dead roads cost nothing", []Road{deadRoad("hns", 0), listRoad("dns", 100*time.Millisecond, false, good), deadRoad("ens", 0)}, 5, 2100 * time.Millisecond},
		{"the newer one wins within two seconds", []Road{listRoad("cache", 0, true, good), listRoad("dns", 1900*time.Millisecond, false, newer)}, 6, 1900 * time.Millisecond},
		{"nobody waits longer", []Road{listRoad("cache", 0, true, good), listRoad("dns", 2100*time.Millisecond, false, newer)}, 5, 2 * time.Second},
		{"the newer one first", []Road{listRoad("dns", 0, false, newer), listRoad("cache", time.Second, true, good)}, 6, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			res, err := newRace(t, s, c.roads...).Run(t.Context())
			if err != nil || res.Root == nil || res.Root.Seq != c.seq || len(res.Peers) != 30 || res.Peers[0].Class != Signed {
				t.Errorf("%s: %d peers, %v", c.what, len(res.Peers), err)
			}
			if took := time.Since(begin); took != c.took {
				t.Errorf("%s: took %v, want %v", c.what, took, c.took)
			}
		})
	}
}

// Every subset of six roads that work: with one alive there are peers; with none, an error that says which.
func TestRaceSubsets(t *testing.T) {
	s, keys := holders(1, 1)
	good := signedList(t, s, keys[:2], 5, issued, listed(30, 100))
	names := []string{"builtin", "file", "cache", "dns", "hns", "ens"}
	for alive := range 1 << 6 {
		synctest.Test(t, func(t *testing.T) {
			var roads []Road
			for i, name := range names {
				if alive>>i&1 == 1 {
					roads = append(roads, listRoad(name, 10*time.Millisecond, true, good))
				} else {
					roads = append(roads, deadRoad(name, time.Duration(i)*300*time.Millisecond))
				}
			}
			begin := time.Now()
			res, err := newRace(t, s, roads...).Run(t.Context())
			if alive == 0 {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("all dead: %v", err)
				}
				return
			}
			if err != nil || len(res.Peers) != 30 || time.Since(begin) > 3*time.Second {
				t.Errorf("%06b: %d peers after %v, %v", alive, len(res.Peers), time.Since(begin), err)
			}
		})
	}
}

// What an attacker who owns DNS, its keys included, can put there without the holders' keys.
func TestPoison(t *testing.T) {
	s, keys := holders(1, 1)
	stranger, theirs := holders(1, 50)
	good := signedList(t, s, keys[:2], 5, issued, listed(30, 100))
	month := uint64(30 * 86400)
	short := signedList(t, s, keys[:1], 9, issued, listed(28, 900))
	forged := signedList(t, s, keys[:2], 9, issued, listed(28, 900))
	forged.Root.Sigs[0].Sig[3] ^= 1
	padded := signedList(t, s, keys[:2], 9, issued, listed(28, 900))
	bad := listed(28, 700)
	for i := range padded.Leaves { // its leaves swapped for those of another list
		padded.Leaves[i] = signedList(t, s, keys[:2], 9, issued, bad).Leaves[i]
	}
	for _, c := range []struct {
		what   string
		poison *list.List
		stage  string
		words  string
		alarm  bool
	}{
		{"no signature of the network", signedList(t, stranger, theirs, 9, issued, listed(28, 900)), "signature", "keys that this program does not know", false},
		{"one signature short", short, "signature", "1 good signatures, 2 are needed", false},
		{"a forged signature", forged, "signature", "is wrong", false},
		{"an old list", signedList(t, s, keys[:2], 4, issued-86400, listed(28, 900)), "rollback", "old list", false},
		{"an expired list", signedList(t, s, keys[:2], 6, issued-month, listed(28, 900)), "time", "expired", false},
		{"an expired and old list", signedList(t, s, keys[:2], 4, issued-month, listed(28, 900)), "rollback", "old list", false},
		{"a list from the future", signedList(t, s, keys[:2], 9, issued+3*86400, listed(28, 900)), "time", "future", false},
		{"a twin", signedList(t, s, keys[:2], 5, issued, listed(28, 900)), "rollback", "two different lists", true},
		{"foreign leaves", padded, "signature", "does not belong", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			race := newRace(t, s, listRoad("cache", 0, true, good))
			if _, err := race.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			race.Roads = []Road{listRoad("cache", 0, true, good), listRoad("dns", 100*time.Millisecond, false, c.poison)}
			res, err := race.Run(t.Context())
			r := reportOf(res, "dns")
			if err != nil || r.Result != Failed || r.Stage != c.stage || !strings.Contains(r.Reason, c.words) {
				t.Errorf("%s: %+v, %v", c.what, r, err)
			}
			for _, p := range res.Peers { // the root with the foreign leaves is a true one, so what was held counts as old
				if p.Seq != 5 || p.Class != Signed && c.what != "foreign leaves" {
					t.Errorf("%s: %s of number %d", c.what, p.Class, p.Seq)
				}
			}
			if (len(res.Alarms) > 0) != c.alarm {
				t.Errorf("%s: alarms %v", c.what, res.Alarms)
			}
			// alone, with an empty memory that knows only that number 5 was there
			race.Roads = race.Roads[1:]
			race.Roads[0].Name = "dns"
			res, err = race.Run(t.Context())
			if c.what == "an expired list" {
				if err != nil || res.Peers[0].Class != Stale {
					t.Errorf("%s alone: %v", c.what, err)
				}
			} else if c.words != "future" && !errors.Is(err, sig.ErrVerify) || len(res.Peers) > 0 {
				t.Errorf("%s alone: %d peers, %v", c.what, len(res.Peers), err)
			}
		})
	}
}

// An attacker with all of DNS names a hundred peers; with an honest list, a node dials few of them.
func TestSlotCaps(t *testing.T) {
	var evil, honest []Peer
	for i := range 100 {
		evil = append(evil, Peer{ID: fmt.Sprint("evil", i), Class: Signed, By: "dnssec", Source: "dnsaddr", Groups: []string{fmt.Sprintf("66.%d.0.0/16", i)}})
		honest = append(honest, Peer{ID: fmt.Sprint("honest", i), Class: Signed, By: "list", Source: "list", Groups: []string{fmt.Sprintf("20.%d.0.0/16", i)}})
	}
	hints := slices.Clone(evil)
	for i := range hints {
		hints[i].Class, hints[i].By, hints[i].Source, hints[i].ID = Hinted, "", "dns", fmt.Sprint("hint", i)
	}
	count := func(list []Peer, what string) (n int) {
		for _, p := range list {
			if strings.HasPrefix(p.ID, what) {
				n++
			}
		}
		return n
	}
	all := slices.Concat(evil, honest, hints)
	for range 50 {
		got := Choose(all, Holding{Free: 16}, DefaultLimits(), nil, nil)
		if count(got, "evil") > 2 || count(got, "hint") > 2 || count(got, "evil")+count(got, "honest") > 4 {
			t.Fatalf("%d evil, %d hints of %d", count(got, "evil"), count(got, "hint"), len(got))
		}
		got = Choose(slices.Concat(evil, hints), Holding{Free: 16, Bare: true}, DefaultLimits(), nil, nil)
		if count(got, "evil") > 2 || count(got, "hint") > 2 {
			t.Fatalf("bare: %d evil, %d hints", count(got, "evil"), count(got, "hint"))
		}
		got = Choose(all, Holding{Free: 16, Bare: true}, DefaultLimits(), nil, nil)
		if count(got, "honest") < 10 || len(got) != 16 {
			t.Fatalf("bare: %d honest of %d", count(got, "honest"), len(got))
		}
		// what is connected counts
		got = Choose(all, Holding{Free: 16, Listed: 4, Hints: 2}, DefaultLimits(), nil, nil)
		if len(got) != 0 {
			t.Fatalf("full: %d", len(got))
		}
		// one operator with many prefixes is one place, until every other place has one
		got = Choose(honest[:6], Holding{Free: 2, Bare: true}, DefaultLimits(), func(g string) string {
			if g == "20.5.0.0/16" {
				return "AS2"
			}
			return "AS1"
		}, nil)
		if count(got, "honest5") != 1 {
			t.Fatalf("two peers of one network: %v", got)
		}
	}
}

func TestMemory(t *testing.T) {
	s, keys := holders(1, 1)
	good := signedList(t, s, keys[:2], 5, issued, listed(30, 100))
	synctest.Test(t, func(t *testing.T) {
		dns := listRoad("dns", 0, false, good)
		dns.After = 800 * time.Millisecond
		race := newRace(t, s, deadRoad("ens", 0), dns)
		for i, want := range []time.Duration{800*time.Millisecond + 2*time.Second, 300*time.Millisecond + 2*time.Second} {
			begin := time.Now()
			if _, err := race.Run(t.Context()); err != nil || time.Since(begin) != want {
				t.Errorf("run %d: %v, %v", i, time.Since(begin), err)
			}
		}
		race.Network = "elsewhere"
		begin := time.Now()
		if _, err := race.Run(t.Context()); err != nil || time.Since(begin) != 2800*time.Millisecond {
			t.Errorf("elsewhere: %v, %v", time.Since(begin), err)
		}
		// an old list on the road: its head start is gone for a day
		race.Roads[1] = listRoad("dns", 0, false, signedList(t, s, keys[:2], 4, issued, listed(30, 100)))
		race.Roads[1].After = 800 * time.Millisecond
		race.Network = "here"
		if _, err := race.Run(t.Context()); !errors.Is(err, sig.ErrVerify) {
			t.Errorf("old list: %v", err)
		}
		race.Roads[1] = dns
		begin = time.Now()
		if _, err := race.Run(t.Context()); err != nil || time.Since(begin) != 2800*time.Millisecond {
			t.Errorf("after an old list: %v, %v", time.Since(begin), err)
		}
	})
	k := NetworkKey([32]byte{1}, []byte{1, 2}, nil)
	if len(k) != 16 || k == NetworkKey([32]byte{2}, []byte{1, 2}, nil) || k == NetworkKey([32]byte{1}, nil, []string{"9.9.9.9"}) {
		t.Errorf("network key %s", k)
	}
	m := &memory{Networks: map[string]networkSeen{}}
	for i := range 100 {
		m.remember(fmt.Sprint(i), []string{"dns"}, time.Unix(int64(i), 0))
	}
	if len(m.Networks) != maxNetworks || !m.won("99", "dns", time.Unix(99, 0)) || m.won("99", "dns", time.Unix(99, 0).Add(networkLife)) {
		t.Errorf("%d networks", len(m.Networks))
	}
}

// Only covert roads, and no silent way back.
func TestCovert(t *testing.T) {
	s, keys := holders(1, 1)
	good := signedList(t, s, keys[:2], 5, issued, listed(30, 100))
	synctest.Test(t, func(t *testing.T) {
		plain := listRoad("dns", 0, false, good)
		plain.Plain = true
		plain.Find = func(context.Context, *Sink) error { t.Error("a plain road was started"); return nil }
		race := newRace(t, s, plain, listRoad("front", 0, false, nil))
		race.Covert = true
		res, err := race.Run(t.Context())
		if err == nil || reportOf(res, "dns").Result != Skipped {
			t.Errorf("%+v, %v", res.Reports, err)
		}
	})
}

// What is remembered is on the disk before the race says that the list is good.
func TestHeldFirst(t *testing.T) {
	s, keys := holders(1, 1)
	good := signedList(t, s, keys[:2], 5, issued, listed(30, 100))
	synctest.Test(t, func(t *testing.T) {
		b := &book{}
		race := newRace(t, s)
		race.Memory = b
		race.Roads = []Road{{Name: "dns", Timeout: time.Second, Find: func(_ context.Context, s *Sink) error {
			if err := s.Root(good.Root); err != nil {
				return err
			}
			if state, err := b.Load(memoryState); err != nil || !bytes.Contains(state, []byte(`"seq":5`)) {
				t.Errorf("not remembered: %s, %v", state, err)
			}
			return s.all(good)
		}}}
		if _, err := race.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A peer is told at once, with every other road still silent.
func TestFoundAtOnce(t *testing.T) {
	s, keys := holders(1, 1)
	good := signedList(t, s, keys[:2], 5, issued, listed(30, 100))
	old := signedList(t, s, keys[:2], 4, issued-30*86400, listed(30, 100))
	synctest.Test(t, func(t *testing.T) {
		hint := HintRoad("lan", func(context.Context) ([]Peer, error) {
			return []Peer{{ID: "x", Addrs: []string{"/ip4/10.0.0.1/tcp/1"}}}, nil
		})
		race := newRace(t, s, deadRoad("dns", 0), hint, listRoad("ens", time.Second, false, good), listRoad("file", 0, true, old))
		begin := time.Now()
		told := map[Class]time.Duration{}
		race.Found = func(p Peer) { told[p.Class] = time.Since(begin) }
		if _, err := race.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if len(told) != 2 || told[Hinted] != 0 || told[Signed] != time.Second {
			t.Errorf("told %v", told)
		}
	})
}

func TestCancelled(t *testing.T) {
	s, _ := holders(1, 1)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := newRace(t, s, deadRoad("dns", 0)).Run(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// Texts of another naming system, as ENS has them.
type texts map[string]string

func (m texts) Text(_ context.Context, name, key string) (string, bool, error) {
	if v, ok := m[name+"/"+key]; ok {
		return v, true, nil
	}
	return "", false, wire.ErrNotFound
}

func TestTextRoad(t *testing.T) {
	s, keys := holders(1, 1)
	good := signedList(t, s, keys[:2], 5, issued, listed(30, 100))
	parts := texts{"a.eth/pars.list": list.TXT(good.Root.Encode())}
	for i, l := range good.Leaves {
		parts["a.eth/"+leafKey(i)] = list.TXT(l.Encode())
	}
	for what, src := range map[string]texts{"one line": {"a.eth/pars.list": good.Text()}, "parts": parts} {
		synctest.Test(t, func(t *testing.T) {
			res, err := newRace(t, s, TextRoad("ens", "a.eth", src)).Run(t.Context())
			if err != nil || len(res.Peers) < 8 {
				t.Errorf("%s: %d peers, %v", what, len(res.Peers), err)
			}
		})
	}
}

// A client of the old profile meets the new keys once and knows them from then on.
func TestRotationIsKept(t *testing.T) {
	old, keys := holders(1, 1)
	next, fresh := holders(2, 20)
	r := &list.Rotation{Old: old.Tag(), Issued: issued, New: next}
	for _, k := range append(keys[:2:2], fresh[1:]...) {
		if err := r.SignWith(old, k); err != nil {
			t.Fatal(err)
		}
	}
	l := signedList(t, next, fresh[:2], 1, issued, listed(30, 100))
	synctest.Test(t, func(t *testing.T) {
		race := newRace(t, old, FileRoad("file", "rotation", func() ([]byte, error) { return r.Encode(), nil }))
		race.Run(t.Context())
		again := newRace(t, old, listRoad("dns", 0, false, l))
		again.Memory = race.Memory
		if res, err := again.Run(t.Context()); err != nil || len(res.Peers) != 30 {
			t.Errorf("%v", err)
		}
	})
}

func TestNextCheck(t *testing.T) {
	r := &list.Root{Issued: issued, Expires: issued + 14*86400}
	if a, b := NextCheck(r, 0), NextCheck(r, 1); a != 42*time.Hour || b != 126*time.Hour {
		t.Errorf("%v to %v", a, b)
	}
	r.Expires = issued + 3600
	if a := NextCheck(r, 0.5); a != 6*time.Hour {
		t.Errorf("short: %v", a)
	}
}

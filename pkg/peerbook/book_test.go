package peerbook

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

var noon = time.UnixMilli(1_800_000_000_000).UTC()

func at(d time.Duration) time.Time { return noon.Add(d) }

// ip4 is /ip4/a.b.c.d/tcp/port.
func ip4(a, b, c, d byte, port uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{codeIP4, a, b, c, d, codeTCP}, port)
}

func ip6(s string, port uint16) []byte {
	a := netip.MustParseAddr(s).As16()
	return binary.BigEndian.AppendUint16(append(append([]byte{codeIP6}, a[:]...), codeTCP), port)
}

func book(seed uint64, phone bool) (*Book, *rand.Rand) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	return New([32]byte{byte(seed), byte(seed >> 8)}, phone, nil, rnd.IntN), rnd
}

func dht(name string) Source { return Source{Class: DHT, Name: name, Group: Group(name)} }

func TestGroups(t *testing.T) {
	onion := binary.AppendUvarint(nil, codeOnion3)
	link := binary.AppendUvarint(nil, codeUnix)
	as := func(ip netip.Addr) uint32 {
		if ip == netip.MustParseAddr("9.9.9.9") {
			return 19281
		}
		return 0
	}
	for _, c := range []struct {
		addr []byte
		want Group
	}{
		{ip4(5, 6, 7, 8, 4001), "5.6.0.0/16"},
		{ip4(9, 9, 9, 9, 1), "as19281"},
		{ip4(10, 1, 2, 3, 1024), "10.1.2.0/24:1"},
		{ip4(10, 1, 2, 9, 2047), "10.1.2.0/24:1"},
		{ip4(100, 64, 9, 1, 65535), "100.64.9.0/24:63"},
		{ip4(100, 128, 9, 1, 1), "100.128.0.0/16"},
		{ip6("2001:db8:1::1", 1), "2001:db8::/32"},
		{ip6("::ffff:5.6.7.8", 1), "5.6.0.0/16"},
		{ip6("fd00:1:2:3::4", 1), "fd00:1:2:3::/64"},
		{append(onion, make([]byte, 37)...), groupOnion},
		{append(link, 1, 2), groupLink},
		{[]byte{codeIP4, 1}, groupNone},
		{nil, groupNone},
		{[]byte{0xff}, groupNone},
	} {
		if g := GroupOf(c.addr, as); g != c.want {
			t.Errorf("%x: %s, want %s", c.addr, g, c.want)
		}
	}
}

func FuzzGroupOf(f *testing.F) {
	f.Add(ip4(1, 2, 3, 4, 5))
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if g := GroupOf(b, nil); g == "" || len(g) > maxName {
			t.Fatalf("%x: %q", b, g)
		}
	})
}

// TestTestBeforeEvict: who stands in tried goes only when it fails, and the one who waited takes its place.
func TestTestBeforeEvict(t *testing.T) {
	b, _ := book(1, true)
	var old, heir ID
	at0 := map[int]ID{}
	for i := range 5000 { // until two of one network want one place
		id := ID(fmt.Sprint("peer", i))
		if !b.Hear(dht("x"), id, [][]byte{ip4(5, 6, 7, byte(i), 4001)}, at(time.Duration(i)*rateEvery)) {
			continue
		}
		place := b.triedPlace(b.entries[id])
		if at0[place] != "" {
			old, heir = at0[place], id
			break
		}
		at0[place] = id
	}
	if heir == "" {
		t.Fatal("no two peers with one place")
	}
	b.Good(old, nil, at(time.Hour))
	b.Good(heir, nil, at(time.Hour))
	if e, _ := b.Get(old); e.Class != Cached {
		t.Fatal("the old one was moved before it was tested")
	}
	if got := b.Tests(); len(got) != 1 || got[0] != old {
		t.Fatalf("tests %q", got)
	}
	b.Good(old, nil, at(2*time.Hour))
	if e, _ := b.Get(heir); e.Class == Cached || len(b.Tests()) != 0 {
		t.Error("the old one passed and lost its place")
	}
	b.Good(heir, nil, at(3*time.Hour))
	b.Failed(old, true, at(3*time.Hour))
	if len(b.Tests()) != 1 {
		t.Error("a failure that the network explains decides a test")
	}
	b.Failed(old, false, at(3*time.Hour))
	if e, _ := b.Get(heir); e.Class != Cached {
		t.Error("the one who waited did not get the place")
	}
	if e, ok := b.Get(old); ok && e.Class == Cached {
		t.Error("both stand in one place")
	}
}

func TestSourceRate(t *testing.T) {
	b, _ := book(2, false)
	heard := 0
	for i := range 3000 {
		if b.Hear(dht("liar"), ID(fmt.Sprint(i)), [][]byte{ip4(byte(i), byte(i>>8), 1, 1, 1)}, noon) {
			heard++
		}
	}
	if heard > rateBurst {
		t.Errorf("one source entered %d at once", heard)
	}
	if places := places(b, "liar"); places > 8*64*4 {
		t.Errorf("one source reaches %d places", places)
	}
	if b.Hear(dht("liar"), "late", [][]byte{ip4(250, 1, 1, 1, 1)}, at(5*time.Second)) {
		t.Error("and more after five seconds")
	}
	if !b.Hear(dht("other"), "other", [][]byte{ip4(251, 1, 1, 1, 1)}, noon) {
		t.Error("another source pays for it")
	}
	for i := range 5000 {
		b.Hear(dht(fmt.Sprint("net", i)), ID(fmt.Sprint("many", i)), [][]byte{ip4(1, 1, 1, 1, 1)}, at(time.Minute))
	}
	if len(b.rates) > maxRates {
		t.Errorf("%d sources remembered", len(b.rates))
	}
}

func places(b *Book, source string) (n int) {
	for _, e := range b.entries {
		if e.Source.Name == source {
			n++
		}
	}
	return n
}

// TestOneSourceReachesFewBuckets: an eighth of new at most.
func TestOneSourceReachesFewBuckets(t *testing.T) {
	b, _ := book(3, false)
	buckets := map[int]bool{}
	for i := range 20_000 {
		e := &Entry{ID: ID(fmt.Sprint(i)), Addrs: [][]byte{ip4(byte(i), byte(i>>8), byte(i>>12), 1, 1)}, Source: dht("liar")}
		buckets[b.freshPlace(e)/bucketSize] = true
	}
	if len(buckets) > 256/8 {
		t.Errorf("%d buckets", len(buckets))
	}
	tried := map[int]bool{}
	for i := range 1000 {
		tried[b.triedPlace(&Entry{ID: ID(fmt.Sprint(i)), Addrs: [][]byte{ip4(7, 7, byte(i), 1, 1)}})/bucketSize] = true
	}
	if len(tried) != 1 {
		t.Errorf("one network has %d buckets of tried", len(tried))
	}
}

func TestDropRules(t *testing.T) {
	b, _ := book(4, false)
	for i := range 100 {
		b.Hear(dht(fmt.Sprint("net", i%50)), ID(fmt.Sprint("p", i)), [][]byte{ip4(byte(i), 1, 1, 1, 1)}, noon)
	}
	b.Know(Contact, "friend", [][]byte{ip4(200, 1, 1, 1, 1)}, noon)
	before := b.Len()
	for i := range failsMost - 1 {
		b.Failed("p1", false, at(time.Duration(i)*time.Hour))
		b.Failed("friend", false, at(time.Duration(i)*time.Hour))
	}
	if _, ok := b.Get("p1"); !ok {
		t.Error("dropped too soon")
	}
	for range 50 {
		b.Failed("p2", true, at(time.Hour))
		b.Failed("friend", false, at(10*time.Hour))
	}
	b.Failed("p1", false, at(10*time.Hour))
	if _, ok := b.Get("p1"); ok {
		t.Error("kept after ten failures")
	}
	if _, ok := b.Get("p2"); !ok {
		t.Error("dropped for what the network explains")
	}
	for i := range failsMost {
		b.Failed("p3", false, at(time.Duration(i)*24*time.Hour))
	}
	if _, ok := b.Get("p3"); !ok {
		t.Error("ten failures in ten days are not ten in seven")
	}
	b.Expire(true, at(60*24*time.Hour))
	if b.Len() != before-1 {
		t.Error("a dark month drops peers")
	}
	b.Expire(false, at(60*24*time.Hour))
	if b.Len() != keepLast {
		t.Errorf("%d left, want the last %d", b.Len(), keepLast)
	}
	if e, ok := b.Get("friend"); !ok || e.Class != Contact {
		t.Error("a contact was dropped")
	}
}

// TestAnyHistory: whatever happens, tables and entries agree, contacts stay, sizes hold, and a record
// gives the same book.
func TestAnyHistory(t *testing.T) {
	for seed := range uint64(40) {
		b, rnd := book(seed, seed%2 == 0)
		now, contacts := noon, map[ID]bool{}
		for range 3000 {
			now = now.Add(time.Duration(rnd.Int64N(int64(5 * time.Minute))))
			id := ID(fmt.Sprint("p", rnd.IntN(900)))
			addr := [][]byte{ip4(byte(rnd.IntN(40)), byte(rnd.IntN(3)), 1, byte(rnd.IntN(250)), uint16(rnd.IntN(3)))}
			switch k := rnd.IntN(20); {
			case k < 8:
				src := dht(fmt.Sprint("net", rnd.IntN(30)))
				if rnd.IntN(4) == 0 {
					src.Class = Listed
				}
				b.Hear(src, id, addr, now)
			case k < 13:
				b.Good(id, addr, now)
			case k < 18:
				b.Failed(id, rnd.IntN(4) == 0, now)
			case k < 19:
				b.Useful(id, time.Duration(rnd.IntN(2))*time.Hour, now)
			case rnd.IntN(8) == 0:
				class := []Class{Contact, Named, Friend, LAN}[rnd.IntN(4)]
				if b.Know(class, id, addr, now); class.kept() {
					contacts[id] = true
				}
			default:
				b.Expire(rnd.IntN(2) == 0, now)
			}
		}
		check(t, seed, b, contacts)
		rec := b.Encode()
		back, err := Decode(rec, nil, rnd.IntN)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !bytes.Equal(back.Encode(), rec) {
			t.Fatalf("seed %d: a record gives another book", seed)
		}
		check(t, seed, back, contacts)
	}
}

func check(t *testing.T, seed uint64, b *Book, contacts map[ID]bool) {
	t.Helper()
	held := 0
	for _, tab := range []*table{&b.fresh, &b.tried} {
		for at, id := range tab.slots {
			if id == "" {
				continue
			}
			held++
			e := b.entries[id]
			if e == nil || e.place != at || (e.Class == Cached) != (tab == &b.tried) || e.Class < Cached || e.Class > Listed {
				t.Fatalf("seed %d: place %d holds %q: %+v", seed, at, id, e)
			}
		}
	}
	for id, e := range b.entries {
		if e.place >= 0 {
			held--
		} else if e.Class >= Cached && e.Class <= Listed {
			t.Fatalf("seed %d: %q of class %d stands nowhere", seed, id, e.Class)
		}
		if len(e.Addrs) > maxAddrs {
			t.Fatalf("seed %d: %d addresses", seed, len(e.Addrs))
		}
	}
	if held != 0 {
		t.Fatalf("seed %d: %d places too many", seed, held)
	}
	for id := range contacts {
		if e := b.entries[id]; e == nil || !e.Class.kept() {
			t.Fatalf("seed %d: contact %q is gone", seed, id)
		}
	}
	for old, heir := range b.tests {
		if b.entries[old] == nil || heir == "" {
			t.Fatalf("seed %d: a test of nobody", seed)
		}
	}
}

func FuzzDecode(f *testing.F) {
	b, rnd := book(9, true)
	f.Add(b.Encode())
	for i := range 40 {
		id := ID(fmt.Sprint("p", i))
		b.Hear(dht("net"), id, [][]byte{ip4(byte(i), 1, 1, 1, 1)}, noon)
		if i%3 == 0 {
			b.Good(id, nil, noon)
			b.Useful(id, 2*time.Hour, noon)
		}
	}
	b.Know(Contact, "friend", nil, noon)
	f.Add(b.Encode())
	f.Fuzz(func(t *testing.T, rec []byte) {
		b, err := Decode(rec, nil, rnd.IntN)
		if err != nil {
			return
		}
		check(t, 0, b, nil)
		if again, err := Decode(b.Encode(), nil, rnd.IntN); err != nil || !bytes.Equal(again.Encode(), b.Encode()) {
			t.Fatalf("%x: %v", rec, err)
		}
	})
}

func TestRecordFitsTheStore(t *testing.T) {
	b, _ := book(5, false)
	long := bytes.Repeat([]byte{7}, maxAddr-8)
	for i := range 20_000 {
		src := Source{Class: DHT, Name: fmt.Sprintf("%064d", i), Group: Group(fmt.Sprintf("%064d", i%1000))}
		addr := append(ip4(byte(i), byte(i>>8), 1, 1, 1), long...)
		b.Hear(src, ID(fmt.Sprintf("%064d", i)), [][]byte{addr, addr[:90], addr[:91], addr[:92]}, at(time.Duration(i)*time.Second))
	}
	b.Know(Contact, "friend", nil, noon)
	rec := b.Encode()
	if len(rec) > maxRecord || len(rec) < maxRecord/2 {
		t.Fatalf("%d bytes for %d entries", len(rec), b.Len())
	}
	back, err := Decode(rec, nil, func(int) int { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := back.Get("friend"); !ok {
		t.Error("the contact was left out")
	}
}

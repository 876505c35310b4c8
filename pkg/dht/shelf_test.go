package dht

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestShelf(t *testing.T) {
	s := Shelf{Self: ID{}, Max: 3}
	at := func(b byte) ID { return ID{b} }
	for i, b := range []byte{8, 4, 6} {
		if err := s.Put(fmt.Sprint(b), at(b), []byte{b}, 100, int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put("9", at(9), nil, 100, 5); !errors.Is(err, ErrFull) {
		t.Errorf("farther than all: %v", err)
	}
	if err := s.Put("8", at(8), []byte{1}, 200, 5); err != nil {
		t.Errorf("a newer one of what is kept: %v", err)
	}
	if err := s.Put("5", at(5), []byte{5}, 100, 5); err != nil {
		t.Error(err)
	}
	if _, ok := s.Get("8"); ok || len(s.Names()) != 3 {
		t.Errorf("kept %v", s.Names())
	}
	if err := s.Put("9", at(9), nil, 300, 150); err != nil || len(s.Names()) != 1 {
		t.Errorf("room once the others are out of their time: %v, %v", err, s.Names())
	}
}

// TestAllStrangers: strangers who each keep to their own quota have a limit together, and contacts do not share it.
func TestAllStrangers(t *testing.T) {
	var q Quota
	at, ok := time.Unix(now, 0), 0
	for i := range 3 * allPerSec {
		if q.Allow(PeerID(fmt.Sprint(i)), false, 10, false, at) {
			ok++
		}
	}
	if ok != allPerSec || !q.Allow("friend", false, 10, true, at) {
		t.Errorf("%d at once", ok)
	}
	if !q.Allow("late", false, 10, false, at.Add(time.Millisecond)) || q.Allow("later", false, 10, false, at) == q.Allow("latest", false, 10, false, at) {
		t.Error("time gives two a millisecond")
	}
}

func TestQuota(t *testing.T) {
	var q Quota
	at := time.Unix(now, 0)
	count := func(p PeerID, put bool, size int, contact bool, at time.Time) (n int) {
		for n < 10_000 && q.Allow(p, put, size, contact, at) {
			n++
		}
		return n
	}
	for _, c := range []struct {
		p       PeerID
		put     bool
		size    int
		contact bool
		want    int
	}{{"a", true, 100, false, 60}, {"a", false, 100, false, 600}, {"friend", true, 100, true, 600}, {"b", true, 100 << 10, false, 2}} {
		if got := count(c.p, c.put, c.size, c.contact, at); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if got := count("a", true, 1, false, at.Add(time.Minute)); got != 1 {
		t.Errorf("%d puts a minute later", got)
	}
	for i := range 3 * maxQuotas / 2 {
		q.Allow(PeerID(fmt.Sprint(i)), true, 1, false, at.Add(time.Hour))
	}
	if len(q.peers) > maxQuotas {
		t.Errorf("%d peers are kept count of", len(q.peers))
	}
}

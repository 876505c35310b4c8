package resource

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

func FuzzParseBudget(f *testing.F) {
	for _, s := range []string{"200MB/month", "40MiB/day", "200kB/h", "1K/d", "0/h", "99999999G/h", "-1/h", "5/year", "/h", "5kk/h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseBudget(s)
		if (err == nil) != (b.Bytes > 0) || err != nil && !errors.Is(err, wire.ErrInvalid) {
			t.Fatalf("%q: %+v %v", s, b, err)
		}
		if b.Bytes > maxBytes || b.Bytes > 0 && b.Per <= 0 {
			t.Fatalf("%q: %+v", s, b)
		}
	})
}

func TestParseBudget(t *testing.T) {
	for s, want := range map[string]Budget{"200MB/month": {200e6, month}, "200KB/h": {200e3, time.Hour}, "200kb/hour": {200e3, time.Hour},
		"40MiB/day": {40 << 20, day}, "1K/d": {1 << 10, day}, "7/h": {7, time.Hour}} {
		if b, err := ParseBudget(s); err != nil || b != want {
			t.Errorf("%s: %+v %v", s, b, err)
		}
	}
	for _, s := range []string{"", "200MB", "200MB/week", "0MB/h", "1.5MB/h", "MB/h", "9999999999G/h", "5xb/h"} {
		if _, err := ParseBudget(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func FuzzDecodeBucket(f *testing.F) {
	k := NewBucket(Budget{200e6, month}, noon)
	f.Add(k.Encode())
	k.Take(1e9, noon)
	f.Add(k.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := DecodeBucket(b)
		if err != nil {
			return
		}
		if !bytes.Equal(k.Encode(), b) {
			t.Fatalf("%x is another form of %x", b, k.Encode())
		}
		if float64(k.Left(noon)) > k.budget.capacity() {
			t.Fatal("more than a full bucket")
		}
	})
}

// TestBudgetHolds: whoever stops when the bucket is spent uses at most the budget and a day's share of
// it, whatever the times; restarts change nothing.
func TestBudgetHolds(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		b := Budget{200e6, month}
		k, now, used, spent := NewBucket(b, noon), noon, int64(0), false
		for now.Sub(noon) < month {
			now = now.Add(time.Duration(rnd.Int64N(int64(6 * time.Hour))))
			if spent = k.Spent(spent, now); !spent {
				n := min(rnd.Int64N(4e6), k.Left(now))
				k.Take(n, now)
				used += n
			}
			if rnd.IntN(5) == 0 {
				back, err := DecodeBucket(k.Encode())
				if err != nil || !back.Of(b) {
					t.Fatalf("seed %d: %v", seed, err)
				}
				k = back
			}
		}
		if most := float64(b.Bytes)*float64(now.Sub(noon))/float64(month) + b.capacity() + 1000; float64(used) > most {
			t.Fatalf("seed %d: %d bytes of %d used", seed, used, b.Bytes)
		}
		if used < b.Bytes*8/10 {
			t.Fatalf("seed %d: only %d bytes of %d could be used", seed, used, b.Bytes)
		}
	}
}

// TestSpread: a month is spread over its days, an hour is not.
func TestSpread(t *testing.T) {
	for b, want := range map[Budget]int64{{300e6, month}: 10e6, {40e6, day}: 40e6, {200e3, time.Hour}: 200e3} {
		k := NewBucket(b, noon)
		if left := k.Left(noon.Add(365 * day)); left != want {
			t.Errorf("%+v: %d at once, want %d", b, left, want)
		}
	}
}

func TestBucketDebt(t *testing.T) {
	k := NewBucket(Budget{1000, time.Hour}, noon)
	k.Take(1e12, noon) // a person sends a film
	if left := k.Left(noon); left != -1000 {
		t.Errorf("debt %d", left)
	}
	if !k.Spent(false, noon.Add(time.Hour)) || k.Spent(false, noon.Add(61*time.Minute)) {
		t.Error("the debt is not paid back in time")
	}
	if !k.Spent(true, noon.Add(61*time.Minute)) || k.Spent(true, noon.Add(67*time.Minute)) {
		t.Error("no distance between spent and not")
	}
	before := k.Left(noon.Add(2 * time.Hour))
	if k.Left(noon) > before {
		t.Error("a clock that goes back gives bytes")
	}
	var none Bucket
	if none.Take(1e12, noon); none.Spent(false, noon) {
		t.Error("no budget is spent")
	}
}

func TestMeter(t *testing.T) {
	var m Meter
	for i := range 120 { // two a minute, three seconds each
		m.Add(10, noon.Add(time.Duration(i)*30*time.Second))
		m.Add(10, noon.Add(time.Duration(i)*30*time.Second+3*time.Second))
	}
	if b, w := m.Hour(noon.Add(59*time.Minute + 59*time.Second)); b != 2400 || w != 120 {
		t.Errorf("%d bytes, %d wake-ups", b, w)
	}
	if b, w := m.Hour(noon.Add(89 * time.Minute)); b != 1200 || w != 60 {
		t.Errorf("half an hour later %d bytes, %d wake-ups", b, w)
	}
	if b, w := m.Hour(noon.Add(48 * time.Hour)); b != 0 || w != 0 || m.Today(noon.Add(48*time.Hour)) != 0 || m.Total() != 2400 {
		t.Error("the past is not forgotten")
	}
	m.Add(5, noon) // the clock went back
	if b, w := m.Hour(noon.Add(48 * time.Hour)); b != 5 || w != 1 {
		t.Errorf("after the clock went back %d, %d", b, w)
	}
	var busy Meter
	for i := range 3600 {
		busy.Add(1, noon.Add(time.Duration(i)*time.Second))
	}
	if _, w := busy.Hour(noon.Add(59*time.Minute + 59*time.Second)); w != 720 {
		t.Errorf("one who never sleeps wakes %d times an hour", w)
	}
}

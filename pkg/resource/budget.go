package resource

import (
	"strconv"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// Budget is how many bytes may be used in a time. The zero value is none.
type Budget struct {
	Bytes int64
	Per   time.Duration
}

const (
	day      = 24 * time.Hour
	month    = 30 * day
	maxBytes = 1 << 50
)

// ParseBudget reads sizes as 200MB/month, 40MiB/day or 200kB/h: K, M, G and KiB, MiB, GiB count by 1024;
// kB, MB, GB in any case by 1000.
func ParseBudget(s string) (b Budget, err error) {
	size, per, ok := strings.Cut(s, "/")
	switch strings.ToLower(per) {
	case "h", "hour":
		b.Per = time.Hour
	case "d", "day":
		b.Per = day
	case "month":
		b.Per = month
	default:
		ok = false
	}
	if ok {
		b.Bytes, ok = parseSize(size)
	}
	if !ok {
		return Budget{}, wire.Invalid("budget %q: a size by a time is needed, such as 200MB/month, 40MB/day or 200kB/h", s)
	}
	return b, nil
}

// parseSize reads a number of bytes with its unit.
func parseSize(s string) (int64, bool) {
	digits := strings.TrimRight(s, "kKmMgGiIbB")
	n, err := strconv.ParseUint(digits, 10, 50)
	if err != nil || n == 0 {
		return 0, false
	}
	unit := map[string]int64{"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
		"kb": 1e3, "mb": 1e6, "gb": 1e9}[strings.ToLower(s[len(digits):])]
	if unit == 0 || n > uint64(maxBytes/unit) {
		return 0, false
	}
	return int64(n) * unit, true
}

// capacity is what may be used at once: a month is spread over its days.
func (b Budget) capacity() float64 {
	if b.Per <= day {
		return float64(b.Bytes)
	}
	return float64(b.Bytes) * float64(day) / float64(b.Per)
}

// Bucket holds what is left of a Budget. It fills evenly, at most to the share of a day or, when the
// budget is for less, to all of it. What a person sends is taken even when nothing is left, and paid
// back: at most the budget itself. The zero value is not limited. Not safe for concurrent use.
type Bucket struct {
	budget Budget
	level  float64
	last   time.Time
}

// NewBucket returns the full bucket of a budget.
func NewBucket(b Budget, now time.Time) Bucket {
	return Bucket{budget: b, level: b.capacity(), last: now}
}

// Limited reports whether there is a budget at all.
func (k *Bucket) Limited() bool { return k.budget.Bytes > 0 }

// fill lets time run. A clock that goes back gives nothing.
func (k *Bucket) fill(now time.Time) {
	if d := now.Sub(k.last); d > 0 && k.Limited() {
		k.level = min(k.budget.capacity(), k.level+float64(k.budget.Bytes)*float64(d)/float64(k.budget.Per))
	}
	k.last = now
}

// Take uses n bytes.
func (k *Bucket) Take(n int64, now time.Time) {
	if !k.Limited() {
		return
	}
	k.fill(now)
	k.level = max(k.level-float64(n), -float64(k.budget.Bytes))
}

// Left returns how many bytes may be used now, negative when more was used than there was.
func (k *Bucket) Left(now time.Time) int64 {
	k.fill(now)
	return int64(k.level)
}

// Spent reports whether nothing is left, or after it was so not yet a tenth again.
func (k *Bucket) Spent(was bool, now time.Time) bool {
	if !k.Limited() {
		return false
	}
	k.fill(now)
	if was {
		return k.level < k.budget.capacity()/10
	}
	return k.level <= 0
}

// Encode writes the bucket, so that a restart is no new budget.
func (k *Bucket) Encode() []byte {
	b := wire.AppendArray(nil, 4)
	for _, v := range []int64{k.budget.Bytes, int64(k.budget.Per / time.Second), int64(k.level), k.last.Unix()} {
		b = wire.AppendUint(b, wire.Zigzag(v))
	}
	return b
}

// DecodeBucket reads what Encode wrote. The bucket of another budget is none of this one: the caller
// compares with Of.
func DecodeBucket(b []byte) (k Bucket, err error) {
	d := wire.NewDecoder(b)
	if d.Array(4) != 4 {
		d.Fail(wire.Invalid("bucket"))
	}
	var v [4]int64
	for i := range v {
		v[i] = wire.Unzigzag(d.Uint(1 << 62))
	}
	if err := d.End(); err != nil {
		return Bucket{}, err
	}
	k = Bucket{budget: Budget{v[0], time.Duration(v[1]) * time.Second}, level: float64(v[2]), last: time.Unix(v[3], 0)}
	bad := v[0] < 0 || v[0] > maxBytes || v[1] < 0 || v[1] > int64(month/time.Second) || (v[0] > 0) != (v[1] > 0)
	if bad || k.level > k.budget.capacity() || k.level < -float64(v[0]) || v[2] < -maxBytes {
		return Bucket{}, wire.Invalid("bucket out of bounds")
	}
	return k, nil
}

// Of reports whether this is the bucket of b.
func (k *Bucket) Of(b Budget) bool { return k.budget == b }

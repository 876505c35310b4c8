package bundle

import "fmt"

// Limits of windows and files.
const (
	maxWindow = 3456 // sectors
	maxData   = 3200
	plainData = 512  // without parity a large window is of no use, and a small one stays in the cache
	maxParity = 2048 // so that mending one window takes at most 4,096 work sectors
	maxFile   = 1 << 40
	minParity = 2

	bucketLeast = 65536
	whole       = 10000 // what a rate is a part of
)

func validPrefix(n int) bool { return n == 1 || n == 2 || n == 4 || n == 8 || n == 16 }

// layout says how a body is laid out in windows of sectors.
type layout struct {
	prefix  int   // sectors of the prefix, which stands twice
	windows int64 // number of windows
	data    int64 // data sectors in all
	all     int64 // data and parity sectors in all
	body    int64 // bytes of the body
}

// layoutOf lays out a body. rate is parity in ten-thousandths of data; with bucket the file is filled with parity up to the
// next 65,536 × 4^i bytes.
func layoutOf(body int64, prefix int, rate int64, bucket bool) (layout, error) {
	l := layout{prefix: prefix, body: body, data: (body + sectorBody - 1) / sectorBody}
	if body <= 0 || body > maxFile {
		return l, fmt.Errorf("a body of %d bytes: %w", body, ErrLimit)
	}
	if rate > 0 {
		l.windows = ceilDiv(l.data, min(maxData, maxWindow*whole/(whole+rate)))
		per := ceilDiv(l.data, l.windows)
		for parityFor(per, rate)+per > maxWindow || parityFor(per, rate) > maxParity {
			l.windows++
			per = ceilDiv(l.data, l.windows)
		}
		l.all = l.data + l.windows*parityFor(per, rate)
	} else {
		l.windows, l.all = ceilDiv(l.data, plainData), l.data
	}
	if bucket {
		size := int64(bucketLeast)
		for size < (l.all+2*int64(prefix))*SectorSize {
			size *= 4
		}
		l.all = size/SectorSize - 2*int64(prefix)
		for l.windows = 1; !l.fits(); {
			l.windows = max(l.windows+1, ceilDiv(l.all, maxWindow))
		}
	}
	if l.size() > maxFile {
		return l, fmt.Errorf("a file of %d bytes: %w", l.size(), ErrLimit)
	}
	return l, nil
}

// parityFor is how many parity sectors a window of n data sectors has.
func parityFor(n, rate int64) int64 {
	return max(minParity, ceilDiv(n*rate, whole))
}

func (l *layout) fits() bool {
	d, a := ceilDiv(l.data, l.windows), ceilDiv(l.all, l.windows)
	return a <= maxWindow && d <= maxData && ceilDiv(l.all-l.data, l.windows)+1 <= maxParity
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

// share is the part of n that falls to window w of all, first ones larger.
func (l *layout) share(n, w int64) (count, before int64) {
	q, r := n/l.windows, n%l.windows
	count, before = q, q*w+min(w, r)
	if w < r {
		count++
	}
	return count, before
}

func (l *layout) size() int64 { return (l.all + 2*int64(l.prefix)) * SectorSize }

// window returns the shape of window w.
func (l *layout) window(w int64, bridged bool, ends [2]endSum) shape {
	data, before := l.share(l.data, w)
	parity, _ := l.share(l.all-l.data, l.windows-1-w) // larger where data is smaller
	p := shape{data: int(data), parity: int(parity), used: sectorBody, offset: before * sectorBody, bridged: bridged, prefix: l.prefix, ends: ends}
	if w == l.windows-1 {
		p.last = true
		p.used = int(l.body - (l.data-1)*sectorBody)
	}
	return p
}

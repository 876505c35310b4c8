package bundle

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// sectors writes the sealed or open form.
func (p *packer) sectors(w io.Writer, src Source, form string, prefix int) error {
	bridge := p.o.bridge(form, prefix)
	l, err := layoutOf(p.out.Content+bridge, prefix, int64(p.o.Parity), p.o.Bucket && form == FormSealed)
	if err != nil {
		return err
	}
	if p.out.Size = l.size(); p.o.Limit > 0 && p.out.Size > p.o.Limit {
		return fmt.Errorf("%d bytes, %d are allowed: %w", p.out.Size, p.o.Limit, ErrLimit)
	}
	f, salts, err := p.draw(form, int64(prefix), l.windows, l.data, l.all)
	if err != nil {
		return err
	}
	k := keysOf(f)
	if form == FormOpen {
		copy(salts[front][:], openMagic)
		k = openKeys(salts[front])
	}
	p.out.Courier, p.out.Key = k.sector, f
	var ends [2][]byte
	for i := range ends {
		if ends[i], err = prefixOf(k, &p.o.To, prefix, i, salts[i]); err != nil {
			return err
		}
	}
	if form == FormOpen {
		ends[tail] = ends[front]
	}
	if _, err := w.Write(ends[front]); err != nil {
		return err
	}
	ww := newWindowWriter(w, k, l, bridge > 0, [2]endSum{sumEnd(ends[front]), sumEnd(ends[tail])})
	if bridge > 0 {
		_, err = ww.Write(bridgeOf(ends[front], ends[tail]))
	}
	if err == nil {
		err = p.body(ww, src)
	}
	if err == nil {
		err = ww.close()
	}
	if werr := ww.wait(); werr != nil || err != nil {
		return errors.Join(err, werr)
	}
	_, err = w.Write(ends[tail])
	return err
}

// bridge is how many bytes stand before the chunks so that a lost copy of the slots can be made of the other one. Without
// parity nothing is mended.
func (o *Options) bridge(form string, prefix int) int64 {
	if form != FormSealed || o.Parity == 0 && !o.Bucket {
		return 0
	}
	return int64(prefix) * sectorBody
}

// windowWriter fills windows with the body. A full one is sealed and written while the next is filled.
type windowWriter struct {
	w     io.Writer
	pool  *pool
	code  code
	l     layout
	first shape // what all windows share
	at    int64 // number of the window that is filled
	shape shape
	buf   []byte // its sectors
	have  int    // bytes of body in it

	spare   []byte     // sectors of the window before it
	sealing chan error // of that window; nil when none is under way
}

func newWindowWriter(w io.Writer, k *fileKeys, l layout, bridged bool, ends [2]endSum) *windowWriter {
	ww := &windowWriter{w: w, pool: newPool(k), l: l, first: shape{bridged: bridged, ends: ends}}
	ww.next()
	return ww
}

func (ww *windowWriter) next() {
	ww.shape, ww.have = ww.l.window(ww.at, ww.first.bridged, ww.first.ends), 0
	n := (ww.shape.data + ww.shape.parity) * SectorSize
	if cap(ww.buf) < n {
		ww.buf = make([]byte, n)
	}
	ww.buf = ww.buf[:n]
}

// Write takes the next bytes of the body.
func (ww *windowWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i, off := ww.have/sectorBody, ww.have%sectorBody
		if i == ww.shape.data {
			if err := ww.flush(); err != nil {
				return 0, err
			}
			continue
		}
		c := copy(ww.buf[i*SectorSize+off:i*SectorSize+sectorBody], p)
		p, ww.have = p[c:], ww.have+c
	}
	return n, nil
}

func (ww *windowWriter) flush() error {
	if ww.at >= ww.l.windows {
		return errChanged
	}
	if err := ww.wait(); err != nil {
		return err
	}
	s, n, buf, done := ww.shape, uint32(ww.at), ww.buf, make(chan error, 1)
	ww.sealing, ww.buf, ww.spare = done, ww.spare, ww.buf
	go func() {
		err := sealWindow(ww.pool, &ww.code, s, n, buf)
		if err == nil {
			_, err = ww.w.Write(buf)
		}
		done <- err
	}()
	if ww.at++; ww.at < ww.l.windows {
		ww.next()
	}
	return nil
}

// wait returns when no window is sealed any more.
func (ww *windowWriter) wait() error {
	if ww.sealing == nil {
		return nil
	}
	err := <-ww.sealing
	ww.sealing = nil
	return err
}

// close writes the last window, whose rest is filled with zeros.
func (ww *windowWriter) close() error {
	if ww.at != ww.l.windows-1 || ww.have != (ww.shape.data-1)*sectorBody+ww.shape.used {
		return errChanged
	}
	last := ww.buf[(ww.shape.data-1)*SectorSize:]
	clear(last[ww.shape.used:sectorBody])
	return errors.Join(ww.flush(), ww.wait())
}

func bodies(buf []byte, n int) [][]byte {
	shards := make([][]byte, n)
	for i := range shards {
		shards[i] = buf[i*SectorSize : i*SectorSize+sectorBody : i*SectorSize+sectorBody]
	}
	return shards
}

// sealWindow encrypts the data bodies in buf, adds parity and finishes all sectors.
func sealWindow(p *pool, c *code, s shape, window uint32, buf []byte) error {
	all := bodies(buf, s.data+s.parity)
	p.each(s.data, func(sl *sealer, i int) { sl.data(s, all[i], window, i) })
	if err := c.encode(s, all); err != nil {
		return err
	}
	p.each(len(all), func(sl *sealer, i int) {
		sl.finish(buf[i*SectorSize:(i+1)*SectorSize], s.info(window, i))
	})
	return nil
}

// pool is a sealer for each core.
type pool struct{ sealers []*sealer }

func newPool(k *fileKeys) *pool {
	p := &pool{}
	for range cores() {
		p.sealers = append(p.sealers, newSealer(k))
	}
	return p
}

// eachStep is how many sectors a core takes at once.
const eachStep = 32

// each calls f for 0 to n-1, on all cores, and returns when all calls have.
func (p *pool) each(n int, f func(*sealer, int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for _, s := range p.sealers[:min(len(p.sealers), n/eachStep+1)] {
		wg.Go(func() {
			for lo := int(next.Add(eachStep)) - eachStep; lo < n; lo = int(next.Add(eachStep)) - eachStep {
				for i := lo; i < min(lo+eachStep, n); i++ {
					f(s, i)
				}
			}
		})
	}
	wg.Wait()
}

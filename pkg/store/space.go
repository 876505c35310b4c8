package store

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	prefixSize = 5 // table, group
	sealed     = 0x01
	nonceSize  = 24
	// Overhead is what sealing adds to a record: version, nonce, tag.
	Overhead = 1 + nonceSize + 16
)

// Space is the records of one group under one key. It is safe for concurrent use.
type Space struct {
	s     *Store
	group uint32
	aead  cipher.AEAD
	only  Table // 0: every table
}

func (sp *Space) prefix(t Table) [prefixSize]byte {
	p := [prefixSize]byte{byte(t)}
	binary.BigEndian.PutUint32(p[1:], sp.group)
	return p
}

// key writes table ‖ group ‖ rest to the front of buf.
func (sp *Space) key(buf []byte, t Table, rest []byte) []byte {
	p := sp.prefix(t)
	copy(buf, p[:])
	copy(buf[prefixSize:], rest)
	return buf[: prefixSize+len(rest) : prefixSize+len(rest)]
}

// check says whether a record of table t may stand here.
func (sp *Space) check(t Table, rest []byte, clear bool) error {
	switch {
	case clear != (t == TableIndex), sp.only != 0 && t != sp.only:
		return fmt.Errorf("table %c: %w", t, ErrMisuse)
	case len(rest) > MaxRest:
		return fmt.Errorf("table %c: key of %d bytes: %w", t, len(rest), ErrTooBig)
	}
	return nil
}

// Put adds a sealed record to b. Different batches may be filled at the same time. A failure is told by Commit.
func (sp *Space) Put(b *Batch, t Table, rest, plain []byte) {
	if err := sp.check(t, rest, false); err != nil {
		b.fail(err)
		return
	}
	kn := prefixSize + len(rest)
	buf := b.alloc(kn + Overhead + len(plain))
	k, v := sp.key(buf, t, rest), buf[kn:]
	v[0] = sealed
	nonce := v[1 : 1+nonceSize]
	if _, err := io.ReadFull(sp.s.rand, nonce); err != nil {
		b.fail(fmt.Errorf("seal record: %w", err))
		return
	}
	b.ad = appendAD(b.ad[:0], k)
	sp.aead.Seal(v[:1+nonceSize], nonce, plain, b.ad)
	b.add(k, v)
}

// appendAD binds a record to its place: table ‖ whole key ‖ version.
func appendAD(dst, key []byte) []byte {
	return append(append(append(dst, key[0]), key...), sealed)
}

// PutClear adds a record of TableIndex: a number that says nothing and is checked after the look-up.
func (sp *Space) PutClear(b *Batch, t Table, rest, value []byte) {
	if err := sp.check(t, rest, true); err != nil {
		b.fail(err)
		return
	}
	kn := prefixSize + len(rest)
	buf := b.alloc(kn + len(value))
	copy(buf[kn:], value)
	b.add(sp.key(buf, t, rest), buf[kn:])
}

// Delete removes a record; that it was there is not asked.
func (sp *Space) Delete(b *Batch, t Table, rest []byte) {
	if err := sp.check(t, rest, t == TableIndex); err != nil {
		b.fail(err)
		return
	}
	b.add(sp.key(b.alloc(prefixSize+len(rest)), t, rest), nil)
}

// Get returns the record, ErrNotFound, or an error that Is ErrCorrupt.
func (sp *Space) Get(t Table, rest []byte) ([]byte, error) {
	k := sp.key(make([]byte, prefixSize+len(rest)), t, rest)
	v, err := sp.s.engine.Get(k)
	if err != nil || t == TableIndex {
		return v, err
	}
	if len(v) < Overhead {
		return nil, CorruptError{t}
	}
	return sp.open(v[1+nonceSize:1+nonceSize], k, v, nil) // the engine's copy is ours: in place
}

// open appends the plain text to dst; ad is scratch.
func (sp *Space) open(dst, k, v, ad []byte) ([]byte, error) {
	if len(v) < Overhead || v[0] != sealed {
		return nil, CorruptError{Table(k[0])}
	}
	out, err := sp.aead.Open(dst, v[1:1+nonceSize], v[1+nonceSize:], appendAD(ad, k))
	if err != nil {
		return nil, CorruptError{Table(k[0])}
	}
	return out, nil
}

// Scan calls fn for each record of the table in ascending order of rest, from the rest from on, until fn returns
// false. A record that does not open comes with err and a nil plain; none is skipped. rest and plain are valid only
// during fn.
func (sp *Space) Scan(t Table, from []byte, fn func(rest, plain []byte, err error) bool) error {
	p := sp.prefix(t)
	start := append(p[:prefixSize:prefixSize], from...)
	var plain []byte
	ad := make([]byte, 0, 2+prefixSize+MaxRest)
	return sp.s.engine.Scan(p[:], start, func(k, v []byte) bool {
		if t == TableIndex {
			return fn(k[prefixSize:], v, nil)
		}
		out, err := sp.open(plain[:0], k, v, ad)
		if err == nil {
			plain = out
		}
		return fn(k[prefixSize:], out, err)
	})
}

// Name hides a looked-up name in a key: HMAC-SHA-256(K_index, table ‖ name), 16 bytes.
func (sp *Space) Name(t Table, name []byte) []byte {
	h := hmac.New(sha256.New, sp.s.index)
	h.Write([]byte{byte(t)})
	h.Write(name)
	return h.Sum(nil)[:16]
}

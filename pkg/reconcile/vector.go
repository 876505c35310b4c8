package reconcile

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/dchest/siphash"

	"github.com/pars-network/pars/pkg/wire"
)

// Author says how far one author's chain goes in a log: Next vertices up to the one with id Tip, or up
// to the last before its first fork.
type Author struct {
	Key    [32]byte
	Next   uint64
	Tip    [32]byte
	Forked bool
}

// syncKey is a 16-byte SipHash key under a session's sync secret.
func syncKey(secret [32]byte, label string) (k [16]byte) {
	out, err := hkdf.Expand(sha256.New, secret[:], label, len(k))
	if err == nil {
		copy(k[:], out)
	}
	return k
}

// IDKey returns the key of short ids on the streams of a session with that sync secret.
func IDKey(secret [32]byte) [16]byte { return syncKey(secret, wire.LabelSyncID) }

// tagOf names an author to members only; strangers cannot craft collisions.
func tagOf(k [16]byte, key [32]byte) uint64 {
	return siphash.Hash(binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:]), key[:])
}

// entry is one author in a vector: tag ‖ uv(2·next + fork) ‖ first bytes of the tip. Tag and check are
// of 3 bytes each, so that an author costs 8; where two tags collide, of 8 and 4. A check that fits by
// chance or by grinding is found by the heads.
type entry struct {
	tag    uint64 // left-aligned
	next   uint64
	forked bool
	check  [4]byte
	author int // place in the list it was made of; -1 when it came from a peer
}

// narrowShift leaves the three bytes of a narrow tag.
const narrowShift = 40

// vectorOf lists the authors by tag and reports whether narrow tags collide, so that wide are needed.
func vectorOf(k [16]byte, authors []Author) (entries []entry, wide bool) {
	for i, a := range authors {
		e := entry{tag: tagOf(k, a.Key), next: a.Next, forked: a.Forked, author: i}
		copy(e.check[:], a.Tip[:4])
		if a.Next == 0 {
			e.check = [4]byte{}
		}
		entries = append(entries, e)
	}
	sortByTag(entries)
	for i := 1; i < len(entries); i++ {
		wide = wide || entries[i].tag>>narrowShift == entries[i-1].tag>>narrowShift
	}
	return entries, wide
}

func sortByTag(es []entry) {
	slices.SortFunc(es, func(a, b entry) int {
		if a.tag < b.tag {
			return -1
		}
		return int(flag(a.tag > b.tag))
	})
}

// widths returns how many bytes tag and check take.
func widths(wide bool) (tag, check int) {
	if wide {
		return 8, 4
	}
	return 3, 3
}

func appendEntry(b []byte, e entry, wide bool) []byte {
	tag, check := widths(wide)
	full := binary.BigEndian.AppendUint64(nil, e.tag)
	b = append(b, full[:tag]...)
	b = wire.AppendUvarint(b, 2*e.next+flag(e.forked))
	return append(b, e.check[:check]...)
}

// pages cuts entries into messages.
func pages(session uint64, entries []entry, wide bool) (out []Frame) {
	m := vector{Session: session, Wide: wide}
	for _, e := range entries {
		if len(m.Entries) > maxEntries-32 {
			m.More = true
			out = append(out, m.frame())
			m = vector{Session: session, Wide: wide}
		}
		m.Entries = appendEntry(m.Entries, e, wide)
	}
	return append(out, m.frame())
}

// readEntries reads one page; tags ascend, and a number is at most 2^41.
func readEntries(b []byte, wide bool) (out []entry, err error) {
	r := wire.NewReader(b)
	tag, check := widths(wide)
	last := uint64(0)
	for r.Len() > 0 && r.Err() == nil {
		e := entry{author: -1}
		var full [8]byte
		copy(full[:], r.Take(tag))
		e.tag = binary.BigEndian.Uint64(full[:])
		v := r.Uvarint(1<<42 - 1)
		e.next, e.forked = v/2, v%2 == 1
		copy(e.check[:], r.Take(check))
		if len(out) > 0 && e.tag < last {
			r.Fail(wire.Invalid("tags not ascending"))
		}
		last = e.tag
		out = append(out, e)
	}
	return out, r.End()
}

// owed compares our vector with the other side's: for each author how far the other is known to have
// it, and which authors a vector cannot settle.
type owed struct {
	author int
	from   uint64
}

// compare returns what to send and the authors to be settled by the next rung. at returns the id of our
// vertex of an author and seq before any fork.
func compare(mine, theirs []entry, wide bool, at func(author int, seq uint64) ([32]byte, bool)) (send []owed, marked []int) {
	group := func(tag uint64) uint64 {
		if wide {
			return tag
		}
		return tag >> narrowShift
	}
	_, width := widths(wide)
	count := map[uint64]int{}
	by := make(map[uint64]entry, len(theirs))
	for _, e := range theirs {
		by[group(e.tag)] = e
	}
	for _, e := range mine {
		count[group(e.tag)]++
	}
	for _, e := range mine {
		t, ok := by[group(e.tag)]
		switch {
		case !ok:
			send = append(send, owed{e.author, 0})
		case count[group(e.tag)] > 1 || e.forked || t.forked:
			marked = append(marked, e.author)
		case t.next >= e.next:
			// they are as far or further; a check can only be made by the side that has the vertex
			if t.next == e.next && !bytes.Equal(t.check[:width], e.check[:width]) {
				marked = append(marked, e.author)
			}
		case t.next == 0:
			send = append(send, owed{e.author, 0})
		default:
			if id, ok := at(e.author, t.next-1); ok && bytes.Equal(id[:width], t.check[:width]) {
				send = append(send, owed{e.author, t.next})
			} else {
				marked = append(marked, e.author)
			}
		}
	}
	return send, marked
}

package bundle

import (
	"bytes"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/chacha20"

	"crypto/hkdf"
	"crypto/sha256"

	"github.com/dchest/siphash"

	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// A have-digest says in about 8 bytes an author how far a home has each log, so that the next bundle holds what is
// missing and nothing else. It is a claim: it serves one pack. Only members of a session see whose it is.
//
//	version 1 ‖ flags ‖ created u32 hours ‖ nonce[8] ‖ sections: tag[8] ‖ length u16 ‖ content

// MaxHave is the largest digest in bytes.
const MaxHave = 64 << 10

const (
	haveVersion = 1
	havePartial = 1 << 0
	haveHead    = 1 + 1 + 4 + 8
	maxWanted   = 32
	maxCells    = 2048
)

// HaveSession is what a digest is made of for one session.
type HaveSession struct {
	Secret  [32]byte // the session's sync secret
	Authors []reconcile.Author
	Wanted  [][32]byte // ids of what is missing below others; at most 32 are told
}

// Have is a digest.
type Have struct {
	Created uint32 // hours since 1970
	Nonce   [8]byte
	// Partial says that an author who is not named may be held all the same.
	Partial bool
	// sections by tag; the zero tag is the sketch of the shelf
	sections map[[8]byte][]byte
}

// haveKeys are tag, stream key and author key of a session in one digest.
func haveKeys(secret [32]byte, nonce [8]byte) (tag [8]byte, stream, author []byte) {
	out, err := hkdf.Key(sha256.New, secret[:], nonce[:], wire.LabelHave, 56)
	if err != nil {
		panic("bundle: " + err.Error())
	}
	copy(tag[:], out)
	return tag, out[8:40], out[40:]
}

func cryptHave(stream, b []byte) {
	if c, err := chacha20.NewUnauthenticatedCipher(stream, make([]byte, 12)); err == nil {
		c.XORKeyStream(b, b)
	}
}

// narrow is the 3-byte name of an author in one digest.
func narrow(k []byte, author [32]byte) uint32 {
	return uint32(siphash.Hash(binary.LittleEndian.Uint64(k), binary.LittleEndian.Uint64(k[8:]), author[:]) >> 40)
}

type haveEntry struct {
	tag    uint32
	next   uint64
	forked bool
	check  [3]byte
}

// EncodeHave makes a digest of sessions and, with cells above 0, of the records on the shelf. What does not fit
// MaxHave, and authors whose names collide, are left out, and it is partial.
func EncodeHave(created uint32, nonce [8]byte, sessions []HaveSession, shelf [][32]byte, cells int) []byte {
	b := binary.BigEndian.AppendUint32([]byte{haveVersion, 0}, created)
	b = append(b, nonce[:]...)
	for i := range sessions {
		s := &sessions[i]
		tag, stream, author := haveKeys(s.Secret, nonce)
		content, cut := haveContent(s, author, MaxHave-len(b)-10)
		if content == nil {
			b[1] |= havePartial
			continue
		}
		if cut {
			b[1] |= havePartial
		}
		cryptHave(stream, content)
		b = binary.BigEndian.AppendUint16(append(b, tag[:]...), uint16(len(content)))
		b = append(b, content...)
	}
	if cells > 0 && len(shelf) > 0 {
		content := shelfCells(nonce, shelf, min(cells, maxCells))
		if len(b)+10+len(content) <= MaxHave {
			b = binary.BigEndian.AppendUint16(append(b, make([]byte, 8)...), uint16(len(content)))
			b = append(b, content...)
		}
	}
	return b
}

// haveContent is uv n ‖ entries ‖ wanted, in at most room bytes; nil when not even the count fits.
func haveContent(s *HaveSession, author []byte, room int) (content []byte, cut bool) {
	count := map[uint32]int{}
	for _, a := range s.Authors {
		count[narrow(author, a.Key)]++
	}
	var entries []haveEntry
	for _, a := range s.Authors {
		e := haveEntry{tag: narrow(author, a.Key), next: a.Next, forked: a.Forked}
		if count[e.tag] > 1 {
			cut = true
			continue
		}
		if a.Next > 0 {
			copy(e.check[:], a.Tip[:])
		}
		entries = append(entries, e)
	}
	wanted := s.Wanted[:min(len(s.Wanted), maxWanted)]
	for most := min(room, 1<<16-1) - 3 - 8*len(wanted); len(entries) > 0 && 12*len(entries) > most && haveSize(entries) > most; {
		cut = true
		entries = entries[:len(entries)*15/16]
	}
	if room < 64 {
		return nil, true
	}
	slices.SortFunc(entries, func(a, b haveEntry) int { return int(int64(a.tag) - int64(b.tag)) })
	b := wire.AppendUvarint(nil, uint64(len(entries)))
	for _, e := range entries {
		b = append(b, byte(e.tag>>16), byte(e.tag>>8), byte(e.tag))
		v := 2 * e.next
		if e.forked {
			v++
		}
		b = append(wire.AppendUvarint(b, v), e.check[:]...)
	}
	for _, w := range wanted {
		b = append(b, w[:8]...)
	}
	return b, cut
}

func haveSize(entries []haveEntry) (n int) {
	for _, e := range entries {
		n += 6 + wire.UvarintLen(2*e.next+1)
	}
	return n
}

// DecodeHave reads a digest. Its sections are read by For and Shelf.
func DecodeHave(b []byte) (*Have, error) {
	if len(b) > MaxHave {
		return nil, refuse(BadSize, "have-digest of %d bytes", len(b))
	}
	r := wire.NewReader(b)
	v, flags := r.Byte(), r.Byte()
	h := &Have{Created: r.Uint32(), Partial: flags&havePartial != 0, sections: map[[8]byte][]byte{}}
	copy(h.Nonce[:], r.Take(8))
	for r.Len() > 0 && r.Err() == nil {
		var tag [8]byte
		copy(tag[:], r.Take(8))
		if _, twice := h.sections[tag]; twice {
			r.Fail(wire.Invalid("a section stands twice"))
		}
		h.sections[tag] = r.Take(int(r.Uint16()))
	}
	switch {
	case r.Err() != nil:
		return nil, refuse(BadCanonical, "have-digest: %v", r.Err())
	case v != haveVersion:
		return nil, refuse(BadVersion, "have-digest %d", v)
	case flags&^havePartial != 0:
		return nil, refuse(BadCanonical, "have-digest flags %#x", flags)
	}
	return h, nil
}

// HaveView is what a digest says of one session.
type HaveView struct {
	Wanted  [][8]byte // beginnings of ids
	author  []byte
	entries []haveEntry
}

// For opens the section of a session; nil when it has none.
func (h *Have) For(secret [32]byte) (*HaveView, error) {
	tag, stream, author := haveKeys(secret, h.Nonce)
	sealed, ok := h.sections[tag]
	if !ok {
		return nil, nil
	}
	b := bytes.Clone(sealed)
	cryptHave(stream, b)
	r := wire.NewReader(b)
	v := &HaveView{author: author}
	n := r.Uvarint(MaxHave / 7)
	if r.Err() == nil && n > uint64(r.Len()/7) {
		r.Fail(wire.ErrShort)
	}
	for ; n > 0 && r.Err() == nil; n-- {
		t := r.Take(3)
		if r.Err() != nil {
			break
		}
		e := haveEntry{tag: uint32(t[0])<<16 | uint32(t[1])<<8 | uint32(t[2])}
		x := r.Uvarint(1<<42 - 1)
		e.next, e.forked = x/2, x%2 == 1
		copy(e.check[:], r.Take(3))
		if k := len(v.entries); k > 0 && v.entries[k-1].tag >= e.tag {
			r.Fail(wire.Invalid("authors not ascending"))
		}
		v.entries = append(v.entries, e)
	}
	for r.Err() == nil && r.Len() > 0 && len(v.Wanted) < maxWanted {
		var w [8]byte
		copy(w[:], r.Take(8))
		v.Wanted = append(v.Wanted, w)
	}
	if err := r.End(); err != nil {
		return nil, refuse(BadCanonical, "have-digest of a session: %v", err)
	}
	return v, nil
}

// Next returns the seq from which on an author's vertices are missing there. at tells our vertex of the author and a
// seq before any fork: where what is claimed does not fit ours, or either side shows a fork, all of the author goes.
func (v *HaveView) Next(author sig.Public, forked bool, at func(seq uint64) ([32]byte, bool)) uint64 {
	tag := narrow(v.author, author)
	i, ok := slices.BinarySearchFunc(v.entries, tag, func(e haveEntry, t uint32) int { return int(int64(e.tag) - int64(t)) })
	if !ok || forked {
		return 0
	}
	e := v.entries[i]
	if e.forked || e.next == 0 {
		return 0
	}
	id, held := at(e.next - 1)
	if held && !bytes.Equal(id[:3], e.check[:]) {
		return 0
	}
	return e.next
}

// shelfKey keys the symbols of the sketch: the nonce makes them others in each digest.
func shelfKey(nonce [8]byte) (k [16]byte) {
	m := mac(nonce[:], []byte(wire.LabelHave))
	copy(k[:], m[:])
	return k
}

func shelfSet(nonce [8]byte, shelf [][32]byte) (*reconcile.Encoder, map[reconcile.Symbol][32]byte) {
	k := shelfKey(nonce)
	by := make(map[reconcile.Symbol][32]byte, len(shelf))
	var symbols []reconcile.Symbol
	for _, id := range shelf {
		s := reconcile.ShortID(k, id)
		if _, twice := by[s]; !twice {
			by[s] = id
			symbols = append(symbols, s)
		}
	}
	return reconcile.NewEncoder(k, symbols), by
}

// shelfCells is u32 size of the set ‖ cells, in clear.
func shelfCells(nonce [8]byte, shelf [][32]byte, n int) []byte {
	e, _ := shelfSet(nonce, shelf)
	b := binary.BigEndian.AppendUint32(nil, uint32(e.Size()))
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	return reconcile.AppendCells(b, 0, e.Cells(0, n), uint64(e.Size()))
}

// Shelf returns which of our records the maker of the digest lacks; false when it does not say, or the difference is
// too large for its cells.
func (h *Have) Shelf(ours [][32]byte) (missing [][32]byte, ok bool) {
	b := h.sections[[8]byte{}]
	if len(b) < 6 {
		return nil, false
	}
	size, n := uint64(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint16(b[4:]))
	if n > maxCells {
		return nil, false
	}
	cells, err := reconcile.DecodeCells(b[6:], 0, n, size)
	if err != nil {
		return nil, false
	}
	e, by := shelfSet(h.Nonce, ours)
	d := reconcile.NewDecoder(e.View(), size, maxCells)
	if done, err := d.Add(cells); err != nil || !done {
		return nil, false
	}
	plus, _ := d.Result()
	for _, s := range plus {
		missing = append(missing, by[s])
	}
	return missing, true
}

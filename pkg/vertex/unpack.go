package vertex

import (
	"bytes"
	"errors"
	"slices"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

type ext struct {
	id      ID
	lamport uint64
}

type unpacker struct {
	r        *wire.Reader
	session  Session
	branches []branch
	exts     []ext
	items    []Item
	size     int // bytes of all items unpacked
}

// DecodeRun unpacks a run of the given session. Ids are computed anew and bodies are those sent, so a
// wrong guess cannot pass. Whatever is not exactly what Pack writes for these items in this order is
// refused: canonical. Errors are *RefusedError.
func DecodeRun(session Session, b []byte) ([]Item, error) {
	if len(b) > MaxRun {
		return nil, refuse(BadSize, "run of %d bytes", len(b))
	}
	u := &unpacker{r: wire.NewReader(b), session: session}
	if err := u.run(); err != nil {
		var r *RefusedError
		if errors.As(err, &r) {
			return nil, err
		}
		return nil, refuse(BadCanonical, "%v", err)
	}
	again, err := Pack(u.items, u.lamport)
	if err != nil || !bytes.Equal(again, b) {
		return nil, refuse(BadCanonical, "another packing of the same vertices")
	}
	return u.items, nil
}

func (u *unpacker) lamport(id ID) (uint64, bool) {
	i, ok := slices.BinarySearchFunc(u.exts, id, func(e ext, id ID) int { return e.id.Compare(id) })
	if !ok {
		return 0, false
	}
	return u.exts[i].lamport, true
}

func (u *unpacker) run() error {
	if v, f := u.r.Byte(), u.r.Byte(); u.r.Err() == nil && (v != runVersion || f != 0) {
		return refuse(BadVersion, "run version %d flags %d", v, f)
	}
	u.readBranches()
	u.readExts()
	epoch, hlc := int64(u.r.Uvarint(1<<32-1)), int64(u.r.Uvarint(MaxHLC))
	n := int(u.r.Uvarint(MaxRunItems))
	if u.r.Err() == nil && n > u.r.Len()/5 {
		return wire.ErrShort
	}
	u.items = make([]Item, 0, n)
	for range n {
		if err := u.vertex(&epoch, &hlc); err != nil {
			return err
		}
	}
	u.signatures()
	return u.r.End()
}

func (u *unpacker) readBranches() {
	n := int(u.r.Uvarint(MaxRunItems))
	if u.r.Err() != nil || n > u.r.Len()/34 {
		u.r.Fail(wire.ErrShort)
		return
	}
	u.branches = make([]branch, n)
	for i := range u.branches {
		br := &u.branches[i]
		copy(br.author[:], u.r.Take(32))
		br.first, br.prev = u.r.Uvarint(MaxSeq), u.r.Uvarint(2*MaxRunItems)
	}
}

func (u *unpacker) readExts() {
	n := int(u.r.Uvarint(MaxRunItems))
	if u.r.Err() != nil || n > u.r.Len()/33 {
		u.r.Fail(wire.ErrShort)
		return
	}
	u.exts = make([]ext, n)
	for i := range u.exts {
		copy(u.exts[i].id[:], u.r.Take(32))
		u.exts[i].lamport = u.r.Uvarint(MaxLamport)
	}
}

// vertex reads the next vertex; epoch and hlc are those of the one before it and are moved on.
func (u *unpacker) vertex(epoch, hlc *int64) error {
	bi := int(u.r.Uvarint(MaxRunItems))
	if u.r.Err() != nil || bi >= len(u.branches) {
		return wire.Invalid("author index")
	}
	br := &u.branches[bi]
	it := Item{Vertex: Vertex{Session: u.session, Author: br.author, Seq: br.first + uint64(len(br.ids))}}
	if it.Seq > MaxSeq {
		return refuse(BadSeq, "above its limit")
	}
	prev := u.prev(br, &it)
	top := max(prev, u.parents(&it))
	kind := u.kind(&it, epoch)
	*hlc += wire.Unzigzag(u.r.Uvarint(1 << 50))
	if u.r.Err() != nil || *epoch < 0 || *epoch > 1<<32-1 || *hlc < 0 || *hlc > MaxHLC || top >= MaxLamport {
		return wire.Invalid("a number out of range")
	}
	it.Epoch, it.HLC, it.Lamport = uint32(*epoch), uint64(*hlc), top+1
	if err := u.body(br, &it, kind&bitGuess != 0); err != nil {
		return err
	}
	return u.finish(br, it)
}

// finish computes the id and refuses what the map alone would be refused for.
func (u *unpacker) finish(br *branch, it Item) error {
	if !it.Kind.known() {
		return refuse(BadKind, "%d", it.Kind)
	}
	if (it.Size > 0) != (it.Kind != Receipt) {
		return refuse(BadBody, "kind %d with a body of %d", it.Kind, it.Size)
	}
	if err := it.orderedParents(); err != nil {
		return err
	}
	m := it.AppendMap(nil)
	it.ID = IDOf(m)
	if u.size += len(m) + len(it.Body); u.size > MaxUnpacked {
		return refuse(BadSize, "run unpacks to more than %d bytes", MaxUnpacked)
	}
	br.ids = append(br.ids, len(u.items))
	br.note(&it)
	u.items = append(u.items, it)
	return nil
}

// prev fills the previous vertex and returns its lamport.
func (u *unpacker) prev(br *branch, it *Item) uint64 {
	if len(br.ids) > 0 {
		last := &u.items[br.ids[len(br.ids)-1]]
		it.Prev = last.ID
		return last.Lamport
	}
	switch e := int(br.prev / 2); {
	case br.prev == 0 && br.first == 0:
		return 0
	case br.prev%2 == 1 && br.first > 0 && e < len(u.exts):
		it.Prev = u.exts[e].id
		return u.exts[e].lamport
	case br.prev%2 == 0 && br.prev > 0 && e-1 < len(u.branches):
		j := &u.branches[e-1]
		if k := int(br.first) - 1 - int(j.first); br.first > j.first && k < len(j.ids) && j.author == br.author {
			it.Prev = u.items[j.ids[k]].ID
			return u.items[j.ids[k]].Lamport
		}
	}
	u.r.Fail(wire.Invalid("where a branch begins"))
	return 0
}

// parents fills the parents and returns the largest of their lamports.
func (u *unpacker) parents(it *Item) (top uint64) {
	n := int(u.r.Uvarint(MaxParents))
	if u.r.Err() != nil || n == 0 {
		return 0
	}
	it.Parents = make([]ID, n)
	for i := range it.Parents {
		id, l := u.ref()
		it.Parents[i], top = id, max(top, l)
	}
	return top
}

func (u *unpacker) ref() (ID, uint64) {
	a := int(u.r.Uvarint(MaxRunItems))
	k := int(u.r.Uvarint(MaxRunItems))
	switch {
	case u.r.Err() != nil:
	case a == 0 && k < len(u.exts):
		return u.exts[k].id, u.exts[k].lamport
	case a > 0 && a <= len(u.branches) && k < len(u.branches[a-1].ids):
		ids := u.branches[a-1].ids
		v := &u.items[ids[len(ids)-1-k]]
		return v.ID, v.Lamport
	}
	u.r.Fail(wire.Invalid("reference to nothing"))
	return ID{}, 0
}

// kind reads the kind byte and what follows from it, moves epoch on and returns the byte.
func (u *unpacker) kind(it *Item, epoch *int64) byte {
	k := u.r.Byte()
	it.Kind = Kind(k & kindEscape)
	if it.Kind == kindEscape {
		it.Kind = Kind(u.r.Byte())
	}
	if k&bitEpoch != 0 {
		*epoch += wire.Unzigzag(u.r.Uvarint(1 << 34))
	}
	return k
}

func (u *unpacker) body(br *branch, it *Item, guessed bool) error {
	n := u.r.Uvarint(2*MaxBody + 1)
	it.Size = uint32(n / 2)
	if n%2 == 1 {
		copy(it.BodyHash[:], u.r.Take(32))
		if it.Size == 0 || guessed {
			return wire.Invalid("body left out that cannot be")
		}
		return u.r.Err()
	}
	size := int(it.Size)
	if !guessed {
		it.Body = u.r.Take(size)
	} else if br.head == nil || size < bodyLeast {
		return wire.Invalid("no header to guess from")
	} else {
		rest := u.r.Take(size - bodyHead)
		it.Body = append(append(make([]byte, 0, size), br.guess()...), rest...)
	}
	if u.r.Err() != nil {
		return u.r.Err()
	}
	it.SetBody(it.Body)
	return nil
}

func (u *unpacker) signatures() {
	for n := u.r.Uvarint(MaxRunItems); n > 0 && u.r.Err() == nil; n-- {
		i := int(u.r.Uvarint(MaxRunItems))
		s := u.r.Take(len(sig.Signature{}))
		if u.r.Err() != nil || i >= len(u.items) || u.items[i].Signed {
			u.r.Fail(wire.Invalid("signature of nothing"))
			return
		}
		u.items[i].Signed = true
		copy(u.items[i].Sig[:], s)
	}
}

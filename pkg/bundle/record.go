package bundle

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"hash/maphash"
	"strconv"

	"github.com/pars-network/pars/pkg/wire"
)

// Kind says what a record holds. A reader refuses kinds from Critical on that it does not know, and
// hands smaller ones on untouched.
type Kind uint8

// Kinds of records.
const (
	KindHead     Kind = 0
	KindVertices Kind = 1  // session[32] ‖ run of pkg/vertex
	KindEnvelope Kind = 2  // Envelope
	KindCard     Kind = 3  // full card of pkg/identity
	KindList     Kind = 4  // signed bootstrap list or rotation
	KindDNSSEC   Kind = 5  // chain of proofs from the root, DNSSEC or Handshake
	KindUpdate   Kind = 6  // light-client update, checkpoint or headers
	KindProof    Kind = 7  // account, storage or receipt proof with the header it stands on
	KindTx       Kind = 8  // pending transaction
	KindPiece    Kind = 9  // Piece of a file
	KindHave     Kind = 10 // Have
	KindReceipt  Kind = 11 // Receipt
	KindSnapshot Kind = 12 // page of a session's state
	KindRelease  Kind = 13 // Release
	Critical     Kind = 128
)

// String returns the name that `--add` and reports use.
func (k Kind) String() string {
	names := [...]string{"head", "vertices", "envelope", "card", "list", "dnssec", "update", "proof", "tx", "piece", "have", "receipt", "snapshot", "release"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind-" + strconv.Itoa(int(k))
}

// Limits of the body.
const (
	MaxRecord  = 200 << 10 // bytes of one record's payload
	MaxChunk   = 256 << 10 // bytes of a chunk's records, uncompressed
	MaxChunks  = 1<<32 - 1
	MaxSession = 64 << 10 // bytes of lists and digests
)

// Record is one object of a bundle.
type Record struct {
	Kind    Kind
	Payload []byte
	late    *late  // a piece whose payload is read when it is written
	piece   *Piece // once it was decoded
}

// Len returns the length of the payload.
func (r Record) Len() int {
	if r.late != nil {
		return r.late.size()
	}
	return len(r.Payload)
}

// Size returns how many bytes the record takes in a chunk.
func (r Record) Size() int {
	return 1 + wire.UvarintLen(uint64(r.Len())) + r.Len()
}

// Piece returns the record as a piece of a file, with its sum.
func (r Record) Piece() (*Piece, error) {
	if r.piece != nil {
		return r.piece, nil
	}
	p, err := DecodePiece(r.Payload)
	if err == nil {
		p.Sum = sha256.Sum256(p.Data)
	}
	return p, err
}

// digest writes the record to a hash: whole, but of a piece its sum for its data.
func (r *Record) digest(h hash.Hash) {
	b := wire.AppendUvarint(append(make([]byte, 0, 128), byte(r.Kind)), uint64(r.Len()))
	var p *Piece
	switch {
	case r.late != nil:
		x := r.late.piece()
		p = &x
	case r.Kind == KindPiece:
		p, _ = r.Piece() // one that is none is hashed whole
		r.piece = p
	}
	if p != nil {
		b = append(p.append(b), p.Sum[:]...)
		h.Write(b)
		return
	}
	h.Write(b)
	h.Write(r.Payload)
}

// sumRecords names the records of a chunk: SHA-256 of all their digests.
func sumRecords(list []Record) (sum [32]byte) {
	h := sha256.New()
	for i := range list {
		list[i].digest(h)
	}
	h.Sum(sum[:0])
	return sum
}

// Append appends kind ‖ length ‖ payload.
func (r Record) Append(b []byte) []byte {
	b = wire.AppendUvarint(append(b, byte(r.Kind)), uint64(len(r.Payload)))
	return append(b, r.Payload...)
}

// twins finds records that stand twice.
type twins struct {
	seed maphash.Seed
	at   map[uint64][]int // all but the only one
}

// add reports whether r equals one of the records before it. A chunk of one record, as most of a file are, is not hashed.
func (t *twins) add(all []Record, r Record) bool {
	if len(all) == 0 {
		return false
	}
	if t.at == nil {
		t.seed, t.at = maphash.MakeSeed(), map[uint64][]int{}
		t.at[maphash.Bytes(t.seed, all[0].Payload)] = []int{0}
	}
	h := maphash.Bytes(t.seed, r.Payload)
	for _, i := range t.at[h] {
		if all[i].Equal(r) {
			return true
		}
	}
	t.at[h] = append(t.at[h], len(all))
	return false
}

// DecodeRecords reads records back to back. Kinds may not fall and no record may stand twice. The
// payloads share memory with b.
func DecodeRecords(b []byte) ([]Record, error) {
	var out []Record
	var seen twins
	r := wire.NewReader(b)
	for r.Len() > 0 {
		rec := Record{Kind: Kind(r.Byte())}
		n := r.Uvarint(1<<63 - 1)
		switch {
		case r.Err() != nil:
			return nil, refuse(BadCanonical, "record %d: %v", len(out), r.Err())
		case n > MaxRecord:
			return nil, refuse(BadSize, "record of %d bytes", n)
		}
		if rec.Payload = r.Take(int(n)); r.Err() != nil {
			return nil, refuse(BadCanonical, "record %d: %v", len(out), r.Err())
		}
		if len(out) > 0 && rec.Kind < out[len(out)-1].Kind {
			return nil, refuse(BadCanonical, "kind %d after %d", rec.Kind, out[len(out)-1].Kind)
		}
		if seen.add(out, rec) {
			return nil, refuse(BadDuplicate, "a record of kind %d", rec.Kind)
		}
		out = append(out, rec)
	}
	return out, nil
}

// Equal compares two records.
func (r Record) Equal(o Record) bool { return r.Kind == o.Kind && bytes.Equal(r.Payload, o.Payload) }

// Package vertex holds the bytes of one entry of the log: its canonical map, its id and signature, the
// interchange item, and runs, the packed form in which all carriers move many entries.
//
// A vertex is checkable alone: its id is a hash over everything but its signature, and the signature
// is over the id. Its body stands in it by hash, so a body may come later or be erased while the
// skeleton stays provable. The package is pure; it knows no session key and cannot read a body.
package vertex

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// ID names a vertex: SHA-256("pars/vertex/v1" ‖ map).
type ID [32]byte

// Session names the log a vertex belongs to: SHA-256("pars/session/v1" ‖ key of the genesis' author).
type Session [32]byte

// String returns the id in lower-case hex.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// String returns the session id in lower-case hex.
func (s Session) String() string { return hex.EncodeToString(s[:]) }

// Compare orders ids by their bytes.
func (id ID) Compare(o ID) int { return bytes.Compare(id[:], o[:]) }

// SessionOf returns the id of the session whose genesis is written by author.
func SessionOf(author sig.Public) Session {
	return sha256.Sum256(append([]byte(wire.LabelSession), author[:]...))
}

// Kind says what a vertex is for. 16 and above are carried unread.
type Kind uint8

// Kinds the log knows.
const (
	Receipt  Kind = 0  // no body: names heads
	App      Kind = 1  // what people write
	Control  Kind = 2  // membership and keys
	Snapshot Kind = 4  // state at a final point
	Restart  Kind = 5  // vote to replace lost voters
	Part     Kind = 16 // part of a large control vertex
)

// Limits of the fields of a vertex.
const (
	Version    = 1
	MaxParents = 16
	MaxSeq     = 1<<40 - 1
	MaxLamport = 1<<40 - 1
	MaxHLC     = 1<<48 - 1
	MaxBody    = 57344
	MaxItem    = 61440
)

// Vertex is one signed entry of a session's log, without its signature and body.
type Vertex struct {
	Session  Session
	Epoch    uint32     // voter epoch
	Author   sig.Public // pseudonym of a device in this session
	Seq      uint64     // 0, or that of Prev plus one
	Prev     ID         // the author's previous vertex; zero exactly when Seq is 0
	Parents  []ID       // other heads, strictly ascending, Prev not among them
	Lamport  uint64     // 1 + the largest of what is named
	HLC      uint64     // milliseconds since 1970 by the author's clock: shown, never decides
	Kind     Kind
	BodyHash [32]byte // SHA-256 of the body; zero exactly when Size is 0
	Size     uint32   // length of the body in bytes; 0 exactly for receipts
}

// Root reports whether v names nothing: the form of a genesis.
func (v *Vertex) Root() bool { return v.Seq == 0 && len(v.Parents) == 0 }

// SetBody stores hash and length of body.
func (v *Vertex) SetBody(body []byte) {
	v.Size, v.BodyHash = uint32(len(body)), [32]byte{}
	if len(body) > 0 {
		v.BodyHash = sha256.Sum256(body)
	}
}

// AppendMap appends the canonical map of v.
func (v *Vertex) AppendMap(b []byte) []byte {
	n := 10
	if v.Seq > 0 {
		n++
	}
	if v.Size > 0 {
		n++
	}
	b = v.appendSkeleton(b, n)
	if v.Size > 0 {
		b = wire.AppendBytes(append(b, 10), v.BodyHash[:])
	}
	return wire.AppendUint(append(b, 11), uint64(v.Size))
}

// AppendSkeleton appends the map of v without body hash and size: what a body is sealed to.
func (v *Vertex) AppendSkeleton(b []byte) []byte {
	n := 9
	if v.Seq > 0 {
		n++
	}
	return v.appendSkeleton(b, n)
}

func (v *Vertex) appendSkeleton(b []byte, pairs int) []byte {
	b = wire.AppendMap(b, pairs)
	b = append(b, 0, Version)
	b = wire.AppendBytes(append(b, 1), v.Session[:])
	b = wire.AppendUint(append(b, 2), uint64(v.Epoch))
	b = wire.AppendBytes(append(b, 3), v.Author[:])
	b = wire.AppendUint(append(b, 4), v.Seq)
	if v.Seq > 0 {
		b = wire.AppendBytes(append(b, 5), v.Prev[:])
	}
	b = wire.AppendArray(append(b, 6), len(v.Parents))
	for i := range v.Parents {
		b = wire.AppendBytes(b, v.Parents[i][:])
	}
	b = wire.AppendUint(append(b, 7), v.Lamport)
	b = wire.AppendUint(append(b, 8), v.HLC)
	return wire.AppendUint(append(b, 9), uint64(v.Kind))
}

// IDOf returns the id of the vertex whose canonical map is m.
func IDOf(m []byte) ID {
	var buf [len(wire.LabelVertex) + 1024]byte
	return sha256.Sum256(append(append(buf[:0], wire.LabelVertex...), m...))
}

// Sign returns the author's signature over id.
func Sign(key sig.Private, id ID) sig.Signature { return key.Sign(wire.LabelVertexSig, id[:]) }

// Check returns the signature check of a vertex for sig.Verifier.
func Check(author sig.Public, id ID, s sig.Signature) sig.Check {
	return sig.Check{Pub: author, Label: wire.LabelVertexSig, Msg: id[:], Sig: s}
}

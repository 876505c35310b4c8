package gossip

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

// Frames of /pars/<netid8>/tree/1, which only members of a session speak, after the proof of the sync protocol:
// uv(length) ‖ type ‖ body, at most 64 KiB.
const (
	TreePush  = 1 // hop u8 ‖ run
	TreeIHave = 2 // n x short id
	TreeGraft = 3 // nothing, or the short id wanted
	TreePrune = 4 // nothing
	TreeVec   = 5 // author vector of what changed; an empty one welcomes a neighbour and asks to compare
	TreeBye   = 6 // reason u8 ‖ seconds u32 until it is back
	TreeOpen  = 7 // the first frame of who calls: tag[16] ‖ alone u8, 1 when it has no other neighbour
)

const (
	// MaxTreeFrame is the largest body with its type.
	MaxTreeFrame = 64 << 10
	maxIHave     = 512
	maxVec       = 1 << 10
	maxTreeHop   = 12 // a vertex that came farther is kept and not passed on
)

// Short names a vertex on one session's streams: 8 bytes under a key of the session (11-sync, K2).
type Short [8]byte

// Reasons of a BYE.
const (
	ByeSleep = 0 // back later: the edge is parked, without a fine
	ByeFull  = 1 // too many neighbours
	ByeEnd   = 2 // leaving the session
)

// AppendPush appends the body of a PUSH.
func AppendPush(b []byte, hop uint8, run []byte) []byte { return append(append(b, hop), run...) }

// DecodePush reads the body of a PUSH; the run is read by who owns vertices.
func DecodePush(b []byte) (hop uint8, run []byte, err error) {
	if len(b) < 2 {
		return 0, nil, wire.ErrShort
	}
	if len(b) >= MaxTreeFrame || b[0] > maxTreeHop+1 {
		return 0, nil, wire.Invalid("push of %d bytes after %d hops", len(b), b[0])
	}
	return b[0], b[1:], nil
}

// AppendShorts appends the body of an IHAVE, or of a GRAFT with one id or none.
func AppendShorts(b []byte, ids []Short) []byte {
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b
}

// DecodeShorts reads up to most short ids.
func DecodeShorts(b []byte, most int) ([]Short, error) {
	if len(b)%8 != 0 || len(b) > 8*most {
		return nil, wire.Invalid("%d bytes of short ids, at most %d ids", len(b), most)
	}
	out := make([]Short, 0, len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		out = append(out, Short(b))
	}
	return out, nil
}

// AppendBye appends the body of a BYE.
func AppendBye(b []byte, reason uint8, back uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, reason), back)
}

// DecodeBye reads the body of a BYE.
func DecodeBye(b []byte) (reason uint8, back uint32, err error) {
	if len(b) != 5 || b[0] > ByeEnd {
		return 0, 0, wire.Invalid("bye of %d bytes", len(b))
	}
	return b[0], binary.BigEndian.Uint32(b[1:]), nil
}

// TreeTag names a session to a member that is called, who must have proven to be one on the sync stream before: to all
// others the tag says nothing.
func TreeTag(secret [32]byte, caller, called []byte) (tag [16]byte) {
	h := hmac.New(sha256.New, secret[:])
	h.Write([]byte(wire.LabelTreeOpen))
	h.Write([]byte{byte(len(caller))})
	h.Write(caller)
	h.Write(called)
	copy(tag[:], h.Sum(nil))
	return tag
}

// AppendOpen appends the body of an OPEN.
func AppendOpen(b []byte, tag [16]byte, alone bool) []byte {
	b = append(b, tag[:]...)
	if alone {
		return append(b, 1)
	}
	return append(b, 0)
}

// DecodeOpen reads the body of an OPEN.
func DecodeOpen(b []byte) (tag [16]byte, alone bool, err error) {
	if len(b) != 17 || b[16] > 1 {
		return tag, false, wire.Invalid("open of %d bytes", len(b))
	}
	return [16]byte(b), b[16] == 1, nil
}

// DecodeTree checks the body of a frame of any type, but for the run and the vector in it, and returns what the tree
// needs of it.
func DecodeTree(typ byte, body []byte) (f TreeFrame, err error) {
	f.Kind = typ
	switch typ {
	case TreePush:
		f.Hop, f.Body, err = DecodePush(body)
	case TreeIHave:
		if f.IDs, err = DecodeShorts(body, maxIHave); err == nil && len(f.IDs) == 0 {
			err = wire.ErrShort
		}
	case TreeGraft:
		f.IDs, err = DecodeShorts(body, 1)
	case TreePrune:
		if len(body) != 0 {
			err = wire.Invalid("prune of %d bytes", len(body))
		}
	case TreeVec:
		if f.Body = body; len(body) > maxVec {
			err = wire.Invalid("vector of %d bytes", len(body))
		}
	case TreeBye:
		f.Reason, f.Back, err = DecodeBye(body)
	case TreeOpen:
		f.Tag, f.Alone, err = DecodeOpen(body)
	default:
		err = wire.Invalid("tree frame of type %d", typ)
	}
	return f, err
}

// TreeFrame is a frame as it was read.
type TreeFrame struct {
	Kind   byte
	Hop    uint8
	IDs    []Short
	Body   []byte // run or vector
	Reason uint8
	Back   uint32
	Tag    [16]byte
	Alone  bool
}

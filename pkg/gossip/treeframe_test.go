package gossip

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func TestTreeFramesRefused(t *testing.T) {
	for _, c := range []struct {
		typ byte
		b   []byte
	}{{0, nil}, {8, nil}, {TreeOpen, make([]byte, 16)}, {TreeOpen, append(make([]byte, 16), 2)}, {TreePush, nil}, {TreePush, []byte{0}}, {TreePush, []byte{14, 1}}, {TreePush, make([]byte, MaxTreeFrame)}, {TreeIHave, nil},
		{TreeIHave, make([]byte, 7)}, {TreeIHave, make([]byte, 8*513)}, {TreeGraft, make([]byte, 16)}, {TreePrune, []byte{1}}, {TreeVec, make([]byte, 1025)},
		{TreeBye, make([]byte, 4)}, {TreeBye, []byte{3, 0, 0, 0, 0}}} {
		if _, err := DecodeTree(c.typ, c.b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("type %d, %d bytes: %v", c.typ, len(c.b), err)
		}
	}
}

func FuzzDecodeTree(f *testing.F) {
	f.Add(byte(TreePush), AppendPush(nil, 3, []byte("run")))
	f.Add(byte(TreeIHave), AppendShorts(nil, []Short{{1}, {2}}))
	f.Add(byte(TreeBye), AppendBye(nil, ByeSleep, 60))
	f.Fuzz(func(t *testing.T, typ byte, b []byte) {
		x, err := DecodeTree(typ, b)
		if err != nil {
			return
		}
		var again []byte
		switch typ {
		case TreePush:
			again = AppendPush(nil, x.Hop, x.Body)
		case TreeIHave, TreeGraft:
			again = AppendShorts(nil, x.IDs)
		case TreeVec:
			again = x.Body
		case TreeBye:
			again = AppendBye(nil, x.Reason, x.Back)
		case TreeOpen:
			again = AppendOpen(nil, x.Tag, x.Alone)
		}
		if !bytes.Equal(again, b) {
			t.Errorf("type %d: %x is written %x", typ, b, again)
		}
	})
}

func FuzzDecodeOpen(f *testing.F) {
	f.Add(AppendOpen(nil, [16]byte{1}, true))
	f.Fuzz(func(t *testing.T, b []byte) {
		if tag, alone, err := DecodeOpen(b); err == nil && !bytes.Equal(AppendOpen(nil, tag, alone), b) {
			t.Error("written otherwise")
		}
	})
}

func FuzzDecodePush(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		if hop, run, err := DecodePush(b); err == nil && !bytes.Equal(AppendPush(nil, hop, run), b) {
			t.Error("written otherwise")
		}
	})
}

func FuzzDecodeShorts(f *testing.F) {
	f.Add([]byte("12345678"), 3)
	f.Fuzz(func(t *testing.T, b []byte, most int) {
		if ids, err := DecodeShorts(b, most%1000); err == nil && (!bytes.Equal(AppendShorts(nil, ids), b) || len(ids) > most%1000) {
			t.Error("written otherwise, or too many")
		}
	})
}

func FuzzDecodeBye(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, back, err := DecodeBye(b); err == nil && !bytes.Equal(AppendBye(nil, r, back), b) {
			t.Error("written otherwise")
		}
	})
}

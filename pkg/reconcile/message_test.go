package reconcile

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// frames are one of each message.
func frames() []Frame {
	return []Frame{
		(&hello{Versions: []uint64{1}, Nonce: [16]byte{1}, Tags: make([][8]byte, 8), Budget: 5}).frame(),
		(&match{Proofs: []proof{{3, [8]byte{1}}}}).frame(),
		(&state{Session: 1, L0: [8]byte{2}, N: 300, Wants: 2}).frame(),
		(&vector{Session: 1, Wide: true, Entries: appendEntry(nil, entry{tag: 9, next: 4}, true)}).frame(),
		(&cells{Session: 1, Scope: []uint64{7}, N: 1, Size: 3, Cells: []byte{1, 2, 3}}).frame(),
		(&want{Session: 1, Short: []uint64{1 << 63}, IDs: []id{{1}}, Bodies: []id{{2}}}).frame(),
		(&runFrame{1, 0, []byte("run")}).frame(),
		(&numbers{Session: 1, L0: [8]byte{1}, A: 4, B: 5}).frame(typeDone),
		(&numbers{A: 4, B: 5}).frame(typeCredit),
		(&numbers{Session: 1, A: 4}).frame(typeAck),
		(&fault{Code: 1, Text: "x"}).frame(),
		(&ids{Session: 1, IDs: []id{{1}, {2}}, More: true}).frame(typeHeads),
		(&ids{Session: 1}).frame(typeGone),
	}
}

// again decodes a frame and encodes what was understood.
func again(f Frame) (Frame, error) {
	switch f.Type {
	case typeHello:
		m, err := decodeHello(f.Payload)
		return m.frame(), err
	case typeMatch:
		m, err := decodeMatch(f.Payload)
		return m.frame(), err
	case typeState:
		m, err := decodeState(f.Payload)
		return m.frame(), err
	case typeVector:
		m, err := decodeVector(f.Payload)
		return m.frame(), err
	case typeCells:
		m, err := decodeCellsFrame(f.Payload)
		return m.frame(), err
	case typeWant:
		m, err := decodeWant(f.Payload)
		return m.frame(), err
	case typeRun:
		m, err := decodeRun(f.Payload)
		return m.frame(), err
	case typeErr:
		m, err := decodeFault(f.Payload)
		return m.frame(), err
	case typeHeads, typeGone:
		m, err := decodeIDs(f.Payload)
		return m.frame(f.Type), err
	}
	m, err := decodeNumbers(f.Type, f.Payload)
	return m.frame(f.Type), err
}

func TestMessagesRoundTrip(t *testing.T) {
	for _, f := range frames() {
		got, err := again(f)
		if err != nil || !bytes.Equal(got.Payload, f.Payload) {
			t.Errorf("frame %d: %v\n%x\n%x", f.Type, err, f.Payload, got.Payload)
		}
		for n := range f.Payload {
			if _, err := again(Frame{f.Type, f.Payload[:n]}); f.Type != typeRun && f.Type != typeCells && !errors.Is(err, wire.ErrInvalid) {
				t.Errorf("frame %d cut to %d bytes: %v", f.Type, n, err)
			}
		}
	}
}

func FuzzMessages(f *testing.F) {
	for _, m := range frames() {
		f.Add(m.Type, m.Payload)
	}
	f.Fuzz(func(t *testing.T, typ byte, b []byte) { again(Frame{typ, b}) })
}

func TestVectorPages(t *testing.T) {
	var authors []Author
	for i := range 12_000 {
		authors = append(authors, Author{Key: [32]byte{byte(i), byte(i >> 8)}, Next: uint64(i), Tip: [32]byte{1}})
	}
	entries, wide := vectorOf([16]byte{1}, authors)
	if few, narrow := vectorOf([16]byte{1}, authors[200:300]); narrow || len(appendEntry(nil, few[0], false)) != 8 {
		t.Errorf("an author costs %d bytes", len(appendEntry(nil, few[0], false)))
	}
	var got []entry
	for _, f := range pages(3, entries, wide) {
		m, err := decodeVector(f.Payload)
		if err != nil {
			t.Fatal(err)
		}
		page, err := readEntries(m.Entries, m.Wide)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
	}
	send, marked := compare(entries, got, wide, func(int, uint64) ([32]byte, bool) { return [32]byte{1}, true })
	if len(got) != len(entries) || len(send)+len(marked) != 0 {
		t.Errorf("%d entries, %d to send, %d marked", len(got), len(send), len(marked))
	}
}

func TestCompare(t *testing.T) {
	tip := func(b byte) [32]byte { return [32]byte{b} }
	at := func(a int, seq uint64) ([32]byte, bool) { return tip(byte(seq + 1)), true }
	mine := []Author{{Key: [32]byte{1}, Next: 5, Tip: tip(5)}, {Key: [32]byte{2}, Next: 5, Tip: tip(5)},
		{Key: [32]byte{3}, Next: 5, Tip: tip(5)}, {Key: [32]byte{4}, Next: 5, Tip: tip(5), Forked: true},
		{Key: [32]byte{5}, Next: 5, Tip: tip(5)}, {Key: [32]byte{6}, Next: 2, Tip: tip(2)}}
	theirs := []Author{{Key: [32]byte{1}, Next: 3, Tip: tip(3)}, {Key: [32]byte{2}, Next: 3, Tip: tip(99)},
		{Key: [32]byte{4}, Next: 5, Tip: tip(5)}, {Key: [32]byte{5}, Next: 5, Tip: tip(77)}, {Key: [32]byte{6}, Next: 9, Tip: tip(9)}}
	a, _ := vectorOf([16]byte{}, mine)
	b, _ := vectorOf([16]byte{}, theirs)
	send, marked := compare(a, b, false, at)
	got := map[int]uint64{}
	for _, o := range send {
		got[o.author] = o.from
	}
	if len(got) != 2 || got[0] != 3 || got[2] != 0 {
		t.Errorf("send %v: author 0 from 3 and author 2 from 0 are owed", got)
	}
	if len(marked) != 3 {
		t.Errorf("marked %v: wrong check, fork and twin tip are not for a vector", marked)
	}
}

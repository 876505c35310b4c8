package nfc

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func newTag(t testing.TB, message []byte) *Tag {
	t.Helper()
	tag, err := NewTag(message)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// direct lays a tag on a reader and counts what is asked.
func direct(tag *Tag) (*Reader, *int) {
	n := 0
	return &Reader{func(apdu []byte) ([]byte, error) { n++; return tag.Answer(apdu), nil }}, &n
}

// TestRead: messages of every length cross, a short card with six APDUs, one of 2.1 kB with 14.
func TestRead(t *testing.T) {
	for _, n := range []int{0, 1, 18, 239, 240, 241, 913, 2100, MaxMessage} {
		message := bytes.Repeat([]byte{7}, n)
		r, asked := direct(newTag(t, message))
		got, err := r.Read()
		if err != nil || !bytes.Equal(got, message) {
			t.Errorf("%d bytes: %d: %v", n, len(got), err)
		}
		if want := 5 + (n+239)/240; *asked != want {
			t.Errorf("%d bytes with %d APDUs, want %d", n, *asked, want)
		}
	}
	if _, err := NewTag(make([]byte, MaxMessage+1)); !errors.Is(err, wire.ErrInvalid) {
		t.Error(err)
	}
}

// TestConversation is the table of the design note: what a tag answers in which state.
func TestConversation(t *testing.T) {
	const selectApp, selectCC, selectNDEF = "00A4040007D276000085010100", "00A4000C02E103", "00A4000C02E104"
	for name, script := range map[string]string{
		"short card":          selectApp + ">9000 " + selectCC + ">9000 00B000000F>000F2000F000F00406E1047FFF00FF9000 " + selectNDEF + ">9000 00B0000002>00039000 00B0000203>4142439000",
		"without Le":          "00A4040007D2760000850101>9000",
		"other application":   selectApp + ">9000 00A4040007D276000085010200>6A82 " + selectCC + ">6A82",
		"other file":          selectApp + ">9000 " + selectNDEF + ">9000 00A4000C02E105>6A82 00B0000002>00039000",
		"nothing selected":    "00B0000002>6986 00D600000100>6986",
		"application alone":   selectApp + ">9000 00B0000002>6986",
		"le 00":               selectApp + ">9000 " + selectNDEF + ">9000 00B0000000>00034142439000",
		"past the end":        selectApp + ">9000 " + selectNDEF + ">9000 00B0000500>6B00 00B0000402>439000",
		"not open":            selectApp + ">9000 " + selectNDEF + ">9000 00D60000020000>6982",
		"capabilities closed": selectApp + ">9000 " + selectCC + ">9000 00D60000020000>6986",
		"instruction":         "00CA0000>6D00 0020000000>6D00",
		"class":               "80A4040007D276000085010100>6E00",
		"length":              "00>6700 00A404>6700 00A4040008D2760000850101>6700 00B00000>6700 00B000000000>6700 00A404000000>6700",
	} {
		tag := newTag(t, []byte("ABC"))
		for step := range strings.FieldsSeq(script) {
			ask, want, _ := strings.Cut(step, ">")
			b, err := hex.DecodeString(ask)
			if err != nil {
				t.Fatal(name, err)
			}
			if got := strings.ToUpper(hex.EncodeToString(tag.Answer(b))); got != want {
				t.Errorf("%s: %s is answered %s, want %s", name, ask, got, want)
			}
		}
	}
	if got := newTag(t, nil).Answer(make([]byte, 262)); !bytes.Equal(got, []byte{0x67, 0}) {
		t.Errorf("a long APDU is answered %x", got)
	}
}

// TestWrite: a tag that is open takes one message; torn off at any APDU it is empty; shut it takes none.
func TestWrite(t *testing.T) {
	message := bytes.Repeat([]byte{9}, 1000)
	tag := newTag(t, []byte("mine"))
	r, asked := direct(tag)
	if err := r.Write(message); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a closed tag is written: %v", err)
	}
	tag.Open(4096)
	*asked = 0
	if err := r.Write(message); err != nil {
		t.Fatal(err)
	}
	all := *asked
	if got := tag.Shut(); !bytes.Equal(got, message) {
		t.Errorf("%d bytes were written", len(got))
	}
	if err := r.Write(message); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a tag that was shut is written: %v", err)
	}
	tag.Open(100)
	if err := r.Write(message); err == nil {
		t.Error("more than the limit is written")
	}
	broken := errors.New("field lost")
	for cut := 5; cut < all; cut++ {
		tag := newTag(t, []byte("mine"))
		tag.Open(4096)
		n := 0
		r := &Reader{func(apdu []byte) ([]byte, error) {
			if n++; n > cut {
				return nil, broken
			}
			return tag.Answer(apdu), nil
		}}
		if err := r.Write(message); !errors.Is(err, broken) {
			t.Fatalf("cut %d: %v", cut, err)
		}
		if got := tag.Shut(); len(got) != 0 || len(tag.Message()) != 0 {
			t.Errorf("torn off at %d, %d bytes stand there", cut, len(got))
		}
	}
}

// TestHidden: a phone whose screen does not show the card has none.
func TestHidden(t *testing.T) {
	tag := newTag(t, []byte("card"))
	tag.Hide(true)
	r, _ := direct(tag)
	if _, err := r.Read(); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	tag.Hide(false)
	if _, err := r.Read(); err != nil {
		t.Error(err)
	}
}

// TestBadTags: a reader refuses what a tag may not say, and comes to an end.
func TestBadTags(t *testing.T) {
	for name, spoil := range map[string]func(n int, b []byte) []byte{
		"short container": func(n int, b []byte) []byte { return change(n == 3, b, func() []byte { return b[4:] }) },
		"length of it":    func(n int, b []byte) []byte { return change(n == 3, b, func() []byte { b[1] = 14; return b }) },
		"mapping":         func(n int, b []byte) []byte { return change(n == 3, b, func() []byte { b[2] = 0x30; return b }) },
		"MLe":             func(n int, b []byte) []byte { return change(n == 3, b, func() []byte { b[3], b[4] = 0, 14; return b }) },
		"NLEN":            func(n int, b []byte) []byte { return change(n == 5, b, func() []byte { b[0] = 0xff; return b }) },
		"long NLEN": func(n int, b []byte) []byte {
			return change(n == 5, b, func() []byte { return append([]byte{0}, b...) })
		},
		"empty read": func(n int, b []byte) []byte { return change(n == 6, b, func() []byte { return b[len(b)-2:] }) },
		"long read":  func(n int, b []byte) []byte { return change(n == 6, b, func() []byte { return append(b[:1:1], b...) }) },
		"no status":  func(n int, b []byte) []byte { return change(n == 6, b, func() []byte { return b[:1] }) },
		"status":     func(n int, b []byte) []byte { return change(n == 6, b, func() []byte { return []byte{0x6f, 0} }) },
	} {
		tag, n := newTag(t, []byte("ABC")), 0
		r := &Reader{func(apdu []byte) ([]byte, error) { n++; return spoil(n, tag.Answer(apdu)), nil }}
		if got, err := r.Read(); !errors.Is(err, wire.ErrInvalid) || got != nil {
			t.Errorf("%s: %q %v", name, got, err)
		}
		if n > 6 || name == "NLEN" && n > 5 {
			t.Errorf("%s: %d APDUs", name, n)
		}
	}
}

func change(yes bool, b []byte, f func() []byte) []byte {
	if yes {
		return f()
	}
	return b
}

// TestRetry: one lost APDU is asked again, two are an error.
func TestRetry(t *testing.T) {
	lost := errors.New("lost")
	for n, want := range map[int]error{1: nil, 2: lost} {
		tag, fail := newTag(t, []byte("ABC")), n
		r := &Reader{func(apdu []byte) ([]byte, error) {
			if fail > 0 {
				fail--
				return nil, lost
			}
			return tag.Answer(apdu), nil
		}}
		if _, err := r.Read(); !errors.Is(err, want) {
			t.Errorf("%d lost: %v", n, err)
		}
	}
}

// model answers as the table of the design note says, written anew and slowly.
type model struct {
	state   string
	message []byte
}

func (m *model) answer(a []byte) string {
	switch {
	case len(a) < 4 || len(a) > 261:
		return "6700"
	case a[0] != 0:
		return "6e00"
	}
	rest := a[4:]
	switch a[1] {
	case 0xa4:
		if len(rest) == 0 || rest[0] == 0 || len(rest)-1 != int(rest[0]) && len(rest)-2 != int(rest[0]) {
			return "6700"
		}
		data := hex.EncodeToString(rest[1 : 1+rest[0]])
		switch fmt.Sprintf("%02x%02x", a[2], a[3]) {
		case "0400":
			if m.state = "idle"; data != "d2760000850101" {
				return "6a82"
			}
			m.state = "app"
			return "9000"
		case "000c":
			if file := map[string]string{"e103": "cc", "e104": "ndef"}[data]; file != "" && m.state != "idle" {
				m.state = file
				return "9000"
			}
		}
		return "6a82"
	case 0xb0:
		if len(rest) != 1 {
			return "6700"
		}
		file, ok := map[string]string{"cc": "000f2000f000f00406e1047fff00ff", "ndef": fmt.Sprintf("%04x%x", len(m.message), m.message)}[m.state]
		if !ok {
			return "6986"
		}
		b, _ := hex.DecodeString(file)
		off, le := int(binary.BigEndian.Uint16(a[2:])), int(rest[0])
		if off >= len(b) {
			return "6b00"
		}
		if le == 0 || le > 240 {
			le = 240
		}
		return hex.EncodeToString(b[off:min(len(b), off+le)]) + "9000"
	case 0xd6:
		switch {
		case len(rest) < 2 || len(rest) != 1+int(rest[0]):
			return "6700"
		case m.state != "ndef":
			return "6986"
		}
		return "6982"
	}
	return "6d00"
}

// TestModel: random conversations are answered as by the model.
func TestModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	pieces := []string{"00a4040007d276000085010100", "00a4040007d2760000850101", "00a4000c02e103", "00a4000c02e104", "00a4000c02e105", "00b0000002", "00b000000f", "00b0000200", "00b00000ff", "00d60000020000", "00d6", "90", "00a404", "00b0010000"}
	for range 300 {
		message := make([]byte, rnd.IntN(600))
		tag, m := newTag(t, message), &model{"idle", message}
		for range 60 {
			b, _ := hex.DecodeString(pieces[rnd.IntN(len(pieces))])
			if rnd.IntN(3) == 0 && len(b) > 0 {
				b[rnd.IntN(len(b))] = byte(rnd.Uint32())
			}
			if rnd.IntN(40) == 0 {
				tag.Reset()
				m.state = "idle"
			}
			if got, want := hex.EncodeToString(tag.Answer(b)), m.answer(b); got != want {
				t.Fatalf("%x is answered %s, want %s", b, got, want)
			}
		}
	}
}

func TestCardMessage(t *testing.T) {
	line := "pars:card/parsc1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vqqpqgpsgpgxquyqjzstpsxsurulscqqqq33pcl"
	for _, full := range [][]byte{nil, []byte("short"), bytes.Repeat([]byte{5}, 2000)} {
		b := CardMessage(line, full)
		gotLine, gotFull, err := DecodeCardMessage(b)
		if err != nil || gotLine != line || !bytes.Equal(gotFull, full) {
			t.Errorf("%d bytes: %q, %d: %v", len(full), gotLine, len(gotFull), err)
		}
		records, err := DecodeNDEF(b)
		if err != nil || !bytes.Equal(EncodeNDEF(records), b) || records[len(records)-1].Type != androidType {
			t.Errorf("%d bytes: %v", len(full), err)
		}
	}
	for name, bad := range map[string]string{
		"empty": "", "chunk": "f10101550041", "no begin": "5101015500", "no end": "91010155", "two begins": "910101550091010155", "long": "c101ffffffff55",
		"cut": "d10105550041", "more": "d1010155004100", "other": "d101025500",
	} {
		b, _ := hex.DecodeString(bad)
		if _, _, err := DecodeCardMessage(b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func Example() {
	tag, err := NewTag(EncodeNDEF([]Record{URIRecord("pars:card/parsc1q")}))
	if err != nil {
		fmt.Println(err)
		return
	}
	r := &Reader{Transmit: func(apdu []byte) ([]byte, error) { return tag.Answer(apdu), nil }}
	b, err := r.Read()
	if err != nil {
		fmt.Println(err)
		return
	}
	line, _, err := DecodeCardMessage(b)
	fmt.Println(line, err)
	// Output: pars:card/parsc1q <nil>
}

// FuzzAnswer: whatever is asked, the answer ends in a status word.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("\x0d\x00\xa4\x04\x00\x07\xd2\x76\x00\x00\x85\x01\x01\x00\x07\x00\xa4\x00\x0c\x02\xe1\x04\x07\x00\xd6\x00\x00\x02\x00\x05"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tag := newTag(t, []byte("ABC"))
		tag.Open(600)
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			a := tag.Answer(b[1 : 1+n])
			if len(a) < 2 || len(a) > maxRead+2 {
				t.Fatalf("answer of %d bytes", len(a))
			}
			b = b[1+n:]
			if len(tag.file) > 602 || len(tag.Message()) > len(tag.file)-2 {
				t.Fatalf("file of %d bytes", len(tag.file))
			}
		}
	})
}

func FuzzDecodeNDEF(f *testing.F) {
	f.Add(CardMessage("pars:card/parsc1q", bytes.Repeat([]byte{1}, 300)))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := DecodeNDEF(b)
		if err != nil {
			return
		}
		if again, err := DecodeNDEF(EncodeNDEF(records)); err != nil || len(again) != len(records) {
			t.Error("a message that is read cannot be written")
		}
		DecodeCardMessage(b)
	})
}

// FuzzRead: a tag that answers anything does not hold a reader up.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x02\x90\x00\x02\x90\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &Reader{func([]byte) ([]byte, error) {
			if len(b) == 0 {
				return nil, errors.New("gone")
			}
			n := min(int(b[0]), len(b)-1)
			out := b[1 : 1+n]
			b = b[1+n:]
			return out, nil
		}}
		if got, err := r.Read(); err == nil && len(got) > MaxMessage {
			t.Error("too long")
		}
	})
}

package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// Shortest heads at every border, as RFC 8949 appendix A writes them.
func TestAppendHead(t *testing.T) {
	for _, c := range []struct {
		v    uint64
		want string
	}{
		{0, "00"}, {23, "17"}, {24, "1818"}, {255, "18ff"}, {256, "190100"}, {65535, "19ffff"},
		{65536, "1a00010000"}, {1<<32 - 1, "1affffffff"}, {1 << 32, "1b0000000100000000"},
		{1<<64 - 1, "1bffffffffffffffff"},
	} {
		b := AppendUint(nil, c.v)
		if got := hex.EncodeToString(b); got != c.want {
			t.Errorf("%d: got %s want %s", c.v, got, c.want)
		}
		d := NewDecoder(b)
		if got := d.Uint(c.v); got != c.v || d.End() != nil {
			t.Errorf("%d: read %d, %v", c.v, got, d.End())
		}
	}
}

func sample() []byte {
	b := AppendMap(nil, 4)
	b = AppendUint(AppendUint(b, 0), 300)
	b = AppendBytes(AppendUint(b, 1), []byte{1, 2, 3})
	b = AppendText(AppendUint(b, 7), "سلام")
	b = AppendArray(AppendUint(b, 24), 2)
	return AppendNull(AppendUint(b, 1<<40))
}

func TestDecoderReadsWhatIsWritten(t *testing.T) {
	d := NewDecoder(sample())
	var keys []uint64
	for m := d.Map(4); m.Next(); {
		keys = append(keys, m.Key)
		switch m.Key {
		case 0:
			if got := d.Uint(300); got != 300 {
				t.Errorf("key 0: got %d", got)
			}
		case 1:
			var b [3]byte
			if d.Fixed(b[:]); b != [3]byte{1, 2, 3} {
				t.Errorf("key 1: got %v", b)
			}
		case 7:
			if got := d.Text(8); got != "سلام" {
				t.Errorf("key 7: got %q", got)
			}
		case 24:
			if n, v := d.Array(2), d.Uint(1<<40); n != 2 || v != 1<<40 || !d.Null() || d.Null() {
				t.Errorf("key 24: got array %d of %d and no null", n, v)
			}
		default:
			m.Unknown()
		}
	}
	if err := d.End(); err != nil || len(keys) != 4 {
		t.Errorf("got keys %v, error %v", keys, err)
	}
}

// Every other way to write a value is refused, also deep inside.
func TestNotCanonical(t *testing.T) {
	for _, c := range []struct{ name, hex string }{
		{"empty", ""},
		{"23 in one byte", "1817"}, {"255 in two", "1900ff"}, {"65535 in four", "1a0000ffff"},
		{"2^32-1 in eight", "1b00000000ffffffff"},
		{"reserved heads", "1c"}, {"reserved heads", "1d"}, {"reserved heads", "1e"}, {"break", "ff"},
		{"indefinite bytes", "5f4101ff"}, {"indefinite text", "7f6161ff"},
		{"indefinite array", "9f01ff"}, {"indefinite map", "bf0001ff"},
		{"long head of bytes", "580101"}, {"long head of text", "780161"},
		{"long head of array", "980101"}, {"long head of map", "b8010001"},
		{"negative number", "20"}, {"tag", "c000"}, {"false", "f4"}, {"true", "f5"},
		{"undefined", "f7"}, {"simple in one byte", "f820"}, {"null in one byte", "f8f6"},
		{"half float", "f90000"}, {"float", "fa00000000"}, {"double", "fb0000000000000000"},
		{"keys descend", "a201000000"}, {"key twice", "a200000000"}, {"text key", "a1616100"},
		{"bytes key", "a1410000"}, {"null key", "a1f600"}, {"bad UTF-8", "61ff"}, {"surrogate", "63eda080"},
		{"bytes cut", "43aabb"}, {"text cut", "636161"}, {"array cut", "8201"}, {"map cut", "a100"},
		{"head cut", "19ff"}, {"huge bytes", "5bffffffffffffffff"}, {"huge array", "9bffffffffffffffff"},
		{"huge map", "bbffffffffffffffff"}, {"one too many", "0000"},
		{"nested nine deep", "818181818181818100"},
	} {
		for _, wrap := range []string{"", "8101", "a100"} {
			b, err := hex.DecodeString(c.hex)
			if err != nil {
				t.Fatal(err)
			}
			switch wrap {
			case "8101":
				b = append([]byte{0x81}, b...)
			case "a100":
				b = append([]byte{0xa1, 0x00}, b...)
			}
			d := NewDecoder(b)
			d.Skip()
			if err := d.End(); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: % x was accepted (%v)", c.name, b, err)
			}
		}
	}
}

func TestDecoderLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		read func(*Decoder)
	}{
		{"uint", AppendUint(nil, 11), func(d *Decoder) { d.Uint(10) }},
		{"bytes long", AppendBytes(nil, make([]byte, 11)), func(d *Decoder) { d.Bytes(0, 10) }},
		{"bytes short", AppendBytes(nil, make([]byte, 9)), func(d *Decoder) { d.Bytes(10, 20) }},
		{"fixed", AppendBytes(nil, make([]byte, 9)), func(d *Decoder) { d.Fixed(make([]byte, 10)) }},
		{"text", AppendText(nil, strings.Repeat("a", 11)), func(d *Decoder) { d.Text(10) }},
		{"array", AppendArray(nil, 11), func(d *Decoder) { d.Array(10) }},
		{"map", AppendMap(nil, 11), func(d *Decoder) { d.Map(10) }},
		{"other type", AppendText(nil, "a"), func(d *Decoder) { d.Bytes(0, 10) }},
	} {
		d := NewDecoder(c.in)
		if c.read(d); !errors.Is(d.Err(), ErrInvalid) {
			t.Errorf("%s: got %v", c.name, d.Err())
		}
	}
	d := NewDecoder([]byte{0xa1, 0x05, 0x00})
	m := d.Map(1)
	m.Next()
	if m.Unknown(); d.Err() == nil || !strings.Contains(d.Err().Error(), "unknown key 5") {
		t.Errorf("unknown key: got %v", d.Err())
	}
}

// FuzzDecoder holds the decoder against another implementation: what is accepted is what a
// deterministic encoder writes for the same value.
func FuzzDecoder(f *testing.F) {
	f.Add(sample())
	f.Add([]byte{0x81, 0xf6})
	f.Add([]byte{0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder(b)
		if d.Skip(); d.End() != nil {
			return
		}
		var v any
		if err := cbor.Unmarshal(b, &v); err != nil {
			t.Fatalf("% x accepted, the other decoder says %v", b, err)
		}
		again, err := mode.Marshal(v)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("% x accepted, canonical is % x (%v)", b, again, err)
		}
	})
}

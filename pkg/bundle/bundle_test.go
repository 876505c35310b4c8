package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	g := keyOf(1)
	for _, n := range []int{1, 3000, 30000, 200000, 3 << 20} {
		for _, bucket := range []bool{false, true} {
			for _, form := range []string{"", FormSealed, FormOpen} {
				t.Run(fmt.Sprint(n, bucket, form), func(t *testing.T) {
					list := sample(uint64(n), n)
					o := sealed(g)
					o.Form, o.Bucket = form, bucket
					if form == FormOpen {
						o.To = Recipients{}
					}
					b, p := pack(t, o, list)
					again, _ := pack(t, o, list)
					if !bytes.Equal(b, again) {
						t.Fatal("same input, other bytes")
					}
					f := open(t, b, Keys{Groups: []Key{keyOf(5), g}})
					got := read(t, f)
					if !sameRecords(got, list) {
						t.Fatalf("%d records came out, %d went in", len(got), len(list))
					}
					if !f.Report.Whole() || f.Report.Body != p.Body || f.Report.Form != p.Form {
						t.Errorf("report %+v of %+v", f.Report, p)
					}
				})
			}
		}
	}
}

// TestWindows has more than one window.
func TestWindows(t *testing.T) {
	list := sample(9, 16<<20)
	b, _ := pack(t, sealed(keyOf(1)), list)
	f := open(t, b, Keys{Groups: []Key{keyOf(1)}})
	if got := read(t, f); !sameRecords(got, list) || !f.Report.Whole() {
		t.Errorf("%d of %d records, %+v", len(got), len(list), f.Report)
	}
	half := b[:len(b)/2]
	f = open(t, half, Keys{Groups: []Key{keyOf(1)}})
	if got := read(t, f); !subset(got, list) || len(got) < len(list)*45/100 || f.Report.Sound() {
		t.Errorf("half of the file: %d of %d records, %+v", len(got), len(list), f.Report)
	}
}

// TestChanged: input that is another on the second walk is an error, not a file that nobody can verify.
func TestChanged(t *testing.T) {
	n := 0
	src := func(yield func(Record) error) error {
		n++
		for i := range 80 {
			b := seeded(uint64(i), 150<<10)
			if n == 2 && i == 70 {
				b[5] ^= 1
			}
			if err := yield(Record{Kind: KindPiece, Payload: b}); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := Pack(io.Discard, src, sealed(keyOf(1))); !errors.Is(err, errChanged) {
		t.Error(err)
	}
}

func TestNotForUs(t *testing.T) {
	b, _ := pack(t, sealed(keyOf(1)), sample(1, 100000))
	for name, file := range map[string][]byte{"sealed": b, "random": seeded(3, 300000), "empty": nil, "short": seeded(3, 40)} {
		_, err := Open(bytes.NewReader(file), int64(len(file)), Keys{Groups: []Key{keyOf(2)}, Courier: &Key{}})
		if !errors.Is(err, ErrNotForUs) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

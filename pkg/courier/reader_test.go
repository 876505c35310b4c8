package courier

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
)

// TestReaders: what a reader proves is handed to it, what it refuses is not kept, what it cannot tell is kept and told so.
func TestReaders(t *testing.T) {
	homes := rooms(t, 2)
	a, b := homes[0], homes[1]
	var taken []string
	readers := map[bundle.Kind]Reader{bundle.KindProof: {
		Check: func(p []byte, now time.Time) error {
			switch {
			case !now.Equal(noon):
				return errors.New("told another time")
			case strings.HasPrefix(string(p), "true"):
				return nil
			case strings.HasPrefix(string(p), "far"):
				return Cannot("its chain is not held")
			}
			return errors.New("a lie")
		},
		Take: func(p []byte, _ time.Time) error { taken = append(taken, string(p)); return nil },
	}}
	var add []AddedFile
	for _, text := range []string{"true", "far", "false"} {
		add = append(add, AddedFile{Kind: "proof", Path: listFile(t, text)})
	}
	path, _ := a.pack(PackQuery{Add: add}) // a has no reader: it carries what it cannot tell
	b.cfg.Readers = readers
	got := map[string]string{}
	tell := func(r Result) error {
		if r.Kind == "proof" {
			got[r.Reason] = r.Result + " " + string(r.Checked)
		}
		return nil
	}
	want := map[string]string{"verified": "new verified", "not verifiable here: its chain is not held": "new unverified", "a lie": "refused "}
	v, err := b.Unpack(context.Background(), FileQuery{Path: path}, tell)
	if err != nil || v.Proven != 1 || v.Refused != 1 || v.Unsure == 0 {
		t.Fatalf("%v %+v", err, v)
	}
	for reason, what := range want {
		if got[reason] != what {
			t.Errorf("%q: %q, want %q", reason, got[reason], what)
		}
	}
	if !slices.Equal(taken, []string{"true"}) {
		t.Errorf("the reader has %q", taken)
	}
	clear(got)
	if v, err = b.Look(context.Background(), FileQuery{Path: path}, tell); err != nil || v.Proven != 1 || v.Refused != 1 || got["a lie"] != "refused " || len(taken) != 1 {
		t.Errorf("%v %+v %q %q", err, v, got, taken)
	}
	next, _ := b.pack(PackQuery{Carried: true})
	clear(got)
	if _, err = a.Look(context.Background(), FileQuery{Path: next}, tell); err != nil || len(got) == 0 {
		t.Errorf("%v: nothing is handed on", err)
	}
}

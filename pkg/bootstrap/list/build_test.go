package list

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// many are entries with keys that nobody can sign by: making those takes long.
func many(n int) []Entry {
	out := make([]Entry, n)
	addrs := entries(1)[0].Addrs
	for i := range out {
		binary.BigEndian.PutUint32(out[i].Key[:], uint32(i))
		out[i].Addrs = addrs
	}
	return out
}

func TestBuildRefuses(t *testing.T) {
	s, _ := signers(1, 1, 1, 1)
	twice := append(entries(2), entries(1)...)
	for name, d := range map[string]Draft{
		"nobody":   {Set: s, Seq: 1, Issued: t0},
		"twice":    {Set: s, Seq: 1, Issued: t0, Entries: twice},
		"seq":      {Set: s, Issued: t0, Entries: entries(1)},
		"life":     {Set: s, Seq: 1, Issued: t0, Expires: t0 + MaxLife + 1, Entries: entries(1)},
		"too many": {Set: s, Seq: 1, Issued: t0, Entries: many(MaxPeers + 1)},
		"leaves":   {Set: s, Seq: 1, Issued: t0, Entries: many(MaxPeers)},
		"room":     {Set: s, Seq: 1, Issued: t0, Entries: entries(1), Room: 40},
	} {
		if _, err := d.Build(); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l, err := (Draft{Set: s, Seq: 1, Issued: t0, Entries: many(MaxPeers), Room: MaxLeaf}).Build(); err != nil || l.Complete() != nil {
		t.Errorf("the largest list: %v", err)
	}
}

func TestAutoConf(t *testing.T) {
	s, keys := signers(1, 1, 1, 1)
	l := build(t, s, keys, 9, t0, 3)
	b, err := l.AutoConf("pars")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseAutoConf(b)
	if err != nil || len(got) != 6 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "[]", `{"AutoConfSchema":2}`, strings.Repeat(" ", MaxAutoConf+1)} {
		if _, err := ParseAutoConf([]byte(bad)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

package courier

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/store"
)

// TestShelf: a list goes from home to home as often as it may; the receipt finds its way back.
func TestShelf(t *testing.T) {
	h := rooms(t, 3)
	a, b, c := h[0], h[1], h[2]
	path, _ := a.pack(PackQuery{Add: []AddedFile{{Kind: "list", Path: listFile(t, "signed list")}, {Kind: "tx", Path: listFile(t, "\x02raw transaction")}}})
	if got := b.mustUnpack(path); got["list new"] != 1 || got["tx new"] != 1 {
		t.Fatal(got)
	}
	path, _ = b.pack(PackQuery{Carried: true})
	if got := c.mustUnpack(path); got["list new"] != 1 || got["tx new"] != 1 || got["receipt new"] != 1 {
		t.Fatal(got)
	}
	_, p := c.pack(PackQuery{Carried: true, Have: b.have()})
	if p.Records > 4 {
		t.Errorf("%d records go to a home that has the list", p.Records)
	}
	path, _ = c.pack(PackQuery{Carried: true})
	delivered := false
	_, err := a.Unpack(context.Background(), FileQuery{Path: path}, func(r Result) error {
		delivered = delivered || r.Kind == "receipt" && r.Result == "new" && strings.HasPrefix(r.Reason, "delivered to 02")
		return nil
	})
	if err != nil || !delivered {
		t.Errorf("the receipt did not come back: %v", err)
	}
}

// TestMail: envelopes for others go by copies and hops.
func TestMail(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	e := make([]byte, 1024)
	e[0], e[4] = 1, 7
	m := bundle.Mail{Copies: 5, Hops: 2, Envelope: e}
	if _, err := a.keep(shelved{Record: m.Record(), expiry: hoursOf(noon) + 5, hops: 2}, noon); err != nil {
		t.Fatal(err)
	}
	path, _ := a.pack(PackQuery{Carried: true})
	if got := b.mustUnpack(path); got["envelope new"] != 1 {
		t.Fatal(got)
	}
	if copies, hops := b.letter(); copies != 2 || hops != 1 {
		t.Errorf("%d copies, %d hops", copies, hops)
	}
	for _, left := range []uint8{3, 2, 1, 1} { // what is handed over is gone, and the last one is for the recipient alone
		if copies, hops := a.letter(); copies != left || hops != 2 {
			t.Errorf("%d copies, %d hops stay, want %d", copies, hops, left)
		}
		a.pack(PackQuery{Carried: true})
	}
}

// letter returns copies and hops of the one envelope that is carried.
func (h *home) letter() (copies, hops uint8) {
	h.t.Helper()
	shelf, err := h.shelf()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, s := range shelf {
		if s.Kind == bundle.KindEnvelope {
			m, err := bundle.DecodeMail(s.Payload)
			if err != nil {
				h.t.Fatal(err)
			}
			return m.Copies, m.Hops
		}
	}
	return 0, 0
}

// TestWrongSession: a bundle for two sessions, of which one is not ours.
func TestWrongSession(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	other, err := a.sessions.Create("other", noon)
	if err != nil {
		t.Fatal(err)
	}
	path, _ := a.pack(PackQuery{Sessions: []string{a.room.ID().String(), other.ID().String()}})
	v, count, err := b.unpack(path)
	if err != nil || count["refused"] != 1 || count["new"] == 0 || v.Refused != 1 {
		t.Errorf("%v %v", err, count)
	}
}

// TestForgedReceipt: only who opened a bundle can say that it arrived.
func TestForgedReceipt(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	path, p := a.pack(PackQuery{})
	v, _, err := b.unpack(path)
	if err != nil {
		t.Fatal(err)
	}
	r := bundle.Receipt{Body: v.Body, Hours: 5, Chunks: []bundle.Range{{From: 0, To: 0}}}
	r.Seal(bundle.Key{9})
	if v.Body.String() != p.Body {
		t.Fatal("another body")
	}
	forged := filepath.Join(t.TempDir(), "forged")
	f, err := os.Create(forged)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Pack(f, bundle.Records(r.Record()), bundle.Options{Form: bundle.FormOpen}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, count, err := a.unpack(forged); err != nil || count["receipt refused"] != 1 {
		t.Errorf("%v %v", err, count)
	}
}

// counted counts walks and commits of an engine.
type counted struct {
	store.Engine
	scans, commits int
}

func (c *counted) Scan(prefix, from []byte, f func(k, v []byte) bool) error {
	c.scans++
	return c.Engine.Scan(prefix, from, f)
}

func (c *counted) Commit(w []store.Write) error {
	c.commits++
	return c.Engine.Commit(w)
}

// TestManyRecords: a bundle of many small records reads the shelf once, and does not commit each of them.
func TestManyRecords(t *testing.T) {
	h := newHome(t, 1)
	engine := &counted{Engine: h.engine}
	h.engine = engine
	h.reopen()
	var list []bundle.Record
	for i := range 2000 {
		list = append(list, bundle.Record{Kind: bundle.KindTx, Payload: fmt.Appendf(nil, "transaction %d", i)})
	}
	engine.scans, engine.commits = 0, 0
	if count := h.unpackRecords(1, list...); count["new"] != 2000 {
		t.Errorf("%v", count)
	}
	if engine.scans > 10 || engine.commits > 10 {
		t.Errorf("%d walks over the store, %d commits", engine.scans, engine.commits)
	}
}

package courier

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/store"
)

var noon = time.UnixMilli(1_800_000_000_000).UTC()

// keep makes an engine outlive the Store that is closed over it.
type keep struct{ store.Engine }

func (keep) Close() error { return nil }

// home is one device: everything in it but the engine and the folder is opened anew by reopen.
type home struct {
	*Courier
	t        *testing.T
	engine   store.Engine
	dir      string
	id       byte
	sessions *session.Sessions
	room     *session.Session
}

func newHome(t *testing.T, id byte) *home {
	h := &home{t: t, engine: store.NewMemory(), dir: t.TempDir(), id: id}
	h.reopen()
	return h
}

func (h *home) reopen() {
	h.t.Helper()
	st, err := store.New(keep{h.engine}, store.Options{Key: store.Key{h.id}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { st.Close() })
	if h.sessions, err = session.Open(session.Config{Store: st, State: store.Key{1}, Rand: rand.Reader}); err != nil {
		h.t.Fatal(err)
	}
	h.Courier, err = New(Config{Dir: h.dir, Store: st, Sessions: h.sessions, DEK: store.Key{h.id}, Who: [8]byte{h.id}, Clock: func() time.Time { return noon }, Rand: rand.Reader})
	if err != nil {
		h.t.Fatal(err)
	}
	if l := h.sessions.List(); len(l) > 0 {
		h.room = l[0]
	}
}

// rooms makes homes that share a session and have never met.
func rooms(t *testing.T, n int) []*home {
	t.Helper()
	var out []*home
	for i := range n {
		h := newHome(t, byte(i+1))
		var err error
		if i == 0 {
			h.room, err = h.sessions.Create("room", noon)
		} else {
			h.room, err = h.sessions.Join(out[0].room.Invite(noon.Add(time.Hour), nil), fmt.Sprint("name", i), noon)
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, h)
	}
	return out
}

func (h *home) say(n int, seed uint64) {
	h.t.Helper()
	r := mrand.New(mrand.NewPCG(seed, 5))
	for i := range n {
		if _, err := h.room.Send(strings.Repeat("سلام ", 1+r.IntN(30))+fmt.Sprint(seed, i), noon.Add(time.Duration(i)*time.Second)); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *home) pack(q PackQuery) (string, Packed) {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "bundle")
	f, err := os.Create(path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if len(q.Sessions) == 0 && len(q.Vertices) == 0 {
		q.Sessions = []string{h.room.ID().String()}
	}
	p, err := h.Pack(context.Background(), q, f)
	if err != nil {
		h.t.Fatal(err)
	}
	return path, p
}

func (h *home) unpack(path string) (*Verdict, map[string]int, error) {
	h.t.Helper()
	count := map[string]int{}
	v, err := h.Unpack(context.Background(), FileQuery{Path: path}, func(r Result) error {
		count[r.Result]++
		count[r.Kind+" "+r.Result]++
		return nil
	})
	return v, count, err
}

func (h *home) mustUnpack(path string) map[string]int {
	h.t.Helper()
	v, count, err := h.unpack(path)
	if err != nil || v.Refused > 0 {
		h.t.Fatalf("%v, %v", err, count)
	}
	return count
}

func (h *home) have() [][]byte {
	h.t.Helper()
	b, err := h.Have(context.Background(), HaveQuery{Cells: 64})
	if err != nil {
		h.t.Fatal(err)
	}
	return [][]byte{b}
}

func same(a, b *home) bool { return a.room.Log().Digest() == b.room.Log().Digest() }

// TestThreeTrips: bundles alone make two homes equal, and the third carries what is missing and no more.
func TestThreeTrips(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	a.say(700, 1)
	b.say(300, 2)
	one, _ := a.pack(PackQuery{Parity: 800})
	b.mustUnpack(one)
	two, p := b.pack(PackQuery{Parity: 800, Have: a.have()})
	if p.Entries != 301 {
		t.Errorf("the second trip carries %d entries, not the 301 that are missing", p.Entries)
	}
	a.mustUnpack(two)
	if !same(a, b) {
		t.Fatal("two trips do not make them equal")
	}
	a.say(5, 3)
	all, _ := a.pack(PackQuery{Form: bundle.FormSealed})
	three, p := a.pack(PackQuery{Have: b.have()})
	if p.Entries != 5 || p.Size > 5*900 || p.Size*20 > size(t, all) {
		t.Errorf("the third trip has %d entries in %d bytes, all of it %d", p.Entries, p.Size, size(t, all))
	}
	b.mustUnpack(three)
	if !same(a, b) {
		t.Error("three trips do not make them equal")
	}
	if v, _, err := b.unpack(one); err != nil || !v.Known {
		t.Errorf("a bundle that was taken is read again: %v %+v", err, v)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestForwarded: what a home got by bundles, with few signatures, it can hand on, to a third and a fourth.
func TestForwarded(t *testing.T) {
	h := rooms(t, 4)
	for i := range uint64(3) {
		h[i].say(1700, i)
		if i > 0 {
			path, _ := h[i-1].pack(PackQuery{Parity: 100})
			h[i].mustUnpack(path)
			h[i].say(600, 10+i)
		}
	}
	path, _ := h[2].pack(PackQuery{Parity: 100})
	h[3].mustUnpack(path)
	if _, parked := h[3].room.Log().Count(); parked > 0 {
		t.Errorf("%d wait in the end", parked)
	}
	h[3].say(2, 20)
	path, _ = h[3].pack(PackQuery{Parity: 100})
	for i := range 3 {
		h[i].mustUnpack(path)
		if !same(h[i], h[3]) {
			t.Errorf("home %d is not equal", i)
		}
	}
}

// TestForwardedPair: two wrote at once, far more than a log parks of an author; who got both by bundles hands them on.
func TestForwardedPair(t *testing.T) {
	h := rooms(t, 4)
	for i := range uint64(2) {
		h[i].say(1500, i)
		path, _ := h[i].pack(PackQuery{Parity: 100})
		h[2].mustUnpack(path)
	}
	path, _ := h[2].pack(PackQuery{Parity: 100})
	h[3].mustUnpack(path)
	path, _ = h[3].pack(PackQuery{Have: h[2].have()})
	h[2].mustUnpack(path)
	if !same(h[2], h[3]) {
		t.Error("not equal")
	}
}

// TestLimit: a bundle never exceeds its limit, fills it, and every trip goes on where the last one ended.
func TestLimit(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	a.say(3500, 1)
	for trip, limit := range []int64{2953, 40 << 10, 100_000, 200_000, 1 << 20, 16 << 20} {
		q := PackQuery{Limit: limit, Parity: 800, Have: b.have()}
		path, p := a.pack(q)
		if p.Size > limit || size(t, path) != p.Size {
			t.Fatalf("%d bytes of %d", p.Size, limit)
		}
		if p.Left > 0 && p.Size < limit*97/100 && limit > 50_000 {
			t.Errorf("%d bytes of %d, and %d entries left", p.Size, limit, p.Left)
		}
		if p.Left > 0 && p.Size < limit*90/100 {
			t.Errorf("%d bytes of %d, and %d entries left", p.Size, limit, p.Left)
		}
		if p.Entries == 0 {
			t.Errorf("trip %d carries nothing", trip)
			break
		}
		if got := b.mustUnpack(path); got["parked"] > 0 {
			t.Errorf("%d wait", got["parked"])
		}
		if p.Left == 0 {
			break
		}
	}
	path, _ := b.pack(PackQuery{Have: a.have()})
	a.mustUnpack(path)
	if !same(a, b) {
		t.Error("not equal in the end")
	}
}

// shaky is an engine whose n-th Commit from now fails, before or after it is done: what a crash at that moment leaves.
type shaky struct {
	store.Engine
	n    int
	late bool
}

var errCrash = errors.New("power is gone")

func (s *shaky) Commit(w []store.Write) error {
	if s.n--; s.n == 0 {
		if s.late {
			if err := s.Engine.Commit(w); err != nil {
				return err
			}
		}
		return errCrash
	}
	return s.Engine.Commit(w)
}

// TestCrash takes a bundle while the power goes at every commit: what was told as new is there afterwards, and the
// same command ends it.
func TestCrash(t *testing.T) {
	h := rooms(t, 2)
	a := h[0]
	a.say(120, 1)
	file := filepath.Join(t.TempDir(), "app.bin")
	content := bytes.Repeat([]byte("program "), 60_000)
	if err := os.WriteFile(file, content, 0o700); err != nil {
		t.Fatal(err)
	}
	q := PackQuery{Parity: 800, Add: []AddedFile{{Kind: "file", Path: file, Name: "app.bin"}, {Kind: "list", Path: listFile(t, "a list")}}}
	path, _ := a.pack(q)
	for _, late := range []bool{false, true} {
		for k := 1; ; k++ {
			b := newHome(t, 9)
			b.room = nil
			if _, err := b.sessions.Join(a.room.Invite(noon.Add(time.Hour), nil), "b", noon); err != nil {
				t.Fatal(err)
			}
			b.reopen()
			b.engine = &shaky{Engine: b.engine, n: k, late: late}
			b.reopen()
			told := map[string]bool{}
			_, err := b.Unpack(context.Background(), FileQuery{Path: path}, func(r Result) error {
				if r.Kind == "vertices" && r.Result == "new" {
					told[r.ID] = true
				}
				return nil
			})
			if err == nil {
				if k < 3 {
					t.Fatalf("only %d commits", k)
				}
				break
			}
			b.reopen()
			for _, m := range b.room.Log().Order() {
				delete(told, m.ID.String())
			}
			if len(told) > 0 {
				t.Fatalf("commit %d: %d entries were told and are lost", k, len(told))
			}
			b.mustUnpack(path)
			got, err := os.ReadFile(filepath.Join(b.dir, "files", "files", "app.bin"))
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("commit %d: the file is not there: %v", k, err)
			}
			if n, _ := b.room.Log().Count(); n != 122 {
				t.Fatalf("commit %d: %d entries of 122", k, n)
			}
			if k > 60 {
				t.Fatal("no end")
			}
		}
	}
}

func listFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDamaged takes what is whole of a damaged bundle, and the rest of a good copy later.
func TestDamaged(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	a.say(3000, 1)
	path, p := a.pack(PackQuery{Form: bundle.FormSealed})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(whole)
	at := len(bad) * 2 / 3
	bad = bad[:at]
	cut := filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(cut, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	v, count, err := b.unpack(cut)
	if err != nil || v.Sound() || count["refused"] > 0 {
		t.Fatalf("%v %+v %v", err, v, count)
	}
	if got := count["new"] + count["parked"]; got < p.Entries*40/100 {
		t.Errorf("%d of %d entries from two thirds of the file", got, p.Entries)
	}
	got := b.mustUnpack(path)
	if got["new"] == 0 {
		t.Error("the rest is not taken")
	}
	if n, parked := b.room.Log().Count(); n != 3002 || parked != 0 {
		t.Errorf("%d entries, %d wait", n, parked)
	}
}

// TestGarbage: bytes that are no bundle of ours change nothing.
func TestGarbage(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	a.say(50, 1)
	path, _ := a.pack(PackQuery{Parity: 800})
	c := newHome(t, 7)
	if _, _, err := c.unpack(path); !errors.Is(err, bundle.ErrNotForUs) {
		t.Errorf("a stranger: %v", err)
	}
	before := b.room.Log().Digest()
	for i := range uint64(8) {
		junk := make([]byte, 1<<i*700)
		mrand.NewChaCha8([32]byte{byte(i)}).Read(junk)
		if err := os.WriteFile(path, junk, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.unpack(path); !errors.Is(err, bundle.ErrNotForUs) {
			t.Errorf("junk: %v", err)
		}
	}
	if b.room.Log().Digest() != before {
		t.Error("garbage changed the log")
	}
	if _, err := os.Stat(filepath.Join(b.dir, "files")); !errors.Is(err, os.ErrNotExist) {
		t.Error("garbage made a folder")
	}
}

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
	if _, err := a.keep([]shelved{{Record: m.Record(), expiry: hoursOf(noon) + 5, hops: 2}}, noon); err != nil {
		t.Fatal(err)
	}
	path, _ := a.pack(PackQuery{Carried: true})
	if got := b.mustUnpack(path); got["envelope new"] != 1 {
		t.Fatal(got)
	}
	shelf, err := b.shelf()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shelf {
		if x, err := bundle.DecodeMail(s.Payload); s.Kind == bundle.KindEnvelope && (err != nil || x.Copies != 2 || x.Hops != 1) {
			t.Errorf("%d copies, %d hops", x.Copies, x.Hops)
		}
	}
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

func TestHomeless(t *testing.T) {
	h := rooms(t, 1)
	q := PackQuery{Form: bundle.FormOpen, Parity: 800, Add: []AddedFile{{Kind: "file", Path: listFile(t, "program"), Name: "prog"}}}
	path := filepath.Join(t.TempDir(), "stick")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h[0].Pack(context.Background(), q, f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	into := t.TempDir()
	c := Homeless(func() time.Time { return noon })
	if _, err := c.Unpack(context.Background(), FileQuery{Path: path, Into: into}, func(Result) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(into, "files", "prog")); err != nil || string(b) != "program" {
		t.Errorf("%q %v", b, err)
	}
	q.Sessions = []string{h[0].room.ID().String()}
	if _, err := h[0].Pack(context.Background(), q, &bytes.Buffer{}); err == nil {
		t.Error("messages go in open form")
	}
}

// TestFalseFile: pieces that do not give the file that is named are not handed out.
func TestFalseFile(t *testing.T) {
	sum := [32]byte{1, 2, 3}
	rel := bundle.Release{Name: "pars", Version: "1", Files: []bundle.ReleaseFile{{Name: "prog", Size: 4, Sum: sum, Exec: true}}}
	p := bundle.Piece{Object: sum, Total: 4, Data: []byte("evil")}
	path := filepath.Join(t.TempDir(), "stick")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Pack(f, bundle.Records(p.Record(), rel.Record()), bundle.Options{Form: bundle.FormOpen, Parity: 800}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	h := rooms(t, 1)[0]
	_, count, err := h.unpack(path)
	if err != nil || count["piece refused"] != 1 {
		t.Errorf("%v %v", err, count)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "files", "pars", "prog")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a false program is there")
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

// TestReadAgain: a bundle of which something was refused is read again, and then known.
func TestReadAgain(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	other, err := a.sessions.Create("other", noon)
	if err != nil {
		t.Fatal(err)
	}
	path, _ := a.pack(PackQuery{Sessions: []string{a.room.ID().String(), other.ID().String()}})
	if _, _, err := b.unpack(path); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sessions.Join(other.Invite(noon.Add(time.Hour), nil), "b", noon); err != nil {
		t.Fatal(err)
	}
	if v, count, err := b.unpack(path); err != nil || v.Known || count["new"] == 0 || count["refused"] > 0 {
		t.Errorf("%v %+v %v", err, v, count)
	}
	if v, _, err := b.unpack(path); err != nil || !v.Known {
		t.Errorf("%v %+v", err, v)
	}
}

// TestNothingTold searches bundles of one session for everything a member knows of it, and for what two have in common.
func TestNothingTold(t *testing.T) {
	h := rooms(t, 2)
	a := h[0]
	if _, err := a.room.Send("the text that must not be found", noon); err != nil {
		t.Fatal(err)
	}
	a.say(40, 1)
	for _, q := range []PackQuery{{Parity: 800, Form: bundle.FormSealed}, {}} {
		var files [][]byte
		for i := range 2 {
			q.Created = hoursOf(noon) + uint32(i)
			path, p := a.pack(q)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, b)
			key, sync, id := a.room.BundleKey(), a.room.SyncSecret(), a.room.ID()
			needles := map[string][]byte{"text": []byte("must not be"), "title": []byte("room"), "name": []byte("name1"), "word": []byte("سلام"),
				"session": id[:8], "session in hex": []byte(id.String()[:16]), "group key": key[:8], "sync secret": sync[:8], "body id": []byte(p.Body[:16])}
			for _, s := range a.room.Log().Authors() {
				needles["author "+fmt.Sprintf("%x", s.Key[:4])], needles["tip "+fmt.Sprintf("%x", s.Tip[:4])] = s.Key[:8], s.Tip[:8]
			}
			for name, n := range needles {
				if bytes.Contains(b, n) {
					t.Errorf("%s stands in a %s file", name, p.Form)
				}
			}
		}
		seen := map[[8]byte]bool{}
		for i := 0; i+8 <= len(files[0]); i++ {
			seen[[8]byte(files[0][i:i+8])] = true
		}
		for i := 0; i+8 <= len(files[1]); i++ {
			if seen[[8]byte(files[1][i:i+8])] {
				t.Fatalf("two bundles of one session share 8 bytes at %d", i)
			}
		}
	}
}

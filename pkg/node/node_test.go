package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/socket"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

func testProfile(t *testing.T, name string) *profile.Profile {
	t.Helper()
	p, err := profile.Load(name, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func config(t *testing.T, dir string) HomeConfig {
	return HomeConfig{Dir: dir, Profile: testProfile(t, "devnet")}
}

// tempHome is short enough for a socket.
func tempHome(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pars")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// start runs a node on loopback; more is applied before Start.
func start(t *testing.T, dir string, more func(*Node)) *Node {
	t.Helper()
	h, err := OpenHome(config(t, dir), true)
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{Home: h, Profile: h.cfg.Profile, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, NoMDNS: true, NoResolve: true}
	if more != nil {
		more(n)
	}
	if err := n.Start(t.Context()); err != nil {
		h.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func api(t *testing.T, dir string) API {
	t.Helper()
	a, err := Attach(t.Context(), config(t, dir), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func readAll(t *testing.T, a API, session string) (out []Message) {
	t.Helper()
	err := a.Read(t.Context(), ReadQuery{Session: session}, func(m Message) error { out = append(out, m); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAPI holds the home itself and the socket of a node on it to one suite.
func TestAPI(t *testing.T) {
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprintf("running=%v", running), func(t *testing.T) {
			dir := tempHome(t)
			if running {
				start(t, dir, nil)
			}
			suite(t, dir, running)
		})
	}
}

func suite(t *testing.T, dir string, running bool) {
	a, ctx := api(t, dir), t.Context()
	id, err := a.ID(ctx)
	if err != nil || !strings.HasPrefix(id.Account, "pars1") || len(id.NodeID) != 64 {
		t.Fatalf("id %+v %v", id, err)
	}
	inv, err := a.Invite(ctx, InviteQuery{Title: "room", Expires: time.Hour})
	if err != nil || inv.Expires == nil {
		t.Fatalf("invite %+v %v", inv, err)
	}
	for _, text := range []string{"one", "two\tcolumns", "three"} {
		if m, err := a.Send(ctx, SendQuery{Session: inv.Session[:8], Text: text}); err != nil || m.State != "local" || m.Session != inv.Session {
			t.Fatalf("send %+v %v", m, err)
		}
	}
	got := readAll(t, a, inv.Session)
	if len(got) != 3 || got[1].Content != "two\tcolumns" || !got[0].Mine {
		t.Fatalf("read %+v", got)
	}
	n := 0
	a.Read(ctx, ReadQuery{Session: inv.Session, Since: got[0].ID}, func(Message) error { n++; return nil })
	if n != 2 {
		t.Errorf("%d messages since the first", n)
	}
	suiteDag(t, a, inv.Session, got[2].ID)
	suiteErrors(t, a, inv)
	if st, err := a.Status(ctx); err != nil || st.Running != running || st.Vertices != 4 || st.Sessions != 1 || len(st.Alarms) != 0 {
		t.Errorf("status %+v %v", st, err)
	}
	if err := a.Peers(ctx, func(Peer) error { return nil }); running != (err == nil) {
		t.Errorf("peers: %v", err)
	}
}

func suiteDag(t *testing.T, a API, s, last string) {
	t.Helper()
	ctx := t.Context()
	var heads []Head
	a.Heads(ctx, "", func(h Head) error { heads = append(heads, h); return nil })
	if len(heads) != 1 || heads[0].ID != last {
		t.Errorf("heads %+v", heads)
	}
	v, err := a.Cat(ctx, last)
	if err != nil || v.Seq != 3 || v.Kind != "app" || len(v.Bytes) == 0 || v.Signature == "" {
		t.Errorf("cat %+v %v", v, err)
	}
	var log []Vertex
	a.Log(ctx, s, func(v Vertex) error { log = append(log, v); return nil })
	if len(log) != 4 || log[0].Kind != "control" {
		t.Errorf("log %+v", log)
	}
	c, err := a.Check(ctx, s)
	if err != nil || c.Vertices != 4 || c.Heads != 1 || len(c.Faults) != 0 {
		t.Errorf("check %+v %v", c, err)
	}
	var file bytes.Buffer
	if err := a.Export(ctx, s, &file); err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := a.Draw(ctx, DrawQuery{Session: s}, &picture); err != nil || !bytes.HasPrefix(picture.Bytes(), []byte("<svg")) {
		t.Errorf("draw: %v %.20s", err, picture.Bytes())
	}
	broken := bytes.Clone(file.Bytes())
	broken[len(broken)-1] ^= 1 // the body of the last
	count := map[string]int{}
	err = a.Import(ctx, io.MultiReader(bytes.NewReader(broken), &file), func(i Imported) error { count[i.Result+i.Reason]++; return nil })
	if err != nil || count["known"] != 7 || count["refusedbody"] != 1 {
		t.Errorf("import %v %v", count, err)
	}
	if err := a.Import(ctx, strings.NewReader("\xff\xfe"), func(Imported) error { return nil }); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("import of garbage: %v", err)
	}
}

// suiteErrors: what callers decide on must cross the socket.
func suiteErrors(t *testing.T, a API, inv Invitation) {
	t.Helper()
	ctx := t.Context()
	join := func(s string) error { _, err := a.Join(ctx, JoinQuery{Invite: s}); return err }
	_, sendErr := a.Send(ctx, SendQuery{Session: "ffff", Text: "x"})
	_, catErr := a.Cat(ctx, strings.Repeat("0", 64))
	for name, c := range map[string]struct{ got, want error }{
		"no session": {sendErr, store.ErrNotFound},
		"no vertex":  {catErr, store.ErrNotFound},
		"garbage":    {join("pars:invite/zzz"), wire.ErrInvalid},
		"cut":        {join(inv.Invite[:90]), wire.ErrInvalid},
		"own":        {join(inv.Invite), nil},
		"export":     {a.Export(ctx, "ffff", io.Discard), store.ErrNotFound},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: got %v want %v", name, c.got, c.want)
		}
	}
}

func TestInviteOfAnotherNetwork(t *testing.T) {
	inv, err := api(t, tempHome(t)).Invite(t.Context(), InviteQuery{})
	if err != nil {
		t.Fatal(err)
	}
	other := config(t, tempHome(t))
	other.Profile = testProfile(t, "pars-2026")
	a, err := Attach(t.Context(), other, true)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Join(t.Context(), JoinQuery{Invite: inv.Invite}); !errors.Is(err, session.ErrNetwork) {
		t.Errorf("got %v", err)
	}
}

// TestLive: two nodes on loopback; what one sends, the other's follower gets; a new session is shared
// over the connection that stands; a restart comes back by its anchors alone.
func TestLive(t *testing.T) {
	da, db := tempHome(t), tempHome(t)
	na := start(t, da, nil)
	nb := start(t, db, func(n *Node) { n.Peers = na.Addrs()[:1] })
	a, b := api(t, da), api(t, db)
	inv, err := a.Invite(t.Context(), InviteQuery{Title: "live"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(t.Context(), JoinQuery{Invite: inv.Invite, Name: "b"}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	got := make(chan Message, 16)
	go b.Read(ctx, ReadQuery{Session: inv.Session, Follow: true}, func(m Message) error { got <- m; return nil })
	defer stop()
	for i := range 3 {
		if _, err := a.Send(t.Context(), SendQuery{Session: inv.Session, Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-got:
			if m.Content != fmt.Sprint(i) {
				t.Fatalf("got %q", m.Content)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing arrived")
		}
	}
	until(t, "the sender learns that a peer has it", func() bool {
		ms := readAll(t, a, inv.Session)
		return ms[len(ms)-1].State == "sent"
	})
	stop()
	nb.Close()
	a.Send(t.Context(), SendQuery{Session: inv.Session, Text: "while away"})
	start(t, db, nil) // no --peer: its anchor is a
	b = api(t, db)
	until(t, "what was said while away", func() bool { return len(readAll(t, b, inv.Session)) == 4 })
}

func TestPortTaken(t *testing.T) {
	n := start(t, tempHome(t), nil)
	h, err := OpenHome(config(t, tempHome(t)), true)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	addr, _, _ := strings.Cut(n.Addrs()[0], "/p2p/")
	err = (&Node{Home: h, Profile: h.cfg.Profile, Listen: []string{addr}, NoMDNS: true}).Start(t.Context())
	if !errors.Is(err, ErrPort) {
		t.Errorf("got %v", err)
	}
}

func TestLongHome(t *testing.T) {
	h, err := OpenHome(config(t, filepath.Join(tempHome(t), strings.Repeat("long", 30))), true)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	n := &Node{Home: h, Profile: h.cfg.Profile, Offline: true}
	if err := n.Start(t.Context()); !errors.Is(err, socket.ErrPath) {
		t.Errorf("got %v", err)
	}
}

func TestPassphrase(t *testing.T) {
	cfg := config(t, tempHome(t))
	cfg.Passphrase = []byte("right")
	h, err := OpenHome(cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
	cfg.Passphrase = []byte("wrong")
	if _, err := OpenHome(cfg, false); !errors.Is(err, ErrPassphrase) {
		t.Errorf("got %v", err)
	}
	cfg.Passphrase = nil
	if _, err := OpenHome(cfg, false); !errors.Is(err, ErrPassphrase) {
		t.Errorf("without: %v", err)
	}
}

func TestNoHome(t *testing.T) {
	if _, err := OpenHome(config(t, filepath.Join(tempHome(t), "x")), false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestWipeWhileRunning: the keys go, the node ends, nothing is left.
func TestWipeWhileRunning(t *testing.T) {
	dir := tempHome(t)
	n := start(t, dir, nil)
	if _, err := api(t, dir).Invite(t.Context(), InviteQuery{Title: "secret"}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { <-n.Done(); n.Close(); close(done) }()
	if err := Wipe(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	<-done
	left, _ := os.ReadDir(dir)
	for _, e := range left {
		t.Errorf("%s is left", e.Name())
	}
	if _, err := OpenHome(config(t, dir), false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("opens: %v", err)
	}
}

func FuzzDecodeAnchors(f *testing.F) {
	f.Add(encodePeers(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := decodePeers(b, maxAnchors); err == nil && len(list) > maxAnchors {
			t.Error("too many")
		}
	})
}

package readers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
)

// devnet is a copy of the profile with own first peers.
func devnet(t *testing.T, b *profile.Bootstrap) *profile.Profile {
	t.Helper()
	p, err := profile.Load("devnet", os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	out := *p
	out.Bootstrap = b
	return &out
}

// noon is when lists are issued, proven when the chain in testdata was.
func noon() time.Time   { return time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC) }
func proven() time.Time { return time.Unix(1_780_272_000, 0) }

// signers sign lists and rotations.
type signers struct {
	key sig.Private
	set *list.Set
}

func newSigners(p *profile.Profile, seed byte) *signers {
	s := &signers{key: sig.FromSeed([32]byte{seed})}
	s.set = &list.Set{Network: list.NetworkTag(p.NetID()), Epoch: 1, K: 1, Keys: []sig.Public{s.key.Public()}}
	return s
}

func (s *signers) list(t *testing.T, seq uint64, issued time.Time) *list.List {
	t.Helper()
	peer := sig.FromSeed([32]byte{77})
	line := `{"peer_id":"` + list.PeerID(peer.Public()) + `","addrs":["/ip4/203.0.113.5/tcp/4001/p2p/` + list.PeerID(peer.Public()) + `"],"reachable":true,"last":"` +
		issued.Format(time.RFC3339) + `"}` + "\n"
	entries, err := list.ReadNodes(bytes.NewReader([]byte(line)), issued, true, func(peer, why string) { t.Error(peer, why) })
	if err != nil {
		t.Fatal(err)
	}
	l, err := list.Draft{Set: s.set, Seq: seq, Issued: uint64(issued.Unix()), Entries: entries}.Build()
	if err == nil {
		err = l.Root.SignWith(s.set, s.key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// check runs the check of a home and tells "verified", "cannot" or "refused".
func check(h Home, k bundle.Kind, b []byte, at time.Time) string {
	switch err := Of(h)[k].Check(b, at); {
	case err == nil:
		return "verified"
	case errors.Is(err, courier.ErrCannot):
		return "cannot"
	}
	return "refused"
}

// TestList: a list is believed by its signatures, goes to the memory of the race, and an older one is no longer news.
func TestList(t *testing.T) {
	bare := devnet(t, nil)
	ours, others := newSigners(bare, 1), newSigners(bare, 2)
	p := devnet(t, &profile.Bootstrap{AllowPrivate: true, TrustSets: []string{base64.RawURLEncoding.EncodeToString(ours.set.Encode())}})
	st, err := store.New(store.NewMemory(), store.Options{Key: store.Key{7}})
	if err != nil {
		t.Fatal(err)
	}
	h := Home{Profile: p, Memory: Settings{st}}
	good, forged, old := ours.list(t, 2, noon()), ours.list(t, 3, noon()), ours.list(t, 1, noon().Add(-time.Hour))
	forged.Root.Sigs[0].Sig[5] ^= 1
	for _, c := range []struct {
		name string
		home Home
		b    []byte
		at   time.Time
		want string
	}{
		{"good", h, good.EncodeFile(), noon(), "verified"},
		{"forged", h, forged.EncodeFile(), noon(), "refused"},
		{"expired", h, good.EncodeFile(), noon().AddDate(0, 2, 0), "refused"},
		{"issued tomorrow", h, good.EncodeFile(), noon().AddDate(0, 0, -3), "refused"},
		{"by others", h, others.list(t, 2, noon()).EncodeFile(), noon(), "cannot"},
		{"nobody is trusted", Home{Profile: bare}, good.EncodeFile(), noon(), "cannot"},
		{"rubbish", h, []byte("no list"), noon(), "refused"},
		{"cut", h, good.EncodeFile()[:60], noon(), "refused"},
	} {
		if got := check(c.home, bundle.KindList, c.b, c.at); got != c.want {
			t.Errorf("%s: %s, want %s: %v", c.name, got, c.want, Of(c.home)[bundle.KindList].Check(c.b, c.at))
		}
	}
	if err := Of(h)[bundle.KindList].Take(good.EncodeFile(), noon()); err != nil {
		t.Fatal(err)
	}
	if got := check(h, bundle.KindList, old.EncodeFile(), noon()); got != "cannot" {
		t.Errorf("a list before the one that is held: %s", got)
	}
	s := &bootstrap.Setup{Profile: p, Memory: h.Memory, Now: func() time.Time { return noon() }}
	roads, err := s.Roads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roads {
		if r.Name == "cache" {
			return
		}
	}
	t.Errorf("the race does not find the list: %v", roads)
}

// TestNames: a chain of records is believed up to the root keys of the profile.
func TestNames(t *testing.T) {
	b, err := os.ReadFile("testdata/names.pdc")
	if err != nil {
		t.Fatal(err)
	}
	anchors, err := os.ReadFile("testdata/anchors")
	if err != nil {
		t.Fatal(err)
	}
	h := Home{Profile: devnet(t, &profile.Bootstrap{DNS: profile.DNS{Anchors: []string{string(bytes.TrimSpace(anchors))}}}), Files: store.OS(t.TempDir())}
	bent := bytes.Clone(b)
	bent[len(bent)/2] ^= 4
	for _, c := range []struct {
		name string
		home Home
		b    []byte
		at   time.Time
		want string
	}{
		{"good", h, b, proven(), "verified"},
		{"bent", h, bent, proven(), "refused"},
		{"old", h, b, proven().AddDate(1, 0, 0), "refused"},
		{"no anchors", Home{Profile: devnet(t, nil)}, b, proven(), "cannot"},
		{"rubbish", h, []byte("PDC1rubbish"), proven(), "refused"},
		{"rubbish of Handshake", h, []byte("PHN1rubbish"), proven(), "refused"},
	} {
		if got := check(c.home, bundle.KindDNSSEC, c.b, c.at); got != c.want {
			t.Errorf("%s: %s, want %s: %v", c.name, got, c.want, Of(c.home)[bundle.KindDNSSEC].Check(c.b, c.at))
		}
	}
}

// TestUpdate: an update is believed by the committee that is known here, and the better one waits for the light client.
func TestUpdate(t *testing.T) {
	c := evmtest.New(40)
	boot := c.Bootstrap(8)
	st, err := light.NewStore(c.Spec, c.Root(8), boot)
	if err != nil {
		t.Fatal(err)
	}
	files := store.OS(t.TempDir())
	id := c.Spec.ID()
	if err := store.WriteAtomic(files, "evm/"+hex.EncodeToString(id[:4])+".light", st.Export()); err != nil {
		t.Fatal(err)
	}
	h := Home{Profile: c.Profile, Files: files}
	at := time.Unix(c.Spec.TimeOf(38), 0)
	encoded := func(slot uint64) []byte {
		return Update(c.Spec, light.KindUpdate, c.Update(slot, c.All()).Encode(c.Spec, light.KindUpdate))
	}
	good := encoded(30)
	forged := c.Update(30, c.All())
	forged.Signature[9] ^= 1
	other := bytes.Clone(good)
	other[0] ^= 1
	for _, x := range []struct {
		name string
		home Home
		b    []byte
		want string
	}{
		{"good", h, good, "verified"},
		{"forged", h, Update(c.Spec, light.KindUpdate, forged.Encode(c.Spec, light.KindUpdate)), "refused"},
		{"another chain", h, other, "cannot"},
		{"a checkpoint", h, Update(c.Spec, light.KindBootstrap, boot.Encode(c.Spec)), "cannot"},
		{"nothing is held", Home{Profile: c.Profile, Files: store.OS(t.TempDir())}, good, "cannot"},
		{"short", h, good[:9], "refused"},
		{"unknown kind", h, Update(c.Spec, 9, nil), "refused"},
		{"cut", h, good[:len(good)-7], "refused"},
	} {
		if got := check(x.home, bundle.KindUpdate, x.b, at); got != x.want {
			t.Errorf("%s: %s, want %s: %v", x.name, got, x.want, Of(x.home)[bundle.KindUpdate].Check(x.b, at))
		}
	}
	weaker := Update(c.Spec, light.KindUpdate, c.Update(30, c.All()-6).Encode(c.Spec, light.KindUpdate))
	for _, b := range [][]byte{good, weaker} {
		if err := Of(h)[bundle.KindUpdate].Take(b, at); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := files.ReadFile("evm/carried/update-0.ssz"); err != nil || !bytes.Equal(b, good[9:]) {
		t.Errorf("the light client does not find the better update: %v", err)
	}
}

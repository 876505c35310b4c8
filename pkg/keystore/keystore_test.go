package keystore

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/store/storetest"
)

func TestCreateOpenSave(t *testing.T) {
	for _, pass := range []string{"", "گذرواژه"} {
		k := sample(t, 1)
		d, sec := home(t, pass, k)
		if needs, err := NeedsPassphrase(d); err != nil || needs != (pass != "") {
			t.Errorf("needs passphrase: %v, %v", needs, err)
		}
		o := mustOpen(t, d, sec, pass)
		if !same(o.Keys, k) {
			t.Fatal("another content came back")
		}
		next := *o.Keys
		next.Label = "new"
		if err := o.Save(&next); err != nil {
			t.Fatal(err)
		}
		if err := o.ErasePhrase(); err != nil {
			t.Fatal(err)
		}
		again := mustOpen(t, d, sec, pass)
		if again.Keys.Label != "new" || again.Keys.Entropy != nil || again.Keys.Generation != 2 || again.Keys.DEK != k.DEK {
			t.Errorf("after two saves: label %q, entropy %d B, generation %d", again.Keys.Label, len(again.Keys.Entropy), again.Keys.Generation)
		}
		if err := Create(d, sec, nil, k, nil); !errors.Is(err, ErrExists) {
			t.Errorf("created over keys: %v", err)
		}
	}
}

func TestFileSizes(t *testing.T) {
	d, _ := home(t, "", sample(t, 1))
	for name, want := range map[string]int{"keys": 65_600, "state.key": 576, "os.key": 32} {
		if b, err := d.ReadFile(name); err != nil || len(b) != want {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(b), err, want)
		}
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	d, sec := home(t, "right", sample(t, 1))
	for _, pass := range []string{"", "wrong", "right "} {
		if _, err := Open(d, sec, []byte(pass)); !errors.Is(err, ErrPassphrase) {
			t.Errorf("passphrase %q: %v", pass, err)
		}
	}
	other := Memory()
	if _, err := Open(d, other, []byte("right")); !errors.Is(err, ErrNoSecret) {
		t.Errorf("no secret: %v", err)
	}
	if err := other.Put(make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(d, other, []byte("right")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("other secret: %v", err)
	}
	if _, err := Open(storetest.NewDisk(), sec, nil); !errors.Is(err, ErrNone) {
		t.Errorf("no file: %v", err)
	}
	bare, bareSec := home(t, "", sample(t, 1))
	if _, err := Open(bare, bareSec, []byte("given")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("passphrase for a file without: %v", err)
	}
}

// The same passphrase typed on two systems may be composed differently.
func TestPassphraseIsNormalised(t *testing.T) {
	d, sec := home(t, "caf\u00e9", sample(t, 1))
	mustOpen(t, d, sec, "cafe\u0301")
}

func TestHeaderBoundsBeforeAllocation(t *testing.T) {
	file := make([]byte, fileSize)
	newHeader(file, cheap())
	for name, change := range map[string]func(b []byte){
		"4 TiB":          func(b []byte) { copy(b[16:], "\xff\xff\xff\xff") },
		"1 KiB":          func(b []byte) { copy(b[16:], "\x00\x00\x00\x01") },
		"65 passes":      func(b []byte) { b[15] = 65 },
		"no pass":        func(b []byte) { b[15] = 0 },
		"17 lanes":       func(b []byte) { b[9] = 17 },
		"no lane":        func(b []byte) { b[9] = 0 },
		"kdf 2":          func(b []byte) { b[8] = 2 },
		"kdf 0 but cost": func(b []byte) { b[8] = 0 },
		"reserved":       func(b []byte) { b[10] = 1 },
		"tail":           func(b []byte) { b[63] = 1 },
		"magic":          func(b []byte) { b[0] ^= 1 },
	} {
		bad := bytes.Clone(file)
		change(bad)
		if _, err := parseHeader(bad); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{"empty": {}, "short": file[:fileSize-1], "zeros": make([]byte, fileSize), "ones": bytes.Repeat([]byte{255}, fileSize)} {
		if _, err := parseHeader(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One flipped bit anywhere never changes what opens.
func TestFlippedBits(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 500
	}
	k := sample(t, 1)
	d, sec := home(t, "", k)
	o := mustOpen(t, d, sec, "")
	state, err := o.StateKey()
	if err != nil {
		t.Fatal(err)
	}
	const seed = 3
	r := seeded(seed)
	names := []string{fileKeys, fileState, fileSecret}
	opened := 0
	for range n {
		name := names[r.Uint64()%3]
		sound, _ := d.ReadFile(name)
		bad := bytes.Clone(sound)
		bad[r.Uint64()%uint64(len(bad))] ^= 1 << (r.Uint64() % 8)
		write(t, d, name, bad)
		got, err := Open(d, sec, nil)
		switch {
		case err == nil:
			opened++ // the flip was in another slot or in state.key
			if !same(got.Keys, k) {
				t.Fatalf("seed=%d: %s changed silently", seed, name)
			}
			if s, err := got.StateKey(); err == nil && s != state || err != nil && !errors.Is(err, ErrDamaged) {
				t.Fatalf("seed=%d: state key changed silently, %v", seed, err)
			}
		case !errors.Is(err, ErrPassphrase) && !errors.Is(err, ErrDamaged):
			t.Fatalf("seed=%d: flip in %s: %v", seed, name, err)
		}
		if Pending(d) {
			t.Fatalf("seed=%d: damage taken for a wipe", seed)
		}
		write(t, d, name, sound)
	}
	t.Logf("%d of %d flips did not matter", opened, n)
}

func write(t *testing.T, f store.FS, name string, b []byte) {
	t.Helper()
	if err := f.WriteSync(name, b, fs.FileMode(0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestSeveralProfiles(t *testing.T) {
	d, sec := home(t, "one", sample(t, 1))
	one := mustOpen(t, d, sec, "one")
	two, err := one.Add([]byte("two"), sample(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Add([]byte("three"), sample(t, 3), two); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Add([]byte("two"), sample(t, 4)); !errors.Is(err, ErrExists) {
		t.Errorf("passphrase used twice: %v", err)
	}
	used := map[int]bool{}
	states := map[store.Key]bool{}
	for i, pass := range []string{"one", "two", "three"} {
		o := mustOpen(t, d, sec, pass)
		if !same(o.Keys, sample(t, byte(i+1))) {
			t.Errorf("profile %q has another's keys", pass)
		}
		s, err := o.StateKey()
		if err != nil {
			t.Error(err)
		}
		used[o.slot], states[s] = true, true
	}
	if len(used) != 3 || len(states) != 3 {
		t.Errorf("%d slots, %d state keys for 3 profiles", len(used), len(states))
	}
	before, _ := d.ReadFile(fileKeys)
	if err := two.Save(two.Keys); err != nil {
		t.Fatal(err)
	}
	after, _ := d.ReadFile(fileKeys)
	for i := range slots {
		if changed := !bytes.Equal(slotOf(before, i), slotOf(after, i)); changed != (i == two.slot) {
			t.Errorf("slot %d: changed=%v by a save of slot %d", i, changed, two.slot)
		}
	}
}

// A file with one and one with three profiles have the same sizes and look equally random.
func TestProfilesCannotBeCounted(t *testing.T) {
	d, sec := home(t, "one", sample(t, 1))
	o := mustOpen(t, d, sec, "one")
	if _, err := o.Add([]byte("two"), sample(t, 2)); err != nil {
		t.Fatal(err)
	}
	file, _ := d.ReadFile(fileKeys)
	for i := range slots {
		var seen [256]int
		for _, b := range slotOf(file, i) {
			seen[b]++
		}
		chi := 0.0 // 255 degrees of freedom: mean 255, deviation 22.6
		for _, n := range seen {
			chi += float64(n-32) * float64(n-32) / 32
		}
		if chi > 255+6*22.6 {
			t.Errorf("slot %d is not random: %.0f", i, chi)
		}
	}
}

func TestDuress(t *testing.T) {
	d, sec := home(t, "real", sample(t, 1))
	o := mustOpen(t, d, sec, "real")
	decoy := sample(t, 2)
	decoy.OnOpen = WipeOthers
	if _, err := o.Add([]byte("decoy"), decoy); err != nil {
		t.Fatal(err)
	}
	opened := mustOpen(t, d, sec, "decoy")
	if _, err := opened.StateKey(); err != nil {
		t.Errorf("own state key: %v", err)
	}
	if _, err := Open(d, sec, []byte("real")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("the real profile still opens: %v", err)
	}
	if _, err := o.StateKey(); !errors.Is(err, ErrDamaged) {
		t.Errorf("the real state key still opens: %v", err)
	}
}

func TestForget(t *testing.T) {
	d, sec := home(t, "", sample(t, 1))
	o := mustOpen(t, d, sec, "")
	entropy := o.Keys.Entropy
	o.Forget()
	if o.Keys.DEK != (store.Key{}) || !bytes.Equal(entropy, make([]byte, 32)) {
		t.Error("keys stay in memory")
	}
}

func TestNoKeysWithoutDEK(t *testing.T) {
	d := storetest.NewDisk()
	if err := Create(d, File(d), nil, &Keys{}, nil); err == nil {
		t.Error("created with a DEK of zeros")
	}
	if len(d.Ops()) != 0 {
		t.Errorf("wrote %v", d.Ops())
	}
}

func TestPublishedCost(t *testing.T) {
	if testing.Short() {
		t.Skip("64 MiB and a second") // skip: with -short alone
	}
	d, sec := storetest.NewDisk(), Memory()
	if err := Create(d, sec, []byte("pass"), sample(t, 1), nil); err != nil {
		t.Fatal(err)
	}
	file, _ := d.ReadFile(fileKeys)
	if want := "PARSKS1\x00\x01\x04\x00\x00\x00\x00\x00\x03\x00\x01\x00\x00"; string(file[:20]) != want {
		t.Errorf("header %q want %q", file[:20], want)
	}
	mustOpen(t, d, sec, "pass")
}

func TestSecrets(t *testing.T) {
	d := storetest.NewDisk()
	for _, s := range []Secret{Memory(), File(d), File(store.OS(t.TempDir()))} {
		if _, err := s.Secret(); !errors.Is(err, ErrNoSecret) {
			t.Errorf("%s: before: %v", s.Kind(), err)
		}
		if err := s.Put([]byte("short")); err == nil {
			t.Errorf("%s: took a short secret", s.Kind())
		}
		want := bytes.Repeat([]byte{7}, 32)
		if err := s.Put(want); err != nil {
			t.Errorf("%s: %v", s.Kind(), err)
		}
		got, err := s.Secret()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, %v", s.Kind(), got, err)
		}
		clear(got)
		if again, _ := s.Secret(); !bytes.Equal(again, want) {
			t.Errorf("%s: a caller changed the secret", s.Kind())
		}
		for range 2 {
			if err := s.Destroy(); err != nil {
				t.Errorf("%s: %v", s.Kind(), err)
			}
		}
		if _, err := s.Secret(); !errors.Is(err, ErrNoSecret) {
			t.Errorf("%s: destroyed: %v", s.Kind(), err)
		}
	}
}

func TestDelay(t *testing.T) {
	for n, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 6: time.Minute, 1000: time.Minute} {
		if got := Delay(n); got != want {
			t.Errorf("after %d: %v, want %v", n, got, want)
		}
	}
}

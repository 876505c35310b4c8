package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/store/storetest"
)

// crashes runs work on a disk that loses power within each operation in turn, and gives every state that can be found
// afterwards. finished is whether work returned without an error.
func crashes(t *testing.T, set func() *storetest.Disk, work func(*storetest.Disk) error, check func(t *testing.T, d *storetest.Disk, finished bool)) {
	t.Helper()
	for k := 1; ; k++ {
		d := set()
		before := len(d.Ops())
		d.StopIn(k)
		err := work(d)
		ops := d.Ops()[before:]
		for v := range storetest.Variants {
			t.Run(fmt.Sprintf("%d/%d", k, v), func(t *testing.T) {
				check(t, d.Torn(v), err == nil)
				if t.Failed() {
					t.Logf("power lost in the last of %q", ops)
				}
			})
		}
		if err == nil {
			if k < 3 {
				t.Errorf("only %d operations", k-1)
			}
			return
		}
	}
}

func TestCrashInCreate(t *testing.T) {
	k := sample(t, 1)
	crashes(t, storetest.NewDisk,
		func(d *storetest.Disk) error { return create(d, File(d), nil, k, seeded(1), cost{}) },
		func(t *testing.T, d *storetest.Disk, finished bool) {
			o, err := Open(d, File(d), nil)
			switch {
			case err == nil && same(o.Keys, k):
				if _, err := o.StateKey(); err != nil {
					t.Errorf("keys without a state key: %v", err)
				}
			case errors.Is(err, ErrNone) && !finished:
				if err := create(d, File(d), nil, k, seeded(2), cost{}); err != nil {
					t.Errorf("second try: %v", err)
				}
				mustOpen(t, d, File(d), "")
			default:
				t.Errorf("finished=%v: %v", finished, err)
			}
		})
}

func TestCrashInSave(t *testing.T) {
	old, next := sample(t, 1), sample(t, 1)
	next.Label, next.Generation = "next", 1
	crashes(t, func() *storetest.Disk { d, _ := home(t, "", old); return d },
		func(d *storetest.Disk) error { return mustOpen(t, d, File(d), "").Save(next) },
		func(t *testing.T, d *storetest.Disk, finished bool) {
			o := mustOpen(t, d, File(d), "")
			if !same(o.Keys, next) && (finished || !same(o.Keys, old)) {
				t.Errorf("finished=%v: label %q", finished, o.Keys.Label)
			}
		})
}

// The generation that opens under the state key found afterwards is always a whole one.
func TestCrashInNextStateKey(t *testing.T) {
	k := sample(t, 1)
	var old, next store.Key
	crashes(t, func() *storetest.Disk { d, _ := home(t, "", k); return d },
		func(d *storetest.Disk) error {
			return mustOpen(t, d, File(d), "").NextStateKey(func(a, b store.Key) error {
				old, next = a, b
				return nil
			})
		},
		func(t *testing.T, d *storetest.Disk, finished bool) {
			got, err := mustOpen(t, d, File(d), "").StateKey()
			if err != nil || got != next && (finished || got != old) {
				t.Errorf("finished=%v: neither key, %v", finished, err)
			}
		})
}

func TestFailedResealKeepsTheStateKey(t *testing.T) {
	d, sec := home(t, "", sample(t, 1))
	o := mustOpen(t, d, sec, "")
	before, _ := o.StateKey()
	bad := errors.New("no room")
	if err := o.NextStateKey(func(_, _ store.Key) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
	if after, err := o.StateKey(); err != nil || after != before {
		t.Errorf("state key changed, %v", err)
	}
}

// wipeHome is a home with data; secret is what must not be found after the first step.
func wipeHome(t *testing.T, k *Keys) func() *storetest.Disk {
	return func() *storetest.Disk {
		d, _ := home(t, "", k)
		for _, name := range []string{"store/000001.sst", "cache/list", "outbox/1", "keys.new", "state.key.new"} {
			if err := d.WriteSync(name, []byte("data"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, dir := range []string{".", "store", "cache", "outbox"} {
			if err := d.SyncDir(dir); err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
}

// Whatever step a wipe is killed in, it has opened nothing after the first, and a start finishes it or says what is.
func TestCrashInWipe(t *testing.T) {
	k := sample(t, 1)
	set := wipeHome(t, k)
	first := len(set().Ops()) // the next operation overwrites os.key
	secret, _ := set().ReadFile(fileSecret)
	sound, _ := set().ReadFile(fileKeys)
	var did []string
	work := func(d *storetest.Disk) error {
		err := Wipe(d, File(d))
		did = d.Ops()[first:]
		return err
	}
	crashes(t, set, work, func(t *testing.T, d *storetest.Disk, finished bool) {
		_, err := Open(d, File(d), nil)
		if err == nil && len(did) > 1 {
			t.Errorf("opens after step 1: %q", did)
		}
		if s, serr := d.ReadFile(fileSecret); serr == nil && len(did) > 1 && bytes.Equal(s, secret) {
			t.Error("the old secret stands after step 1")
		}
		if Pending(d) {
			checkWipedData(t, d, sound)
		}
		if finished && !errors.Is(err, ErrNone) && !errors.Is(err, ErrWiped) {
			t.Errorf("finished: %v", err)
		}
		if err := Wipe(d, File(d)); err != nil {
			t.Errorf("second wipe: %v", err)
		}
		checkGone(t, d)
	})
}

// checkWipedData: a pending wipe means that steps 1 to 3 are done.
func checkWipedData(t *testing.T, d *storetest.Disk, sound []byte) {
	t.Helper()
	if _, err := File(d).Secret(); !errors.Is(err, ErrNoSecret) {
		t.Errorf("keys are wiped, but the secret is there: %v", err)
	}
	file, _ := d.ReadFile(fileKeys)
	if bytes.Equal(file[:headerSize], sound[:headerSize]) {
		t.Error("the header stands")
	}
}

func checkGone(t *testing.T, d *storetest.Disk) {
	t.Helper()
	for _, name := range append(dataNames(), fileKeys, fileState, fileSecret, "keys.new", "state.key.new", "os.key.new") {
		if there, err := d.Exists(name); err != nil || there {
			t.Errorf("%s is still there, %v", name, err)
		}
	}
	if err := create(d, File(d), nil, sample(t, 5), seeded(5), cost{}); err != nil {
		t.Errorf("cannot start again: %v", err)
	}
}

// The order is the promise: secret, state key, keys, then data.
func TestWipeOrder(t *testing.T) {
	set := wipeHome(t, sample(t, 1))
	d := set()
	before := len(d.Ops())
	if err := Wipe(d, File(d)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"write os.key", "remove os.key", "remove os.key.new", "sync .",
		"write state.key", "write state.key.new", "write keys", "write keys.new", "sync .",
		"remove all store", "remove all cache", "remove all outbox",
		"remove state.key", "remove state.key.new", "remove keys.new", "sync .", "remove keys", "sync .",
	}
	if got := d.Ops()[before:]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPendingAsksForData(t *testing.T) {
	d := wipeHome(t, sample(t, 1))()
	if Pending(d) {
		t.Error("sound keys are pending")
	}
	if err := wipeKeys(d); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(d, File(d), nil); !errors.Is(err, ErrWiped) {
		t.Errorf("got %v", err)
	}
	if !Pending(d) {
		t.Error("wiped keys beside data are not pending")
	}
	if err := Create(d, File(d), nil, sample(t, 1), nil); !errors.Is(err, ErrWiped) {
		t.Errorf("created before the wipe is finished: %v", err)
	}
	for _, n := range dataNames() {
		if err := d.RemoveAll(n); err != nil {
			t.Fatal(err)
		}
	}
	if Pending(d) {
		t.Error("nothing is left to finish")
	}
}

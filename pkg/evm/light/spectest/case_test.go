package spectest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pars-network/pars/pkg/wire"
)

func copied(t *testing.T) fstest.MapFS {
	t.Helper()
	from, to := os.DirFS("testdata/vectors"), fstest.MapFS{}
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(from, name)
		to[name] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func run(t *testing.T, f fs.FS, at string) (passed int, failed []Result) {
	t.Helper()
	err := Run(f, at, func(r Result) {
		if r.Err != nil {
			failed = append(failed, r)
		} else {
			passed++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return passed, failed
}

func TestPublished(t *testing.T) {
	passed, failed := run(t, copied(t), "tests")
	if passed != 3 || len(failed) != 0 {
		t.Errorf("%d passed, failed %v", passed, failed)
	}
}

// The runner is no better than what it finds: a case with one fault must fail.
func TestFaults(t *testing.T) {
	const dir = "minimal/deneb/light_client_sync/"
	replace := func(name, old, with string) func(fstest.MapFS) {
		return func(f fstest.MapFS) {
			b := bytes.Replace(f[dir+name].Data, []byte(old), []byte(with), 1)
			if bytes.Equal(b, f[dir+name].Data) {
				t.Fatalf("%s: %s does not occur", name, old)
			}
			f[dir+name].Data = b
		}
	}
	for name, bend := range map[string]func(fstest.MapFS){
		"slot":          replace("steps.yaml", "slot: 24,", "slot: 25,"),
		"root":          replace("steps.yaml", "0x805e4ee1", "0x805e4ee2"),
		"execution":     replace("steps.yaml", "0xd101569f", "0xd101569e"),
		"step":          replace("steps.yaml", "force_update:", "forced_update:"),
		"no checks":     replace("steps.yaml", "checks:", "chocks:"),
		"trusted root":  replace("meta.yaml", "0xc0f68070", "0xc0f68071"),
		"genesis":       replace("meta.yaml", "0x0a08c27f", "0x0a08c27e"),
		"fork version":  replace("config.yaml", "DENEB_FORK_VERSION: 0x04000001", "DENEB_FORK_VERSION: 0x04000002"),
		"preset":        replace("config.yaml", "minimal", "maximal"),
		"missing steps": func(f fstest.MapFS) { f[dir+"steps.yaml"].Data = []byte("[]\n") },
		"ssz": func(f fstest.MapFS) {
			f[dir+"bootstrap.ssz_snappy"].Data[700] ^= 1
		},
	} {
		f := copied(t)
		bend(f)
		passed, failed := run(t, f, ".")
		if passed != 2 || len(failed) != 1 || failed[0].Case+"/" != dir {
			t.Errorf("%s: %d passed, failed %v", name, passed, failed)
		}
	}
}

func TestUnknownFork(t *testing.T) {
	f := fstest.MapFS{}
	for name, file := range copied(t) {
		f[strings.Replace(name, "/deneb/", "/gloas/", 1)] = file
	}
	if passed, failed := run(t, f, "."); passed != 0 || len(failed) != 3 || !strings.Contains(failed[0].Err.Error(), `fork "gloas"`) {
		t.Errorf("%d passed, failed %v", passed, failed)
	}
	sub, _ := fs.Sub(f, "minimal/gloas")
	if passed, failed := run(t, sub, "tests/minimal/gloas"); passed != 0 || len(failed) != 3 {
		t.Errorf("from inside: %d passed, failed %v", passed, failed)
	}
}

// The updates of a case, sorted by hand from a full to an empty one, are a ranking; the other way round they are not.
func TestRanking(t *testing.T) {
	from := copied(t)
	const dir = "minimal/deneb/advance_finality_without_sync_committee/update_0x"
	full := from[dir+"9bca7308ab8f1ee5348b3ff6f809992c98e62bc1b97b2057e135e15a151c0b15_sf.ssz_snappy"]
	bare := from[dir+"9bca7308ab8f1ee5348b3ff6f809992c98e62bc1b97b2057e135e15a151c0b15_xx.ssz_snappy"]
	const to = "tests/minimal/deneb/light_client/update_ranking/pyspec_tests/x/"
	f := fstest.MapFS{to + "meta.yaml": {Data: []byte("{updates_count: 2}\n")}, to + "updates_0.ssz_snappy": full, to + "updates_1.ssz_snappy": bare}
	if passed, failed := run(t, f, "."); passed != 1 {
		t.Errorf("failed %v", failed)
	}
	f[to+"updates_0.ssz_snappy"], f[to+"updates_1.ssz_snappy"] = bare, full
	if passed, failed := run(t, f, "."); passed != 0 || len(failed) != 1 {
		t.Errorf("the wrong order passed")
	}
}

func TestParseYAML(t *testing.T) {
	n, err := ParseYAML([]byte("a: 1\nb:\n  c: 'x: y'\n  d: [1, 2,\n    {e: f}]\nl:\n- p: 1\n  q: 2\n- 7\nk:\n  - r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if n.text("a") != "1" || n.get("b").text("c") != "x: y" || n.get("b").get("d").list[2].text("e") != "f" ||
		n.get("l").list[0].text("q") != "2" || n.get("l").list[1].scalar != "7" || n.get("k").list[0].scalar != "r" {
		t.Errorf("got %+v", n)
	}
	for _, bad := range []string{"a", "{", "{a}", "[1", "a: 1\n   b: 2", strings.Repeat("[", 99), "{a: 1} b", "- 1\na: 2"} {
		if _, err := ParseYAML([]byte(bad)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%.20q: got %v", bad, err)
		}
	}
}

func TestSnappyRefused(t *testing.T) {
	for _, bad := range []string{"", "\xff\xff\xff\xff\x0f", "\x05\x00a", "\x04\x0cabc", "\x04\x0cabcde", "\x08\x00a\x05\x02", "\x08\x00a\x05\x00"} {
		if _, err := DecodeSnappy([]byte(bad)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if b, err := DecodeSnappy([]byte("\x05\x00a\x01\x01")); err != nil || string(b) != "aaaaa" {
		t.Errorf("got %q, %v", b, err)
	}
}

func FuzzDecodeSnappy(f *testing.F) {
	f.Add([]byte("\x05\x00a\x01\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if out, err := DecodeSnappy(b); err == nil && len(out) > maxRaw {
			t.Errorf("%d bytes", len(out))
		}
	})
}

func FuzzParseYAML(f *testing.F) {
	f.Add([]byte("a: {b: [c, d]}\nl:\n- x: 1\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = ParseYAML(b) })
}

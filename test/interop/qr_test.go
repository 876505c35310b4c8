//go:build interop

package interop

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pars-network/pars/internal/cli"
	qrcommand "github.com/pars-network/pars/internal/command/qr"
	"github.com/pars-network/pars/pkg/qr"
)

var _ = role("pars-qr", func(args []string) error {
	if code := cli.Run(commandContext(), qrcommand.App(), append([]string{"pars-qr"}, args...), os.Stdin, os.Stdout, os.Stderr); code != 0 {
		os.Exit(code)
	}
	return nil
})

// tool returns where a program of somebody else is.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		skip(t, "no "+name+"; run test/lab/install.sh")
	}
	return path
}

// parsQR runs the command in this process.
func parsQR(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	var out, complaints bytes.Buffer
	if code := cli.Run(t.Context(), qrcommand.App(), append([]string{"pars-qr"}, args...), bytes.NewReader(stdin), &out, &complaints); code != 0 {
		t.Fatalf("pars-qr %v: exit %d: %s", args, code, complaints.String())
	}
	return out.Bytes()
}

func noise(n int, seed uint64) []byte {
	b, rnd := make([]byte, n), rand.New(rand.NewPCG(seed, seed))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func save(t *testing.T, dir, name string, m image.Image) string {
	t.Helper()
	name = filepath.Join(dir, name)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
	return name
}

func try() bool { return true }

// TestZbarReadsOurs: frames of every version and level, and texts, are what zbar reads too.
func TestZbarReadsOurs(t *testing.T) {
	zbar, dir, n := tool(t, "zbarimg"), t.TempDir(), 0
	for v := 1; v <= 40; v++ {
		for _, l := range []qr.Level{qr.L, qr.M, qr.Q, qr.H} {
			data := noise(qr.Capacity(v, l), uint64(v))
			f, err := qr.NewFrames(data, l)
			if err != nil || f.Version() != v {
				t.Fatal(v, l, err)
			}
			m, err := f.Encode(data)
			if err != nil {
				t.Fatal(err)
			}
			name := save(t, dir, "f.png", m.Picture(4, qr.Quiet))
			got, err := exec.Command(zbar, "-q", "--raw", "-Sbinary", name).Output()
			if err != nil || !bytes.Equal(bytes.TrimSuffix(got, []byte("\n")), bytes.TrimSuffix(data, []byte("\n"))) {
				t.Errorf("%d-%v: zbar reads %d bytes of %d: %v", v, l, len(got), len(data), err)
			}
			n++
		}
	}
	t.Logf("%d symbols", n)
}

// TestOursReadsQrencode: what qrencode draws, in all versions, levels and modes.
func TestOursReadsQrencode(t *testing.T) {
	qrencode, dir, n := tool(t, "qrencode"), t.TempDir(), 0
	for v := 1; v <= 40; v++ {
		for _, l := range []qr.Level{qr.L, qr.M, qr.Q, qr.H} {
			room := qr.Capacity(v, l)
			for mode, text := range map[string][]byte{
				"numeric":      bytes.Repeat([]byte("31415926"), 1+room/8)[:room],
				"alphanumeric": bytes.Repeat([]byte("PARS:CARD/$%*+-. "), 1+room/17)[:room],
				"byte":         noise(room, uint64(v)),
			} {
				name := filepath.Join(dir, "q.png")
				args := []string{"-o", name, "-v", strconv.Itoa(v), "-l", l.String(), "-s", "4", "-m", "4"}
				if mode == "byte" {
					args = append(args, "-8")
				}
				cmd := exec.Command(qrencode, append(args, "-r", "/dev/stdin")...)
				cmd.Stdin = bytes.NewReader(text)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%d-%v %s: %v: %s", v, l, mode, err, out)
				}
				if got := decodeFile(t, name); !bytes.Equal(got, text) {
					t.Errorf("%d-%v %s: %d bytes of %d are read", v, l, mode, len(got), len(text))
				}
				n++
			}
		}
	}
	t.Logf("%d symbols", n)
}

// decodeFile returns what stands in the one symbol of a picture.
func decodeFile(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var found []byte
	if err := qr.Pictures(f, func(g *image.Gray) error {
		if all := qr.Decode(g, try); len(all) == 1 {
			found = all[0]
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFilm: ffmpeg makes y4m with blur and noise, and JPEG pictures, of our animation; both scan.
func TestFilm(t *testing.T) {
	ffmpeg, dir, data := tool(t, "ffmpeg"), t.TempDir(), noise(20_000, 1)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	gif := filepath.Join(dir, "f.gif")
	parsQR(t, nil, "show", file, "-o", gif, "--fps", "10", "--chunk", "500")
	if err := os.Mkdir(filepath.Join(dir, "jpg"), 0o700); err != nil {
		t.Fatal(err)
	}
	film := filepath.Join(dir, "f.y4m")
	for _, args := range [][]string{
		{"-i", gif, "-vf", "gblur=sigma=0.9,noise=alls=12:allf=t,crop=iw-8:ih-8", "-r", "25", "-pix_fmt", "yuv420p", film},
		{"-i", gif, "-q:v", "12", filepath.Join(dir, "jpg", "%04d.jpg")},
	} {
		if out, err := exec.Command(ffmpeg, append([]string{"-v", "error", "-y"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg %v: %v: %s", args, err, out)
		}
	}
	for _, source := range []string{film, filepath.Join(dir, "jpg")} {
		if got := parsQR(t, nil, "scan", source, "-o", "-"); !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes", source, len(got))
		}
	}
}

// TestPaper: sheets that poppler draws scan with one of them lost.
func TestPaper(t *testing.T) {
	poppler, dir, data := tool(t, "pdftoppm"), t.TempDir(), noise(9000, 2)
	file, pdf := filepath.Join(dir, "file"), filepath.Join(dir, "f.pdf")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	parsQR(t, nil, "show", file, "--print", "--chunk", "300", "--per-sheet", "4", "--spare", "1", "-o", pdf)
	pages := filepath.Join(dir, "pages")
	if err := os.Mkdir(pages, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(poppler, "-r", "150", "-gray", "-png", pdf, filepath.Join(pages, "p")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list, err := os.ReadDir(pages)
	if err != nil || len(list) < 3 {
		t.Fatal(len(list), err)
	}
	if err := os.Remove(filepath.Join(pages, list[1].Name())); err != nil {
		t.Fatal(err)
	}
	if got := parsQR(t, nil, "scan", pages, "-o", "-"); !bytes.Equal(got, data) {
		t.Errorf("%d bytes from %d sheets", len(got), len(list)-1)
	}
}

// TestBesideZbar: of the same damaged pictures we read no fewer than zbar does; both numbers are told.
func TestBesideZbar(t *testing.T) {
	zbar, file := tool(t, "zbarimg"), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, noise(10_000, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, damage := range [][]string{
		{"--blur", "1.5", "--noise", "10"}, {"--rotate", "20", "--perspective", "0.15"}, {"--merge", "50%"}, {"--crop", "30%"}, {"--glare", "--noise", "15"}, {"--scale", "2", "--blur", "0.7"},
	} {
		dir := filepath.Join(t.TempDir(), "seen")
		parsQR(t, nil, append([]string{"simulate", file, "--chunk", "400", "--seed", "3", "-o", dir}, damage...)...)
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := 0, 0
		for _, e := range list[:min(len(list), 30)] {
			name := filepath.Join(dir, e.Name())
			if decodeFile(t, name) != nil {
				ours++
			}
			if out, _ := exec.Command(zbar, "-q", "--raw", "-Sbinary", name).Output(); len(out) > 0 {
				theirs++
			}
		}
		t.Logf("%s: of %d ours %d, zbar %d", strings.Join(damage, " "), min(len(list), 30), ours, theirs)
		if ours < theirs {
			t.Errorf("%v: ours %d, zbar %d", damage, ours, theirs)
		}
	}
}

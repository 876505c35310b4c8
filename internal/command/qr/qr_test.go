package qr

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/nfc"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
)

// run runs pars-qr and returns its exit code and streams.
func run(t testing.TB, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	var in io.Reader
	if stdin != "" {
		in = strings.NewReader(stdin)
	}
	code = cli.Run(t.Context(), App(), append([]string{"pars-qr"}, args...), in, &out, &complaints)
	return code, out.String(), complaints.String()
}

// ok wants exit code 0.
func ok(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	code, out, complaints := run(t, stdin, args...)
	if code != 0 {
		t.Fatalf("pars-qr %s: exit %d: %s", strings.Join(args, " "), code, complaints)
	}
	return out
}

func exits(t testing.TB, want int, stdin string, args ...string) string {
	t.Helper()
	code, out, complaints := run(t, stdin, args...)
	if code != want || want == 6 && out != "" {
		t.Errorf("pars-qr %s: exit %d, want %d: %s%s", strings.Join(args, " "), code, want, complaints, out)
	}
	return complaints
}

func random(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// person makes a home, and a full card of its account.
func person(t testing.TB, phrase byte) (home string, full []byte, account identity.Account) {
	t.Helper()
	root, err := identity.NewRoot([64]byte{phrase})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.NewChaCha8([32]byte{phrase})
	k, err := keystore.NewKeys(rnd)
	if err != nil {
		t.Fatal(err)
	}
	agree, err := ecdh.X25519().NewPrivateKey(k.DeviceDH[:])
	if err != nil {
		t.Fatal(err)
	}
	key := sig.FromSeed(k.DeviceSign)
	cert := &identity.Cert{Sign: key.Public(), Flags: identity.Grant, Made: 1_800_000_000, Expires: 1_800_000_000 + identity.MaxCertLife}
	copy(cert.Agree[:], agree.PublicKey().Bytes())
	root.Certify(cert)
	account = root.Public().Account()
	k.Account, k.Cert = account.ID, cert.Encode()
	home = t.TempDir()
	f := store.OS(home)
	if err := keystore.Create(f, keystore.File(f), nil, k, rnd); err != nil {
		t.Fatal(err)
	}
	pre, _, err := identity.NewPrekeys(1, cert.Made, cert.Device(), key, rnd)
	if err != nil {
		t.Fatal(err)
	}
	c := &identity.Card{Root: root.Public(), Devices: []identity.CardDevice{{Cert: cert, Prekeys: pre}}, Seq: cert.Made, Issued: cert.Made, Expires: cert.Made + identity.CardLife}
	c.SignWith(cert.Device(), key)
	return home, c.Encode(), account
}

// TestForty: 40 kB as a GIF, as numbered pictures of which three of ten are lost, as text and as JSON.
func TestForty(t *testing.T) {
	dir, data := t.TempDir(), random(40_000, 1)
	file, back := write(t, filepath.Join(dir, "file"), data), filepath.Join(dir, "back")
	same := func(what string) {
		t.Helper()
		if !bytes.Equal(read(t, back), data) {
			t.Errorf("%s: other bytes", what)
		}
		os.Remove(back)
	}
	gif := filepath.Join(dir, "f.gif")
	if got := ok(t, "", "show", file, "-o", gif, "--fps", "12"); !strings.Contains(got, "86 frames") {
		t.Errorf("show says %q", got)
	}
	ok(t, "", "scan", gif, "-o", back)
	same("gif")

	frames := filepath.Join(dir, "frames") + "/"
	ok(t, "", "show", file, "-o", frames)
	list, err := os.ReadDir(frames)
	if err != nil || len(list) != 86 {
		t.Fatal(len(list), err)
	}
	for i, e := range list {
		if i%10 < 3 {
			os.Remove(frames + e.Name())
		}
	}
	write(t, frames+"00050.png", []byte("\x89PNG damaged"))
	if code, out, complaints := run(t, "", "scan", frames, "-o", "-"); code != 0 || out != string(data) || !strings.Contains(complaints, "1 files are no pictures") {
		t.Errorf("folder: exit %d, %d bytes: %s", code, len(out), complaints)
	}

	text := ok(t, string(data), "show", "--fps", "8")
	if out := ok(t, text, "scan", "-o", "-"); out != string(data) {
		t.Error("text: other bytes")
	}
	lines := ok(t, string(data), "show", "--json")
	var got struct {
		Type, Content, Data string
		Bytes               int
	}
	if err := json.Unmarshal([]byte(ok(t, lines, "scan", "--json")), &got); err != nil || got.Type != "object" || got.Bytes != len(data) || got.Content != "bytes" {
		t.Errorf("json: %+v %v", got, err)
	}
	if b, err := base64.StdEncoding.DecodeString(got.Data); err != nil || !bytes.Equal(b, data) {
		t.Error("json: other bytes")
	}
	ur := ok(t, string(data[:3000]), "show", "--ur", "--chunk", "200", "--json")
	if out := ok(t, ur, "scan", "-o", "-"); out != string(data[:3000]) {
		t.Error("ur: other bytes")
	}
	ok(t, "", "show", file, "--print", "--chunk", "700", "-o", filepath.Join(dir, "f.pdf"))
	if !bytes.HasPrefix(read(t, filepath.Join(dir, "f.pdf")), []byte("%PDF-1.4\n")) {
		t.Error("no pdf")
	}
}

// TestAgain: a scan that is not whole tells so, keeps what there is, and says what to show.
func TestAgain(t *testing.T) {
	dir, data := t.TempDir(), random(1_500_000, 2) // two blocks
	file := write(t, filepath.Join(dir, "file"), data)
	lines := strings.SplitAfter(ok(t, "", "show", file, "--chunk", "2900", "--json"), "\n")
	state, picture, back := filepath.Join(dir, "state"), filepath.Join(dir, "missing.png"), filepath.Join(dir, "back")
	first := strings.Join(lines[:500], "")
	if complaints := exits(t, 3, first, "scan", "-o", back, "--state", state, "--missing", picture); !strings.Contains(complaints, "of 518 symbols are here") {
		t.Error(complaints)
	}
	if _, err := os.Stat(back); err == nil {
		t.Error("something was written")
	}
	rest := ok(t, "", "show", file, "--chunk", "2900", "--answer", picture, "--json")
	ok(t, rest, "scan", "-o", back, "--state", state)
	if !bytes.Equal(read(t, back), data) {
		t.Error("other bytes")
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("the state of a scan that is whole is kept")
	}
	exits(t, 6, lines[0], "scan", "--state", write(t, state, []byte("something else")))
}

// TestCard: the home's own card as line, symbol and digits; another code; whose it is.
func TestCard(t *testing.T) {
	home, full, account := person(t, 1)
	_, other, _ := person(t, 2)
	dir := t.TempDir()
	env := func(args ...string) []string { return append(args, "--home", home, "--profile", "devnet") }
	line := ok(t, "", env("card")...)
	card, err := identity.ParseShortCard(line)
	if err != nil || card.Account != account || card.Network != identity.NetworkOf("devnet") || card.NotAfter != 0 {
		t.Fatal(card, err)
	}
	if ok(t, "", env("card")...) != line {
		t.Error("the card changes")
	}
	if ok(t, "", env("card", "--number", "1")...) == line {
		t.Error("another number is the same code")
	}
	if got, err := identity.ParseShortCard(ok(t, "", env("card", "--expires", "48h")...)); err != nil || got.NotAfter == 0 {
		t.Error(got, err)
	}
	digits := ok(t, "", env("card", "--digits")...)
	if got := ok(t, digits, "card", "--verify", "-"); got != line {
		t.Errorf("digits are read as %q", got)
	}
	for _, format := range []string{"c.png", "c.gif"} {
		name := filepath.Join(dir, format)
		ok(t, line, "show", "-o", name)
		if got := ok(t, "", "scan", name); got != line {
			t.Errorf("%s: %q", format, got)
		}
	}
	if got := ok(t, ok(t, line, "show"), "scan"); got != line {
		t.Errorf("text: %q", got)
	}
	fullFile, otherFile := write(t, filepath.Join(dir, "full"), full), write(t, filepath.Join(dir, "other"), other)
	if got := ok(t, "", "card", "--verify", fullFile, "--of", strings.TrimSpace(line)); !strings.HasPrefix(got, account.String()+"\t1 devices") {
		t.Error(got)
	}
	exits(t, 6, "", "card", "--verify", otherFile, "--of", strings.TrimSpace(line))
	full[len(full)-1] ^= 1
	exits(t, 6, "", "card", "--verify", write(t, fullFile, full), "--of", account.String())
	exits(t, 2, "", "card", "--verify", fullFile)
	exits(t, 6, line, "card", "--verify", "-", "--of", "pars1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vuxnpdz")
	exits(t, 4, "", "card", "--home", dir)
	exits(t, 6, strings.Replace(line, "q", "p", 1), "show")
}

func TestInvite(t *testing.T) {
	line := "pars:invite/" + base64.RawURLEncoding.EncodeToString(random(310, 3)) + "\n"
	if got := ok(t, ok(t, line, "show"), "scan"); got != line {
		t.Errorf("got %q", got)
	}
	exits(t, 6, "pars:invite/!", "show")
}

// TestForeign: what is of others is told, never obeyed; what is nothing is 4; what is damaged is 6.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	frames := func(payloads ...string) string {
		var b strings.Builder
		for i, p := range payloads {
			fmt.Fprintf(&b, "{\"frame\":%d,\"payload\":%q}\n", i, base64.StdEncoding.EncodeToString([]byte(p)))
		}
		return b.String()
	}
	if got := ok(t, frames("https://example.org/\x1b[2J", "WIFI:S:x"), "scan"); got != "foreign\thttps://example.org/[2J\nforeign\tWIFI:S:x\n" {
		t.Errorf("got %q", got)
	}
	exits(t, 4, "", "scan", write(t, filepath.Join(dir, "nothing"), nil))
	exits(t, 6, frames("\xf1damaged frame"), "scan")
	exits(t, 6, frames("PARS:CARD/AAA"), "scan")
	exits(t, 6, "{\"frame\":1}\n", "scan")
	exits(t, 6, "neither text nor picture", "scan")
	exits(t, 1, "", "scan", filepath.Join(dir, "gone"))
}

// TestTwo: of two objects one goes to a file, the other is told; a folder takes both.
func TestTwo(t *testing.T) {
	dir := t.TempDir()
	both := ok(t, string(random(2000, 1)), "show", "--chunk", "200", "--json") + ok(t, string(random(3000, 2)), "show", "--chunk", "200", "--json")
	file, folder := filepath.Join(dir, "one"), filepath.Join(dir, "all")+"/"
	if complaints := exits(t, 3, both, "scan", "-o", file); !strings.Contains(complaints, "of 3000 bytes is whole, too") || !bytes.Equal(read(t, file), random(2000, 1)) {
		t.Error(complaints)
	}
	if got := ok(t, both, "scan", "-o", folder); strings.Count(got, "object\t") != 2 {
		t.Error(got)
	}
	if list, err := os.ReadDir(folder); err != nil || len(list) != 2 {
		t.Error(len(list), err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"show"}, {"show", "--fps", "0"}, {"show", "--fps", "21"}, {"show", "--chunk", "99"}, {"show", "--ecc", "X"}, {"show", "--format", "bmp"},
		{"show", "--scale", "0"}, {"simulate", "--loss", "2"}, {"simulate", "--blur", "-1"}, {"simulate", "--fps", "0"}, {"simulate", "--ecc", "Z"}, {"card", "--of", "x"}, {"nfc"}, {"nfc", "encode"}} {
		stdin := ""
		if len(args) > 1 && args[0] == "show" {
			stdin = "x"
		}
		if complaints := exits(t, 2, stdin, args...); strings.Count(complaints, "\n") != 1 {
			t.Errorf("%v: %q", args, complaints)
		}
	}
	big := string(make([]byte, askAbove+1))
	exits(t, 2, big, "show", "--json")
	exits(t, 2, string(random(5000, 1)), "show", "--format", "png")
}

// TestSimulate: the same seed tells the same, and loss costs frames.
func TestSimulate(t *testing.T) {
	args := []string{"simulate", "--loss", "30%", "--blur", "0.7", "--noise", "4", "--join-at-random", "--merge", "10%", "--seed", "5", "--scale", "3", "--json"}
	var r simulated
	first := ok(t, "", args...)
	if err := json.Unmarshal([]byte(first), &r); err != nil || !r.Whole || r.Shown <= r.Least || r.Seen >= r.Shown || r.Goodput < 4000 {
		t.Errorf("%+v %v", r, err)
	}
	if second := ok(t, "", args...); second != first {
		t.Errorf("another time: %s%s", first, second)
	}
	dir := filepath.Join(t.TempDir(), "seen") + "/"
	file := write(t, filepath.Join(t.TempDir(), "f"), random(3000, 9))
	ok(t, "", "simulate", file, "--chunk", "300", "-o", dir)
	if got := ok(t, "", "scan", dir, "-o", "-"); got != string(random(3000, 9)) {
		t.Error("the pictures that were kept do not scan")
	}
	exits(t, 3, "", "simulate", file, "--loss", "100%")
}

// TestNFC: the message of a card, with and without the full one; a tag on a virtual reader; one that is written.
func TestNFC(t *testing.T) {
	home, full, account := person(t, 3)
	_, other, _ := person(t, 4)
	dir := t.TempDir()
	line := strings.TrimSpace(ok(t, "", "card", "--home", home, "--profile", "devnet"))
	fullFile, otherFile, tag := write(t, filepath.Join(dir, "full"), full), write(t, filepath.Join(dir, "other"), other), filepath.Join(dir, "tag")
	ok(t, "", "nfc", "encode", line, "-o", tag, "--full", fullFile)
	var r tagRow
	if err := json.Unmarshal([]byte(ok(t, "", "nfc", "decode", tag, "--json")), &r); err != nil || r.Account != account.String() || r.Full != base64.StdEncoding.EncodeToString(full) || r.Bytes < 1800 {
		t.Errorf("%+v %v", r, err)
	}
	exits(t, 6, "", "nfc", "encode", line, "--full", otherFile)
	exits(t, 6, string(nfc.CardMessage(line, other)), "nfc", "decode", "-")
	exits(t, 6, "nothing", "nfc", "decode", "-")

	message := nfc.CardMessage(line, nil)
	if got := emulate(t, func(r *nfc.Reader) {
		if got, err := r.Read(); err != nil || !bytes.Equal(got, message) {
			t.Errorf("%x %v", got, err)
		}
	}, line, "--once"); got != "" {
		t.Errorf("prints %q", got)
	}
	theirs := "pars:card/parsc1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vqqpqgpsgpgxquyqjzstpsxsurulscqqqq33pcl"
	if got := emulate(t, func(r *nfc.Reader) {
		if err := r.Write(nfc.CardMessage(theirs, nil)); err != nil {
			t.Error(err)
		}
	}, line, "--once", "--open"); got != theirs+"\n" {
		t.Errorf("prints %q", got)
	}
}

// emulate plays the virtual reader for nfc emulate, and returns what the verb printed.
func emulate(t *testing.T, f func(*nfc.Reader), args ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, complaints bytes.Buffer
	done := make(chan int, 1)
	go func() {
		line := append([]string{"pars-qr", "nfc", "emulate", "--vpcd", l.Addr().String()}, args...)
		done <- cli.Run(ctx, App(), line, nil, &out, &complaints)
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f(&nfc.Reader{Transmit: func(apdu []byte) ([]byte, error) {
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(apdu))), apdu...)); err != nil {
			return nil, err
		}
		var head [2]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return nil, err
		}
		b := make([]byte, binary.BigEndian.Uint16(head[:]))
		_, err := io.ReadFull(conn, b)
		return b, err
	}})
	if code := <-done; code != 0 {
		t.Errorf("exit %d: %s", code, complaints.String())
	}
	return out.String()
}

//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pars-network/pars/pkg/nfc"
)

// commandContext ends with the process.
func commandContext() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	return ctx
}

const cardLine = "pars:card/parsc1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vqqpqgpsgpgxquyqjzstpsxsurulscqqqq33pcl"

// inReaderLab runs a shell line in the lab, where $QR is pars-qr and $LAB the folder of its helpers.
func inReaderLab(t *testing.T, line string, env ...string) (stdout, stderr string) {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "the NFC lab needs root")
	}
	tool(t, "pcscd")
	tool(t, "python3")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	lab, err := filepath.Abs("../lab/nfc")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", filepath.Join(lab, "run.sh"), t.TempDir(), "sh", "-euc", line)
	cmd.Env = append(os.Environ(), append(env, "QR=env "+roleVariable+"=pars-qr "+self, "LAB="+lab)...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s%s", line, err, out.String(), complaints.String())
	}
	return out.String(), complaints.String()
}

// TestForeignReader: our tag is read by the C library's reader, byte for byte, and ends when it was.
func TestForeignReader(t *testing.T) {
	got := filepath.Join(t.TempDir(), "got")
	_, told := inReaderLab(t, `$QR nfc emulate "$CARD" --once & python3 "$LAB/reader.py" "$GOT"; wait $!`, "CARD="+cardLine, "GOT="+got)
	b, err := os.ReadFile(got)
	if err != nil || !bytes.Equal(b, nfc.CardMessage(cardLine, nil)) {
		t.Errorf("%x: %v", b, err)
	}
	t.Log(told)
}

// TestForeignTag: our reader reads a tag that somebody else wrote, in pieces as small as it asks for.
func TestForeignTag(t *testing.T) {
	name := filepath.Join(t.TempDir(), "message")
	if err := os.WriteFile(name, nfc.CardMessage(cardLine, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := inReaderLab(t, `python3 "$LAB/tag.py" "$M" & tag=$!; $QR nfc read --json --timeout 10s -o "$M.read"; kill $tag; wait $tag || true`, "M="+name)
	var r struct {
		Card    string
		Seconds float64
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Card != cardLine {
		t.Errorf("%s: %v", out, err)
	}
	b, err := os.ReadFile(name + ".read")
	if err != nil || !bytes.Equal(b, nfc.CardMessage(cardLine, nil)) {
		t.Errorf("%x: %v", b, err)
	}
	t.Logf("%d bytes in %.3f s", len(b), r.Seconds)
}

// TestOurTagOurReader: both sides are ours; a tag that is never laid there is told in time.
func TestOurTagOurReader(t *testing.T) {
	out, _ := inReaderLab(t, `$QR nfc emulate "$CARD" --once & $QR nfc read --json --timeout 10s; wait $!`, "CARD="+cardLine)
	var r struct {
		Card    string
		Seconds float64
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Card != cardLine {
		t.Errorf("%s: %v", out, err)
	}
	t.Logf("a short card in %.3f s", r.Seconds)
	inReaderLab(t, `rc=0; $QR nfc read --timeout 500ms || rc=$?; test $rc = 5`)
}

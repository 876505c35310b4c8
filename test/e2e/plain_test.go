package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// needles are what must not stand on a disk: what it is, and the forms it is looked for in.
type needles map[string][][]byte

// text enters words as UTF-8, UTF-16 and hexadecimal digits.
func (n needles) text(what, s string) {
	wide := []byte{}
	for _, u := range utf16.Encode([]rune(s)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	n[what] = append(n[what], []byte(s), wide)
	n.raw(what, []byte(s))
}

// raw enters bytes as they are and as hexadecimal digits.
func (n needles) raw(what string, b []byte) {
	digits := hex.EncodeToString(b)
	n[what] = append(n[what], b, []byte(digits), []byte(strings.ToUpper(digits)))
}

// hex enters digits, and the bytes they mean.
func (n needles) hex(t *testing.T, what, digits string) {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) < 16 {
		t.Fatalf("%s %q: %v", what, digits, err)
	}
	n.text(what, digits)
	n.raw(what, b)
}

// find reads every file below dir and names what it holds.
func (n needles) find(t *testing.T, dir string) (out []string) {
	t.Helper()
	files, size := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files, size = files+1, size+len(bytes.TrimRight(b, "\x00"))
		for what, forms := range n {
			for _, form := range forms {
				if bytes.Contains(b, form) || bytes.Contains([]byte(path), form) {
					out = append(out, fmt.Sprintf("%s: %s as %q", path, what, form))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d needles in %d files, %d bytes: %d hits", dir, len(n), files, size, len(out))
	return out
}

// TestNothingPlain: after a day of conversations no file of the home shows a title, name, text, id or
// address, while the node runs and after; after a wipe none shows a key, nor do the blocks its files had.
func TestNothingPlain(t *testing.T) {
	words, n := wordsOfADay(), needles{}
	homes := []string{home(t), home(t), home(t)}
	var nodes []*proc
	for i, h := range homes {
		var args []string
		if i > 0 {
			args = []string{"--peer", nodes[0].addr}
		}
		nodes = append(nodes, start(t, h, args...))
	}
	day(t, homes, words, n)
	h := homes[1]
	n.identities(t, homes, nodes, h)
	for what, s := range words {
		n.text(what, s)
	}
	probe := home(t)
	if err := os.WriteFile(filepath.Join(probe, "f"), n["text 0"][1], 0o600); err != nil || len(n.find(t, probe)) != 1 {
		t.Fatalf("the search finds nothing in %s: %v", probe, err)
	}
	clean(t, "while the node runs", n.find(t, h))
	nodes[1].stop()
	clean(t, "after it ended", n.find(t, h))

	n.keys(t, h)
	links := linked(t, h) // what a disk still holds of files that were removed
	run(t, h, "pars-node", "wipe", "--yes")
	clean(t, "after the wipe", n.find(t, h))
	clean(t, "in the blocks of the files that were wiped", n.find(t, links))
	f := store.OS(links)
	if _, err := keystore.Open(f, keystore.File(f), nil); err == nil {
		t.Error("what is left of the keys opens")
	}
}

func clean(t *testing.T, when string, hits []string) {
	t.Helper()
	for _, hit := range hits[:min(len(hits), 20)] {
		t.Errorf("%s: %s", when, hit)
	}
}

func wordsOfADay() map[string]string {
	return map[string]string{
		"title 0": "Lantern-makers of Tabriz", "title 1": "نامه\u200cهای پنهان",
		"name 1": "Bahar the gardener", "name 2": "کاوه آهنگر",
		"text 0": "The courier leaves at dawn from the northern gate", "text 1": "فردا ساعت نُه کنار چنار کهن",
		"text 2": "Bring the blue notebook and nobody else", "text 3": "سلام، همه چیز آماده است",
		"text 4": strings.Repeat("a long account of what was seen on the bridge; ", 60),
	}
}

// day lets three people share two conversations, in which all write; and enters the ids of what they make.
func day(t *testing.T, homes []string, words map[string]string, n needles) {
	t.Helper()
	for i := range 2 {
		invite := run(t, homes[i], "pars-node", "invite", "--title", words[fmt.Sprint("title ", i)])
		n.text("invite", invite)
		var s string
		for j, h := range homes {
			if j != i {
				s = run(t, h, "pars-node", "join", "--name", words[fmt.Sprint("name ", max(j, 1))], invite)
			}
		}
		n.hex(t, "session", s)
		for j := range 5 {
			n.hex(t, "message id", run(t, homes[j%3], "pars-node", "send", s, words[fmt.Sprint("text ", j)]))
		}
		for _, h := range homes {
			until(t, 30*time.Second, "all has arrived", func() bool { return reads(t, h, s, words["text 4"]) && reads(t, h, s, words["text 1"]) })
		}
		for line := range strings.Lines(run(t, homes[2], "pars-node", "members", s) + "\n") {
			author, _, _ := strings.Cut(line, "\t")
			n.hex(t, "pseudonym", author)
		}
	}
}

// identities enters who everybody is, and where. The home's own peer id counts as well.
func (n needles) identities(t *testing.T, homes []string, nodes []*proc, h string) {
	t.Helper()
	for i, other := range homes {
		var id struct {
			Account string `json:"account"`
			Device  string `json:"device"`
			PeerID  string `json:"peer_id"`
			NodeID  string `json:"node_id"`
		}
		if err := json.Unmarshal([]byte(run(t, other, "pars-node", "id", "--json")), &id); err != nil {
			t.Fatal(err)
		}
		account, err := identity.ParseAccount(id.Account)
		if err != nil {
			t.Fatal(err)
		}
		n.text("account", id.Account)
		n.raw("account", account.ID[:])
		n.hex(t, "device", id.Device)
		n.text("peer id", id.PeerID)
		n.raw("peer id", base58(t, id.PeerID))
		n.hex(t, "node id", id.NodeID)
		address, _, _ := strings.Cut(nodes[i].addr, "/p2p/")
		n.text("address", address)
		n.raw("address", rawAddress(t, address))
	}
}

// keys enters every secret of a home that stands under its key file.
func (n needles) keys(t *testing.T, h string) {
	t.Helper()
	f := store.OS(h)
	secret, err := os.ReadFile(filepath.Join(h, "os.key"))
	if err != nil || len(secret) != 32 {
		t.Fatalf("os.key: %d bytes: %v", len(secret), err)
	}
	o, err := keystore.Open(f, keystore.File(f), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Forget()
	state, err := o.StateKey()
	if err != nil {
		t.Fatal(err)
	}
	k := o.Keys
	for what, b := range map[string][]byte{"store key": k.DEK[:], "device key": k.DeviceSign[:], "agreement key": k.DeviceDH[:],
		"node key": k.NodeSeed[:], "phrase": k.Entropy, "state key": state[:]} {
		n.raw(what, bytes.Clone(b)) // Forget clears the keys themselves
	}
	n.text("words of the phrase", identity.Phrase([32]byte(k.Entropy)))
	clean(t, "keys before the wipe", n.find(t, h))
	n.raw("secret under all keys", secret) // it stands in os.key until the wipe
}

// linked gives every file a second name, which shows after a wipe what was in its blocks.
func linked(t *testing.T, from string) string {
	t.Helper()
	to := home(t)
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(path, from)
		switch {
		case err != nil || rel == "":
			return err
		case d.IsDir():
			return os.Mkdir(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		return os.Link(path, filepath.Join(to, rel))
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func base58(t *testing.T, s string) []byte {
	t.Helper()
	b, err := wire.DecodeBase58(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rawAddress is /ip4/127.0.0.1/tcp/PORT in its binary form.
func rawAddress(t *testing.T, s string) []byte {
	t.Helper()
	var port uint16
	if _, err := fmt.Sscanf(s, "/ip4/127.0.0.1/tcp/%d", &port); err != nil {
		t.Fatal(err)
	}
	return []byte{4, 127, 0, 0, 1, 6, byte(port >> 8), byte(port)}
}

package courier

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/pars-network/pars/pkg/bundle"
)

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

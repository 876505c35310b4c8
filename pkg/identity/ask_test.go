package identity

import (
	"encoding/hex"
	"testing"
)

// TestAsk is frozen: both are spoken with the devices of others.
func TestAsk(t *testing.T) {
	c := cardA(t)
	secret, seed := c.Rendezvous()
	nonce := [AskNonceSize]byte{1, 2, 3}
	ask := c.Ask(nonce, "asker", "answerer")
	for name, x := range map[string]struct {
		got  [32]byte
		want string
	}{"secret": {secret, "e2ed008ac7e57f83307d15979a257133862f51c51d0a1ec282d5670f55fecbfd"},
		"seed": {seed, "e3020bd415c50ffea02aa7f1f9239596bcb475de867233ce2fa82c2df5cdf8de"},
		"ask":  {ask, "ab9eb6e9cd0202f30710f1eaee0362015064f91e3cf060379e69a1b970ae23e8"}} {
		if got := hex.EncodeToString(x.got[:]); got != x.want {
			t.Errorf("%s: got %s", name, got)
		}
	}
	for name, other := range map[string][32]byte{"nonce": c.Ask([AskNonceSize]byte{1}, "asker", "answerer"), "asker": c.Ask(nonce, "another", "answerer"),
		"answerer": c.Ask(nonce, "asker", "another"), "locator": ShortCard{Account: c.Account}.Ask(nonce, "asker", "answerer")} {
		if other == ask {
			t.Errorf("another %s is the same ask", name)
		}
	}
	if s, d := (ShortCard{Account: c.Account}).Rendezvous(); s == secret || d == seed {
		t.Error("another locator meets at the same place")
	}
}

package identity

import (
	"encoding/hex"
	"testing"
)

// TestLocator is frozen: a code that was printed has to be answered for years.
func TestLocator(t *testing.T) {
	a := cardA(t).Account
	l := Locator([32]byte{1}, a, 0)
	if got := hex.EncodeToString(l[:]); got != "3c01ad9e28e3969af9dbc72731fac1fc" {
		t.Errorf("got %s", got)
	}
	for name, other := range map[string][16]byte{"number": Locator([32]byte{1}, a, 1), "secret": Locator([32]byte{2}, a, 0), "account": Locator([32]byte{1}, Account{}, 0)} {
		if other == l {
			t.Errorf("another %s is the same code", name)
		}
	}
}

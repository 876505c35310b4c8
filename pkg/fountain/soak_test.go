//go:build soak

package fountain

import (
	"math/rand/v2"
	"testing"
)

// TestNeverStuck: of a hundred thousand payloads of 1 to 128 symbols at 30 % loss each decodes within ten symbols more
// than the least. A cycle of 2K mixtures never decodes one in a hundred.
func TestNeverStuck(t *testing.T) {
	const payloads = 100_000
	rnd, most := rand.New(rand.NewPCG(12, 34)), 0
	for range payloads {
		k := 1 + rnd.IntN(128)
		most = max(most, receive(t, RaptorQ{}, k, MinSymbol, rnd)-k)
	}
	t.Logf("at most %d more", most)
	if most > 10 {
		t.Errorf("%d symbols more than the least", most)
	}
}

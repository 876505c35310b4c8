package sig_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
)

func Example() {
	key := sig.FromSeed([32]byte{1})
	s := key.Sign("pars/example/v1", []byte("salam"))
	fmt.Println(sig.Verify(key.Public(), "pars/example/v1", []byte("salam"), s))
	fmt.Println(sig.Verify(key.Public(), "pars/other/v1", []byte("salam"), s))
	// Output:
	// true
	// false
}

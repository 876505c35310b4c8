package identity_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/sig"
)

func Example() {
	words := identity.Phrase([32]byte{}) // 32 bytes of crypto/rand in a program
	seed, err := identity.Seed(words, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	root, err := identity.NewRoot(seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(root.Public().Account())

	device := sig.FromSeed([32]byte{1})
	cert := &identity.Cert{Sign: device.Public(), Made: 1_767_225_600, Expires: 1_800_000_000}
	root.Certify(cert)
	fmt.Println(cert.Verify(root.Public(), nil))
	// Output:
	// pars1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vuxnpdz
	// <nil>
}

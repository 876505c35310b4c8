package profile_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/profile"
)

func Example() {
	p, err := profile.Load(profile.Default, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name, p.ChainID, p.Protocol("sync/1"))
	// Output: pars-2026 494949 /pars/27ce202f/sync/1
}

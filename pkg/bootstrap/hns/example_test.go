package hns_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/bootstrap/hns"
)

func Example() {
	n, err := hns.LoadNetwork("main")
	if err != nil {
		fmt.Println(err)
		return
	}
	chain, err := hns.NewChain(n)
	fmt.Println(chain.Tip().Height, err)
	// c := &hns.Client{Network: n, Peers: n.Seeds, Now: time.Now}
	// chain, report, err := c.Sync(ctx, chain)
	// answer, err := c.Resolve(ctx, chain, "pars", report)
	// Output: 136149 <nil>
}

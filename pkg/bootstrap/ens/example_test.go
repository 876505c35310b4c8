package ens_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/bootstrap/ens"
)

func Example() {
	name, err := ens.Normalize("Pars.ETH")
	node := ens.Namehash(name)
	fmt.Printf("%s %x %v\n", name, node[:4], err)
	// r := &ens.Resolver{Caller: provenState, Registry: registry}
	// found, err := r.Find(ctx, name)
	// list, err := r.Text(ctx, found, "pars.list")
	// Output: pars.eth 6cfc5ed7 <nil>
}

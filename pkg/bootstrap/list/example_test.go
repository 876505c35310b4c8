package list_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/sig"
)

func Example() {
	holder := sig.FromSeed([32]byte{1})
	set := &list.Set{Network: list.Tag{7}, K: 1, Keys: []sig.Public{holder.Public()}}
	addrs, _ := list.ReadAddrs([]string{"/ip4/8.8.4.4/tcp/4001"})
	peer := list.Entry{Key: sig.FromSeed([32]byte{2}).Public(), Addrs: addrs}
	l, _ := list.Draft{Set: set, Seq: 1, Issued: 1_800_000_000, Entries: []list.Entry{peer}}.Build()
	fmt.Println(l.Root.SignWith(set, holder))

	trust, _ := list.NewTrust(set.Network, set)
	_, err := trust.Check(l.Root, nil, list.Arrival{Now: 1_800_000_000})
	fmt.Println(err, l.Root.CheckLeaf(l.Leaves[0], false))
	// Output:
	// <nil>
	// <nil> <nil>
}

package crdt_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/crdt"
)

// Two members act while apart: one removes a contact, the other adds it again. The addition wins.
func Example() {
	add := []crdt.Op{{Object: "contacts", Type: crdt.ORSet, Key: []byte("mina")}}
	var s crdt.State
	s.Apply(crdt.Vertex{Author: [32]byte{1}, Seq: 0, Lamport: 1}, add)

	remove := []crdt.Op{{Object: "contacts", Type: crdt.ORSet, Op: crdt.Remove, Key: []byte("mina"),
		Dots: s.Seen("contacts", "mina")}}
	s.Apply(crdt.Vertex{Author: [32]byte{2}, Seq: 0, Lamport: 2}, add)
	s.Apply(crdt.Vertex{Author: [32]byte{1}, Seq: 1, Lamport: 2}, remove)
	fmt.Println(s.Elements("contacts"))
	// Output: [mina]
}

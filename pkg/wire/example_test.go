package wire_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/wire"
)

func Example() {
	b := wire.AppendMap(nil, 2)
	b = wire.AppendUint(wire.AppendUint(b, 0), 1)
	b = wire.AppendText(wire.AppendUint(b, 3), "salam")

	d := wire.NewDecoder(b)
	for m := d.Map(2); m.Next(); {
		switch m.Key {
		case 0:
			fmt.Println("version", d.Uint(1))
		case 3:
			fmt.Println("text", d.Text(64))
		default:
			m.Unknown()
		}
	}
	fmt.Println("error", d.End())
	// Output:
	// version 1
	// text salam
	// error <nil>
}

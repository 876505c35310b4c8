package dnssec_test

import (
	"fmt"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
)

func Example() {
	anchors, err := dnssec.ParseAnchors([]byte("20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"), time.Unix(0, 0))
	fmt.Println(anchors[0].Tag, err)
	// r := &dnssec.Resolver{Server: server, Anchors: anchors, Now: time.Now}
	// answer, err := r.Lookup(ctx, "_pars.bootstrap.pars.network", 16)
	// Output: 20326 <nil>
}

package bundle_test

import (
	"bytes"
	"fmt"

	"github.com/pars-network/pars/pkg/bundle"
)

// A file for one group, damaged on its way.
func Example() {
	group := bundle.Key{1}
	var file bytes.Buffer
	_, err := bundle.Pack(&file, bundle.Records(bundle.Record{Kind: bundle.KindList, Payload: []byte("a list")}),
		bundle.Options{To: bundle.Recipients{Groups: []bundle.Key{group}}, Form: bundle.FormSealed, Parity: 800})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := file.Bytes()
	clear(b[bundle.SectorSize : 2*bundle.SectorSize]) // a sector is lost
	f, err := bundle.Open(bytes.NewReader(b), int64(len(b)), bundle.Keys{Groups: []bundle.Key{group}})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = f.Check(func(c *bundle.Chunk) error {
		fmt.Printf("%s: %s\n", c.Records[0].Kind, c.Records[0].Payload)
		return nil
	})
	fmt.Println(f.Report.Whole(), f.Report.Sound(), err)
	// Output:
	// list: a list
	// false true <nil>
}

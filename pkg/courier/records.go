package courier

import "github.com/pars-network/pars/pkg/bundle"

// Records returns what bundles brought of a kind and is still kept. Nothing is said of its worth: whoever reads it verifies it.
func (c *Courier) Records(kind bundle.Kind) ([][]byte, error) {
	list, err := c.shelf()
	var out [][]byte
	for _, s := range list {
		if s.Kind == kind {
			out = append(out, s.Payload)
		}
	}
	return out, err
}

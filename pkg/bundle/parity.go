package bundle

import (
	"fmt"

	"github.com/klauspost/reedsolomon"
)

// code is the Reed-Solomon code over GF(2^16) of windows of one shape; one code word a window, so that
// losses anywhere in it count alike.
type code struct {
	data, parity int
	enc          reedsolomon.Encoder
}

// of makes the code fit a shape.
func (c *code) of(p shape) error {
	if c.enc != nil && c.data == p.data && c.parity == p.parity {
		return nil
	}
	enc, err := reedsolomon.New(p.data, p.parity, reedsolomon.WithLeopardGF16(true))
	if err != nil {
		return fmt.Errorf("parity of %d+%d sectors: %w", p.data, p.parity, err)
	}
	c.data, c.parity, c.enc = p.data, p.parity, enc
	return nil
}

// encode fills the parity shards, which stand behind the data shards.
func (c *code) encode(p shape, shards [][]byte) error {
	if p.parity == 0 {
		return nil
	}
	if err := c.of(p); err != nil {
		return err
	}
	return c.enc.Encode(shards)
}

// mend fills the shards that are empty; false when too many are.
func (c *code) mend(p shape, shards [][]byte) (bool, error) {
	lost := 0
	for _, s := range shards {
		if len(s) == 0 {
			lost++
		}
	}
	if lost == 0 || lost > p.parity {
		return lost == 0, nil
	}
	if err := c.of(p); err != nil {
		return false, err
	}
	if err := c.enc.Reconstruct(shards); err != nil {
		return false, fmt.Errorf("mend a window: %w", err)
	}
	return true, nil
}

package fountain

import (
	"fmt"

	"github.com/xssnick/raptorq"
)

// RaptorQ is the code of RFC 6330 with one source block: K symbols are enough but for one case in a
// hundred. Ids from K on are its repair symbols.
type RaptorQ struct{}

type raptorEncoder struct{ *raptorq.Encoder }

func (e raptorEncoder) K() int                  { return int(e.BaseSymbolsNum()) }
func (e raptorEncoder) Symbol(id uint32) []byte { return e.GenSymbol(id) }

// NewEncoder prepares a block. Errors wrap wire.ErrInvalid.
func (RaptorQ) NewEncoder(block []byte, size int) (Encoder, error) {
	if err := checkBlock(len(block), size); err != nil {
		return nil, err
	}
	e, err := raptorq.NewRaptorQ(uint32(size)).CreateEncoder(pad(block, size))
	if err != nil {
		return nil, fmt.Errorf("encode a block: %w", err)
	}
	return raptorEncoder{e}, nil
}

// Decode returns the block, or nil when more symbols are needed. Errors wrap wire.ErrInvalid.
func (RaptorQ) Decode(length, size int, symbols []Symbol) ([]byte, error) {
	if err := checkBlock(length, size); err != nil {
		return nil, err
	}
	k := Count(length, size)
	if err := checkSymbols(size, symbols); err != nil || len(symbols) < k {
		return nil, err
	}
	d, err := raptorq.NewRaptorQ(uint32(size)).CreateDecoder(uint32(k * size)) // allocates by the size announced: only now
	if err != nil {
		return nil, fmt.Errorf("decode a block: %w", err)
	}
	for _, s := range symbols {
		if _, err := d.AddSymbol(s.ID, s.Data); err != nil {
			return nil, fmt.Errorf("decode a block: %w", err)
		}
	}
	ok, out, err := d.Decode()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInconsistent, err)
	}
	if !ok {
		return nil, nil
	}
	return out[:length], nil
}

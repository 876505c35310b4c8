package ens

import (
	"context"
	"fmt"
	"sync"
)

// ChainRPC is an RPC that is asked nothing until it has said that it is of the right chain. It is safe for concurrent use.
type ChainRPC struct {
	RPC
	Chain uint64

	once sync.Once
	err  error
}

// Call runs eth_call.
func (r *ChainRPC) Call(ctx context.Context, to [20]byte, data []byte) ([]byte, error) {
	r.once.Do(func() {
		id, err := r.ChainID(ctx)
		if err == nil && id != r.Chain {
			err = fmt.Errorf("the server is of chain %d, not %d", id, r.Chain)
		}
		r.err = err
	})
	if r.err != nil {
		return nil, r.err
	}
	return r.RPC.Call(ctx, to, data)
}

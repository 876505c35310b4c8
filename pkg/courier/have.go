package courier

import (
	"context"
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/reconcile"
)

// Have makes a digest of the sessions named, or of all.
func (c *Courier) Have(ctx context.Context, q HaveQuery) ([]byte, error) {
	list, err := c.find(q.Sessions)
	if err != nil {
		return nil, err
	}
	var nonce [8]byte
	if _, err := io.ReadFull(c.cfg.Rand, nonce[:]); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	var out []bundle.HaveSession
	for _, s := range list {
		h := bundle.HaveSession{Secret: s.SyncSecret()}
		for _, a := range s.Log().Authors() {
			h.Authors = append(h.Authors, reconcile.Author{Key: a.Key, Next: a.Next, Tip: a.Tip, Forked: a.Forked})
		}
		vertices, bodies := s.Log().Wants(32)
		for _, id := range append(vertices, bodies...) {
			h.Wanted = append(h.Wanted, id)
		}
		out = append(out, h)
	}
	shelf, err := c.shelf()
	if err != nil {
		return nil, err
	}
	sums := make([][32]byte, len(shelf))
	for i, s := range shelf {
		sums[i] = s.sum
	}
	created := q.Created
	if created == 0 {
		created = hoursOf(c.cfg.Clock())
	}
	return bundle.EncodeHave(created, nonce, out, sums, q.Cells), ctx.Err()
}

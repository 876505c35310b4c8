package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

const lanLooks = 2500 * time.Millisecond

// LANRoad looks for nodes on the local network for a few seconds and announces nothing. The id is that of who asks, or any
// other that no peer has.
func LANRoad(id string, now func() time.Time) Road {
	return Road{Name: "lan", Timeout: roadTimeout, Plain: true, Find: func(ctx context.Context, s *Sink) error {
		ctx, cancel := context.WithTimeout(ctx, lanLooks)
		defer cancel()
		found := make(chan Peer, 64)
		m := &MDNS{PeerID: id, Clock: now, Found: func(id string, addrs []string, _ string) {
			p := Peer{ID: id, Groups: groupsOf(addrs)}
			for _, a := range addrs {
				p.Addrs = append(p.Addrs, a+"/p2p/"+id)
			}
			select {
			case found <- p:
			default: // more neighbours than anybody needs at first
			}
		}}
		if err := m.Start(ctx); err != nil {
			return err
		}
		defer m.Close()
		n := 0
		for {
			select {
			case p := <-found:
				n++
				s.Hints([]Peer{p})
			case <-ctx.Done():
				if n == 0 {
					return fmt.Errorf("nobody announces itself on the local network: %w", wire.ErrNotFound)
				}
				return nil
			}
		}
	}}
}

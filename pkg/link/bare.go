package link

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// Bare returns the connections of Host and nothing above them: it dials, speaks no protocol, answers none and keeps no account
// of what its peers hold. It is for who calls a whole network once, a crawl. Of the options only Seed, Dial and Open count. The
// caller closes it.
func Bare(o Options) (network.Network, error) {
	if o.Dial == 0 {
		o.Dial = 10 * time.Second
	}
	o.Limits, o.Listen, o.Count = none, nil, nil
	sw, _, err := newSwarm(o)
	if err != nil {
		return nil, err
	}
	sw.SetStreamHandler(func(s network.Stream) { s.Reset() })
	return sw, nil
}

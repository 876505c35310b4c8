package list

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestReadNodes(t *testing.T) {
	now := time.Unix(t0, 0)
	id := func(n int) string { return PeerID(key(n).Public()) }
	var in strings.Builder
	fmt.Fprintf(&in, "/ip4/20.0.0.1/tcp/1/p2p/%s\n", id(1))
	fmt.Fprintf(&in, "%s\t/ip4/20.0.0.1/udp/1/quic-v1\n\n", id(1))
	fmt.Fprintf(&in, `{"addr":"/ip4/20.0.0.2/tcp/1/p2p/%s","peer_id":"%s","road":"dns"}`+"\n", id(2), id(2))
	fmt.Fprintf(&in, `{"peer_id":"%s","addrs":["/ip4/20.0.0.3/tcp/1"],"reachable":true,"last":"%s","protocols":["/pars/x/kad/1.0.0"]}`+"\n", id(3), now.Format(time.RFC3339))
	fmt.Fprintf(&in, "/ip4/20.0.0.4/tcp/1/p2p/%s\n", id(4)) // the fourth of one /16
	fmt.Fprintf(&in, `{"peer_id":"%s","addrs":["/ip4/21.0.0.3/tcp/1"],"reachable":false}`+"\n", id(5))
	fmt.Fprintf(&in, `{"peer_id":"%s","addrs":["/ip4/21.0.0.3/tcp/1"],"last":"%s"}`+"\n", id(6), now.AddDate(0, 0, -8).Format(time.RFC3339))
	fmt.Fprintf(&in, "/ip4/10.0.0.4/tcp/1/p2p/%s\n", id(7))
	fmt.Fprintf(&in, "/ip4/20.9.0.4/tcp/1/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ\n")
	gone := map[string]string{}
	got, err := ReadNodes(strings.NewReader(in.String()), now, false, func(peer, why string) { gone[peer] = why })
	if err != nil || len(got) != 3 || len(gone) != 5 {
		t.Fatalf("%d entries, dropped %v, %v", len(got), gone, err)
	}
	if len(got[0].Multiaddrs()) != 2 || len(got[0].Addrs) != 1 || !got[2].DHT || got[1].DHT {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []string{"{", "{}", "/ip4/20.0.0.1/tcp/1", fmt.Sprintf(`{"peer_id":"%s","addrs":["/ip4/1.2.3.4/tcp/1/p2p/%s"]}`, id(1), id(2))} {
		if _, err := ReadNodes(strings.NewReader(bad), now, false, func(string, string) {}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

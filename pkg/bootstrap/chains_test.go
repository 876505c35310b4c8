package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// told is a source of texts by name and key.
type told struct {
	at     map[string]string
	proven bool
}

func (s told) Text(_ context.Context, name, key string) (string, bool, error) {
	if text, ok := s.at[name+" "+key]; ok {
		return text, s.proven, nil
	}
	return "", false, fmt.Errorf("%s %s: %w", name, key, wire.ErrNotFound)
}

// The roads of chains stand in every race: those that cannot be asked with the reason.
func TestChainRoads(t *testing.T) {
	boot := &profile.Bootstrap{Names: profile.ListNames{HNS: []string{"boot.parsgood"}, ENS: []string{"pars.eth"}}}
	row := func(s *Setup) (out []string) {
		s.Servers, s.Now = []string{}, time.Now
		roads, err := s.Roads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(roads) == 0 || roads[0].Name != "builtin" || !strings.Contains(roads[0].Skip, "no list") {
			t.Errorf("no word of the list in the profile: %+v", roads)
		}
		for _, r := range roads[1:] {
			out = append(out, strings.TrimSpace(r.Name+" "+r.Server+" "+fmt.Sprint(r.Skip != "")))
		}
		return out
	}
	for _, tc := range []struct {
		s    *Setup
		want []string
	}{
		{&Setup{Profile: &profile.Profile{Bootstrap: boot}}, []string{"hns boot.parsgood true", "ens pars.eth true"}},
		{&Setup{Profile: &profile.Profile{Bootstrap: boot}, HNS: &HNS{}, ENS: told{}}, []string{"hns boot.parsgood false", "ens pars.eth false"}},
		{&Setup{Profile: &profile.Profile{}, HNS: &HNS{}, ENS: told{}}, []string{"hns  true", "ens  true"}},
		{&Setup{Profile: &profile.Profile{Bootstrap: boot}, Name: "hns://x.y", HNS: &HNS{}}, []string{"hns x.y false"}},
		{&Setup{Profile: &profile.Profile{Bootstrap: boot}, Name: "ens://x.y", ENS: told{}}, []string{"ens x.y false"}},
		{&Setup{Profile: &profile.Profile{Bootstrap: boot}, Name: "Other.ETH", ENS: told{}}, []string{"ens Other.ETH false"}},
		{&Setup{Profile: &profile.Profile{Bootstrap: boot}, Name: "eth.org", ENS: told{}}, nil},
	} {
		if got := row(tc.s); !slices.Equal(got, tc.want) {
			t.Errorf("%q: %q, want %q", tc.s.Name, got, tc.want)
		}
	}
	s, _ := holders(1, 1)
	setup := &Setup{Profile: &profile.Profile{Bootstrap: boot}, NoENS: "nobody knows the chain", Servers: []string{}, Now: time.Now}
	roads, err := setup.Roads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	res, err := newRace(t, s, roads...).Run(t.Context())
	if !errors.Is(err, wire.ErrNotFound) || len(res.Reports) != 3 || res.Reports[2].Result != Skipped || res.Reports[2].Reason != "nobody knows the chain" || res.Reports[2].Stage != "allowed" {
		t.Errorf("%+v, %v", res, err)
	}
}

// The text dnsaddr is worth what stands behind it, and a list goes before it.
func TestTextPeers(t *testing.T) {
	s, keys := holders(1, 1)
	id := func(n byte) string { return list.PeerID(sig.FromSeed([32]byte{n, 7}).Public()) }
	addr := func(ip string, n byte) string { return "/ip4/" + ip + "/tcp/4001/p2p/" + id(n) }
	dnsaddr := strings.Join([]string{addr("20.1.0.1", 1), "dnsaddr=" + addr("20.2.0.1", 2), addr("20.3.0.1", 1), addr("10.0.0.1", 3), "rubbish"}, "\n")
	for _, proven := range []bool{false, true} {
		r := TextRoad("ens", "pars.eth", told{map[string]string{"pars.eth dnsaddr": dnsaddr}, proven})
		r.After = 0
		race := newRace(t, s, r)
		race.Private = false
		res, err := race.Run(t.Context())
		if err != nil || len(res.Peers) != 2 {
			t.Fatalf("%+v, %v", res, err)
		}
		class, by, verdict := Hinted, "", "unverified"
		if proven {
			class, by, verdict = Signed, "state", "proven"
		}
		for _, p := range res.Peers {
			if p.Class != class || p.By != by || p.Source != "ens pars.eth" || p.ID == id(1) && (len(p.Addrs) != 2 || len(p.Groups) != 2) {
				t.Errorf("proven %v: %+v", proven, p)
			}
		}
		if res.Reports[0].Verdict != verdict {
			t.Errorf("%+v", res.Reports[0])
		}
	}
	l := signedList(t, s, keys[:2], 5, uint64(time.Now().Unix()), listed(1, 20))
	r := TextRoad("ens", "pars.eth", told{map[string]string{"pars.eth dnsaddr": dnsaddr, "pars.eth pars.list": l.Text()}, false})
	r.After = 0
	if res, err := newRace(t, s, r).Run(t.Context()); err != nil || len(res.Peers) == 0 || res.Peers[0].By != "list" {
		t.Errorf("%+v, %v", res, err)
	}
	r = TextRoad("ens", "pars.eth", told{map[string]string{"pars.eth dnsaddr": "nothing here"}, true})
	r.After = 0
	if res, err := newRace(t, s, r).Run(t.Context()); !errors.Is(err, wire.ErrNotFound) || len(res.Peers) != 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

// A chain that nobody serves is an error that names the peer; what is kept of it and does not verify is begun anew.
func TestHNSChain(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	m := &book{}
	c, err := NewHNSChain(&profile.Bootstrap{HNS: profile.HNS{Chain: "regtest", Peers: []string{closed.Addr().String()}, Agree: 1}}, m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(c.Name(), []byte("PHC1 damaged")); err != nil {
		t.Fatal(err)
	}
	if a, err := c.Prove(t.Context(), "parsgood"); a != nil || err == nil || !strings.Contains(err.Error(), closed.Addr().String()) {
		t.Errorf("%v, %v", a, err)
	}
	if c, err = NewHNSChain(&profile.Bootstrap{}, m, time.Now); err != nil || c.Client.Network.Name != "main" || len(c.Client.Peers) != len(c.Client.Network.Seeds) {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err = NewHNSChain(&profile.Bootstrap{HNS: profile.HNS{Chain: "moon"}}, m, time.Now); !errors.Is(err, wire.ErrNotFound) {
		t.Error(err)
	}
}

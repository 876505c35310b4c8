package bootstrap

import (
	"strings"

	"github.com/pars-network/pars/pkg/profile"
)

// names are those of the profile, or Name in the system that it is of.
func (s *Setup) names() profile.ListNames {
	if s.Name == "" {
		return s.boot().Names
	}
	if name, ok := strings.CutPrefix(s.Name, "hns://"); ok {
		return profile.ListNames{HNS: []string{name}}
	}
	name, ok := strings.CutPrefix(s.Name, "ens://")
	if ok || strings.HasSuffix(strings.ToLower(name), ".eth") { // the common root has no eth
		return profile.ListNames{ENS: []string{name}}
	}
	return profile.ListNames{DNS: []string{name}}
}

// chains are the roads by names of other systems.
func (s *Setup) chains(names profile.ListNames) []Road {
	var roads []Road
	for _, name := range names.HNS {
		if s.HNS == nil {
			roads = append(roads, Road{Name: "hns", Server: name, Skip: "nobody was named who has the chain of Handshake"})
			continue
		}
		roads = append(roads, s.HNS.Road(name))
	}
	for _, name := range names.ENS {
		if s.ENS == nil {
			why := s.NoENS
			if why == "" {
				why = "no server of the chain was named"
			}
			roads = append(roads, Road{Name: "ens", Server: name, Skip: why})
			continue
		}
		roads = append(roads, TextRoad("ens", name, s.ENS))
	}
	if s.Name == "" && len(names.HNS) == 0 {
		roads = append(roads, Road{Name: "hns", Skip: "the profile names no list there; hns://NAME asks for one"})
	}
	if s.Name == "" && len(names.ENS) == 0 {
		roads = append(roads, Road{Name: "ens", Skip: "the profile names no list there; ens://NAME asks for one"})
	}
	return roads
}

// Asks reports whether there is a name of the road hns or ens to ask for.
func (s *Setup) Asks(road string) bool {
	n := s.names()
	return road == "hns" && len(n.HNS) > 0 || road == "ens" && len(n.ENS) > 0
}

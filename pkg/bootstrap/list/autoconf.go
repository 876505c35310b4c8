package list

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/wire"
)

// MaxAutoConf is the largest AutoConf file in bytes.
const MaxAutoConf = 1 << 20

// AutoConf is the bootstrap configuration that IPFS programs fetch as JSON. It is not signed: what is read from one is a
// hint. Fields that are not named here are passed over.
type AutoConf struct {
	AutoConfVersion    int64                         `json:"AutoConfVersion"`
	AutoConfSchema     int                           `json:"AutoConfSchema"`
	AutoConfTTL        int64                         `json:"AutoConfTTL"` // seconds
	SystemRegistry     map[string]AutoConfSystem     `json:"SystemRegistry"`
	DNSResolvers       map[string][]string           `json:"DNSResolvers"`
	DelegatedEndpoints map[string]AutoConfDelegation `json:"DelegatedEndpoints"`
}

// AutoConfSystem is one routing system.
type AutoConfSystem struct {
	Description  string          `json:"Description"`
	NativeConfig *AutoConfNative `json:"NativeConfig,omitempty"`
}

// AutoConfNative is how a node of its own joins the system.
type AutoConfNative struct {
	Bootstrap []string `json:"Bootstrap"`
}

// AutoConfDelegation is what an HTTP endpoint answers for nodes that do not join.
type AutoConfDelegation struct {
	Systems []string `json:"Systems"`
	Read    []string `json:"Read"`
	Write   []string `json:"Write"`
}

// ParseAutoConf reads an AutoConf file and returns the bootstrap addresses of all systems, each once, in the order of the
// systems' names. What is no multiaddr with a peer id is left out. Errors wrap wire.ErrInvalid.
func ParseAutoConf(b []byte) ([]string, error) {
	if len(b) > MaxAutoConf {
		return nil, wire.Invalid("AutoConf of %d bytes, at most %d", len(b), MaxAutoConf)
	}
	var c AutoConf
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, wire.Invalid("AutoConf: %v", err)
	}
	if c.AutoConfSchema != 1 {
		return nil, wire.Invalid("AutoConf of schema %d; 1 is known", c.AutoConfSchema)
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.SystemRegistry)) {
		native := c.SystemRegistry[name].NativeConfig
		if native == nil {
			continue
		}
		for _, s := range native.Bootstrap {
			m, err := ma.NewMultiaddr(s)
			if err != nil || !strings.Contains(s, "/p2p/") || slices.Contains(out, m.String()) {
				continue
			}
			out = append(out, m.String())
		}
	}
	return out[:min(len(out), MaxPeers)], nil
}

// AutoConf returns the list as an AutoConf file with one system of that name.
func (l *List) AutoConf(system string) ([]byte, error) {
	var addrs []string
	for _, e := range l.Entries() {
		addrs = append(addrs, e.Multiaddrs()...)
	}
	c := AutoConf{AutoConfVersion: int64(l.Root.Seq), AutoConfSchema: 1, AutoConfTTL: int64(l.Root.Expires-l.Root.Issued) / 4,
		SystemRegistry:     map[string]AutoConfSystem{system: {Description: "pars", NativeConfig: &AutoConfNative{addrs}}},
		DNSResolvers:       map[string][]string{},
		DelegatedEndpoints: map[string]AutoConfDelegation{}}
	b, err := json.MarshalIndent(c, "", "  ")
	return append(b, '\n'), err
}

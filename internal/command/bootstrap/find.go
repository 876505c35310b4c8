package bootstrap

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/version"
	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// findFlags choose the roads.
func findFlags(more ...urfave.Flag) []urfave.Flag {
	return askFlags(append([]urfave.Flag{
		&urfave.StringFlag{Name: "road", Usage: "only these `ROADS`, with commas: " + strings.Join(roadNames(), ", ")},
		&urfave.StringSliceFlag{Name: "file", Usage: "take the list, rotation, card or AutoConf in `FILE`, bytes or text (repeat for more)"},
		&urfave.StringSliceFlag{Name: "rpc", Usage: "ask the JSON-RPC server at `URL` for names of ENS (repeat for more; before those of the profile)"},
		&urfave.StringSliceFlag{Name: "beacon", Usage: "ask the beacon API at `URL` for the head under which ENS is proven (repeat for more)"},
		&urfave.BoolFlag{Name: "covert-only", Usage: "use no road on which a listener sees what is asked"},
		&urfave.BoolFlag{Name: "no-mdns", Usage: "do not look on the local network"}}, more...)...)
}

func roadNames() []string {
	return []string{"builtin", "file", "cache", "lan", "dht", "dns", "hns", "ens"}
}

// folder is a Memory of one file a name. The command holds no key to seal them with: what is in them is public.
type folder struct{ dir string }

func (f folder) path(name string) string {
	return filepath.Join(f.dir, strings.ReplaceAll(name, "/", "-"))
}

// Load reads a file.
func (f folder) Load(name string) ([]byte, error) {
	b, err := os.ReadFile(f.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, wire.ErrNotFound
	}
	return b, err
}

// Save replaces a file, and returns when it is on the disk.
func (f folder) Save(name string, value []byte) error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	t, err := os.CreateTemp(f.dir, ".save-*")
	if err != nil {
		return err
	}
	defer os.Remove(t.Name()) // gone already when all went well
	_, err = t.Write(value)
	if err = errors.Join(err, t.Sync(), t.Close()); err != nil {
		return err
	}
	return os.Rename(t.Name(), f.path(name))
}

// setup is what the flags and the profile say.
func setup(c *urfave.Context) (*bootstrap.Setup, folder, error) {
	p, err := network(c)
	if err != nil {
		return nil, folder{}, err
	}
	home, err := cli.Home(c)
	if err != nil {
		return nil, folder{}, err
	}
	memory := folder{filepath.Join(home, "cache", "bootstrap-"+p.NetID8())}
	s := &bootstrap.Setup{Profile: p, System: bootstrap.SystemServers(), Memory: memory, Now: time.Now}
	if list := c.StringSlice("server"); len(list) > 0 {
		s.Servers = list
	}
	if len(cli.Args(c)) == 1 {
		s.Name = cli.Args(c)[0]
	}
	if c.String("anchor") != "" {
		if s.Anchors, err = anchors(c, p); err != nil {
			return nil, folder{}, err
		}
	}
	if s.Dialer, err = dialer(c); err != nil {
		return nil, folder{}, err
	}
	if name := c.String("ca"); name != "" {
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, folder{}, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, folder{}, cli.Usagef("%s has no certificate in PEM", name)
		}
		s.Change = func(x *exchange.Server) { x.Roots = roots }
	}
	return s, memory, chains(c, s, home)
}

// race makes the race of the roads that are wanted.
func race(c *urfave.Context, s *bootstrap.Setup, memory folder) (*bootstrap.Race, error) {
	trust, err := s.Trust()
	if err != nil {
		return nil, err
	}
	roads, err := s.Roads(c.Context)
	if errors.Is(err, wire.ErrInvalid) {
		return nil, cli.Usagef("%v", err)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range c.StringSlice("file") {
		b, err := readAll(c, name)
		if r, derr := list.DecodeRotation(b); err == nil && derr == nil { // before the lists that need it
			if _, err := trust.Rotate(r); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		roads = append(roads, bootstrap.FileRoad("file", name, func() ([]byte, error) { return b, err }))
	}
	table := filepath.Join(filepath.Dir(memory.dir), "dht-table-"+s.Profile.NetID8()+".jsonl")
	if _, err := os.Stat(table); err == nil {
		roads = append(roads, tableRoad(table))
	}
	if !c.Bool("no-mdns") {
		roads = append(roads, bootstrap.LANRoad(nobody(), time.Now))
	}
	if only := c.String("road"); only != "" {
		wanted := strings.Split(only, ",")
		for _, w := range wanted {
			if !slices.Contains(roadNames(), w) {
				return nil, cli.Usagef("road %q is none of %s", w, strings.Join(roadNames(), ", "))
			}
		}
		roads = slices.DeleteFunc(roads, func(r bootstrap.Road) bool { return !slices.Contains(wanted, r.Name) })
	}
	return &bootstrap.Race{Trust: trust, Roads: roads, Private: s.Profile.Bootstrap.AllowPrivate, Covert: c.Bool("covert-only"), Memory: memory,
		Network: networkKey(memory, s), Build: version.Built(), Now: time.Now}, nil
}

// nobody is the peer id of a key that nobody has.
func nobody() string {
	var seed [32]byte
	rand.Read(seed[:])
	return list.PeerID(sig.FromSeed(seed).Public())
}

// tableRoad brings what a seeder or a node of this home knew last.
func tableRoad(name string) bootstrap.Road {
	return bootstrap.HintRoad("dht", func(context.Context) ([]bootstrap.Peer, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		entries, err := list.ReadNodes(f, time.Now(), true, func(string, string) {})
		var out []bootstrap.Peer
		for _, e := range entries {
			out = append(out, bootstrap.Peer{ID: e.ID(), Addrs: e.Multiaddrs(), Groups: e.Groups()})
		}
		return out, err
	})
}

// networkKey tells this network from others without naming it; empty where that cannot be told.
func networkKey(memory folder, s *bootstrap.Setup) string {
	b, err := memory.Load("device")
	var secret [32]byte
	if n, derr := hex.Decode(secret[:], bytes.TrimSpace(b)); err != nil || derr != nil || n != 32 {
		rand.Read(secret[:])
		if memory.Save("device", fmt.Appendf(nil, "%x\n", secret)) != nil {
			return ""
		}
	}
	gateway := bootstrap.GatewayMAC()
	if len(gateway) == 0 && len(s.System) == 0 {
		return ""
	}
	return bootstrap.NetworkKey(secret, gateway, s.System)
}

// linked tells whether an interface besides the loopback has an address.
func linked(p *profile.Profile) bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true // it cannot be told: try
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		ip, _, err := net.ParseCIDR(a.String())
		return err == nil && (!ip.IsLoopback() || p.Bootstrap.AllowPrivate)
	})
}

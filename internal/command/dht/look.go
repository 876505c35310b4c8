package dht

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
)

type pong struct {
	PeerID string  `json:"peer_id"`
	RTT    float64 `json:"rtt_ms"`
	Agent  string  `json:"agent"`
	Mode   string  `json:"mode"`
}

// Text is peer id, round trip, agent and mode.
func (p pong) Text() string {
	return fmt.Sprintf("%s\t%.1f ms\t%s\t%s", p.PeerID, p.RTT, cli.Escape(p.Agent), p.Mode)
}

var errNotServed = errors.New("the node answers and does not serve the DHT of this network")

func pingVerb() *urfave.Command {
	return &urfave.Command{
		Name: "ping", Usage: "ask one node for an answer", ArgsUsage: "MULTIADDR",
		Action: func(c *urfave.Context) error {
			p, err := dht.ParsePeer(cli.Args(c)[0])
			if err != nil {
				return cli.Usagef("%v", err)
			}
			n, stop, err := client(c, true, nil)
			if err != nil {
				return err
			}
			defer stop()
			ctx, cancel := context.WithTimeout(c.Context, 10*time.Second)
			defer cancel()
			hello, err := n.Call(ctx, p)
			if err != nil {
				return errors.Join(err, c.Context.Err())
			}
			if !hello.Serves {
				return errNotServed
			}
			rtt, err := n.Ping(ctx, p.ID)
			if err != nil {
				return err
			}
			return cli.Out(c).Print(pong{dht.PeerName(p.ID), float64(rtt.Microseconds()) / 1000, hello.Agent, "server"})
		},
	}
}

type nodeRow struct {
	PeerID   string   `json:"peer_id"`
	NodeID   string   `json:"node_id"`
	Distance string   `json:"distance"`
	Addrs    []string `json:"addrs"`
	Path     int      `json:"path"`
	Hops     int      `json:"hops"`
}

// Text is peer id and addresses.
func (r nodeRow) Text() string { return strings.Join(append([]string{r.PeerID}, r.Addrs...), "\t") }

// place reads a peer id, or 32 bytes in hex that are a place, or 38 that are a key.
func place(s string) (key []byte, at dht.ID, err error) {
	if p, err := dht.ParsePeerID(s); err == nil {
		return []byte(p), dht.NodeID(p), nil
	}
	b, err := hex.DecodeString(s)
	if err == nil && len(b) == len(at) {
		return dht.Near(dht.ID(b)), dht.ID(b), nil
	}
	if k, kerr := dht.DecodeKey(b); err == nil && kerr == nil {
		return k.Bytes(), k.ID(), nil
	}
	return nil, at, cli.Usagef("%q is neither a peer id nor 32 or 38 bytes in hex", s)
}

func findNodeVerb() *urfave.Command {
	return &urfave.Command{
		Name: "find-node", Usage: "print the nodes nearest to a place", ArgsUsage: "ID|PEER_ID", Flags: seedFlags(),
		Action: func(c *urfave.Context) error {
			key, at, err := place(cli.Args(c)[0])
			if err != nil {
				return err
			}
			return joined(c, func(ctx context.Context, n *dht.Node) error {
				list, _, err := n.FindNearest(ctx, key, nil)
				if err != nil {
					return err
				}
				var rows []nodeRow
				for _, f := range list {
					id := dht.NodeID(f.ID)
					rows = append(rows, nodeRow{dht.PeerName(f.ID), id.String(), id.Distance(at).String(), f.AddrNames(), f.Path, f.Hop})
				}
				slices.SortFunc(rows, func(a, b nodeRow) int { return strings.Compare(a.Distance, b.Distance) })
				for _, r := range rows {
					if err := cli.Out(c).Print(r); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

type recordRow struct {
	Key      string    `json:"key"`
	Epoch    uint32    `json:"epoch"`
	Seq      uint64    `json:"seq"`
	NotAfter time.Time `json:"not_after"`
	Agreeing int       `json:"paths_agreeing"`
	Ended    int       `json:"paths_ended"`
	Value    string    `json:"value"`
}

// Text is key, epoch, seq and the end of its validity.
func (r recordRow) Text() string {
	return fmt.Sprintf("%s\t%d\t%d\t%s", r.Key, r.Epoch, r.Seq, r.NotAfter.Format(time.RFC3339))
}

func keyArg(c *urfave.Context) (dht.Key, error) {
	k, ok := recordKey(cli.Args(c)[0])
	if !ok {
		return k, cli.Usagef("key %q is not 32 or 38 bytes in hex", cli.Args(c)[0])
	}
	return k, nil
}

func getVerb() *urfave.Command {
	return &urfave.Command{
		Name: "get", Usage: "print the newest valid record under a key, or its bytes with -o", ArgsUsage: "KEY", Flags: seedFlags(cli.OutputFlag()),
		Description: "Asks everybody in the key's region on four paths that share no node, and never takes the first answer. Exit 4 when the region " +
			"holds none, 5 when the look-up did not come to its end.",
		Action: func(c *urfave.Context) error {
			key, err := keyArg(c)
			if err != nil {
				return err
			}
			return joined(c, func(ctx context.Context, n *dht.Node) error {
				r, err := n.GetRecord(ctx, key, nil)
				if err != nil {
					return err
				}
				if r.Twin != nil {
					cli.Warnf(c, "the writer says two things at once under one sequence number; the smaller one is kept")
				}
				if c.String("o") != "" {
					return cli.Output(c, func(w io.Writer) error { _, err := w.Write(r.Value); return err })
				}
				rec, err := dht.DecodeRecord(r.Value)
				if err != nil {
					return err
				}
				return cli.Out(c).Print(recordRow{key.String(), rec.Epoch, rec.Seq, time.Unix(int64(rec.NotAfter), 0).UTC(), r.Agreeing, r.Ended, hex.EncodeToString(r.Value)})
			})
		},
	}
}

type storedRow struct {
	Key      string   `json:"key"`
	Stored   []string `json:"stored"`
	Failed   []string `json:"failed"`
	Region   int      `json:"region_size"`
	Estimate float64  `json:"n_estimate"`
	Alarm    bool     `json:"alarm"`
}

// Text is key, how many took it, how many did not.
func (r storedRow) Text() string {
	return fmt.Sprintf("%s\t%d stored\t%d failed", r.Key, len(r.Stored), len(r.Failed))
}

const enoughAcks = 10

var errNobody = errors.New("nobody took the record")

func putVerb() *urfave.Command {
	return &urfave.Command{
		Name: "put", Usage: "store a record under its key", ArgsUsage: "KEY FILE|-", Flags: seedFlags(),
		Description: "A record that does not verify is refused with exit 6 before anything is sent. Exit 3 when fewer than ten nodes took it.",
		Action: func(c *urfave.Context) error {
			key, err := keyArg(c)
			if err != nil {
				return err
			}
			in, err := cli.Input(c, cli.Args(c)[1])
			if err != nil {
				return err
			}
			defer in.Close()
			value, err := io.ReadAll(io.LimitReader(in, dht.RecordSize+1))
			if err != nil {
				return fmt.Errorf("read the record: %w", err)
			}
			p, err := network(c)
			if err != nil {
				return err
			}
			if err := (dht.Validator{NetID: p.NetID()}).Validate(key.Bytes(), value, time.Now().Unix()); err != nil {
				if !errors.Is(err, dht.ErrExpired) {
					return err
				}
				return fmt.Errorf("%w: %w", err, sig.ErrVerify)
			}
			return joined(c, func(ctx context.Context, n *dht.Node) error { return putRecord(ctx, c, n, key, value) })
		},
	}
}

func putRecord(ctx context.Context, c *urfave.Context, n *dht.Node, key dht.Key, value []byte) error {
	s, err := n.PutRecord(ctx, key, value, nil)
	if err != nil {
		return err
	}
	row := storedRow{Key: key.String(), Stored: []string{}, Failed: []string{}, Region: s.Region, Estimate: s.Estimate, Alarm: s.Crowded}
	for _, p := range s.Stored {
		row.Stored = append(row.Stored, dht.PeerName(p.ID))
	}
	for _, p := range s.Failed {
		row.Failed = append(row.Failed, dht.PeerName(p.ID))
	}
	if s.Crowded {
		cli.Warnf(c, "%d nodes crowd around the key, more than a network of %.0f puts there", s.Region, s.Estimate)
	}
	if err := cli.Out(c).Print(row); err != nil {
		return err
	}
	switch {
	case len(row.Stored) == 0:
		return errNobody
	case len(row.Stored) < enoughAcks:
		return fmt.Errorf("%d nodes took the record, %d would be safe: %w", len(row.Stored), enoughAcks, cli.ErrPartial)
	}
	return nil
}

type roleRow struct {
	PeerID    string   `json:"peer_id"`
	Addrs     []string `json:"addrs"`
	Challenge string   `json:"challenge"` // passed, failed, none: not asked to do anything, or no-card
	Why       string   `json:"why,omitempty"`
	Until     int64    `json:"until,omitempty"` // end of its card, Unix seconds
	Chain     *chain   `json:"chain,omitempty"` // of the evm roles
}

type chain struct {
	ID      uint64 `json:"id"`
	Genesis string `json:"genesis"`
	Head    uint64 `json:"head"`
	Oldest  uint64 `json:"oldest_state"`
}

func newRoleRow(s dht.Server, role dht.Role) roleRow {
	r := roleRow{PeerID: dht.PeerName(s.ID), Addrs: s.AddrNames(), Challenge: "passed", Until: int64(s.Card.NotAfter)}
	switch {
	case s.Err != nil && s.Card.Role == "":
		r.Challenge, r.Why = "no-card", s.Err.Error()
	case s.Err != nil:
		r.Challenge, r.Why = "failed", s.Err.Error()
	case strings.Contains(string(role), ":"):
		r.Challenge = "none"
	}
	if c := s.Card.Chain; c != nil {
		r.Chain = &chain{c.ID, hex.EncodeToString(c.Genesis[:]), c.Head, c.Oldest}
	}
	return r
}

// Text is peer id, challenge and addresses.
func (r roleRow) Text() string {
	return strings.Join(append([]string{r.PeerID, r.Challenge}, r.Addrs...), "\t")
}

func findPeersVerb() *urfave.Command {
	return &urfave.Command{
		Name: "find-peers", Usage: "print where the members of a session are, or the nodes that serve in a role", ArgsUsage: "[SESSION]",
		Description: "Members are looked for by the node that runs on the home. For --role the nodes named by --peer or --from are asked. Each of whom the directory tells is asked for its signed card and to show what " +
			"it can do: a seeder to name others at two random places, a relay or courier to give back a letter that is left with it. The challenge is then passed, failed or no-card; " +
			"for the evm roles it is none: pars-evm asks those for a proof.",
		Flags: seedFlags(append(attach.Flags(), &urfave.StringFlag{Name: "role", Usage: "the `ROLE`: relay, seeder, courier, bootstrap, evm-full:CHAIN, evm-archive:CHAIN or evm-tx:CHAIN"},
			&urfave.IntFlag{Name: "shards", Value: 4, Usage: "ask `N` of the 16 parts of the directory"})...),
		Action: func(c *urfave.Context) error {
			if args := cli.Args(c); len(args) == 1 {
				return findMembers(c, args[0])
			}
			role, err := dht.ParseRole(c.String("role"))
			if err != nil {
				return cli.Usagef("a SESSION or --role is needed: %v", err)
			}
			if s := c.Int("shards"); s < 1 || s > dht.Shards {
				return cli.Usagef("--shards is 1 to %d", dht.Shards)
			}
			return joined(c, func(ctx context.Context, n *dht.Node) error {
				p, err := network(c)
				if err != nil {
					return err
				}
				return findServers(c, n, p, role)
			})
		},
	}
}

// findServers prints each of whom the directory tells, as it is looked at.
func findServers(c *urfave.Context, n *dht.Node, p *profile.Profile, role dht.Role) error {
	var out error
	err := n.FindServers(c.Context, role, c.Int("shards"), challenge(n, p, role), func(s dht.Server) bool {
		out = cli.Out(c).Print(newRoleRow(s, role))
		return out == nil
	})
	return errors.Join(err, out)
}

// challenge is what a server of a role is asked to do; nil where the verb knows nothing to ask.
func challenge(n *dht.Node, p *profile.Profile, role dht.Role) dht.Challenge {
	switch role {
	case "seeder", "bootstrap":
		return n.Answers
	case "relay", "courier":
		g := &gossip.Node{Host: n.Host, Rules: gossip.Rules{NetID: p.NetID(), Genesis: int64(p.Network.GenesisTime), StampBits: int(p.StampBits)},
			Cut: gossip.Cut{NetID8: p.NetID8(), Bits: p.ShardBits}, Now: time.Now, Rand: rand.Reader}
		return func(ctx context.Context, c dht.Card) error { return g.Echo(ctx, gossip.PeerID(c.Peer)) }
	}
	return nil
}

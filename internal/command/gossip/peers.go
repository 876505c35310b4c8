package gossip

import (
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/gossip"
)

func peersVerb() *urfave.Command {
	return &urfave.Command{
		Name: "peers", Usage: "tell which nodes read a topic", ArgsUsage: "[TOPIC]",
		Description: "Joins the network by --peer or --from, reads the topic or only looks, and prints one line for each connected node and topic it reads, " +
			"after --wait. TOPIC is a word or shard:XX.",
		Flags:  netFlags(&urfave.DurationFlag{Name: "wait", Usage: "look for `D`", Value: 3 * time.Second, DefaultText: "3s"}),
		Action: peersAction,
	}
}

type scoreRow struct {
	App       float64 `json:"app"`
	IP        float64 `json:"ip"`
	Behaviour float64 `json:"behaviour"`
	Topic     float64 `json:"topic"`
	All       float64 `json:"all"`
}

type peerRow struct {
	PeerID string   `json:"peer_id"`
	Topic  string   `json:"topic"` // empty: it reads none
	Mesh   bool     `json:"mesh"`
	Score  scoreRow `json:"score"`
	RTT    int64    `json:"rtt_ms"`
	In     uint64   `json:"bytes_in"`
	Out    uint64   `json:"bytes_out"`
	Dup    uint64   `json:"dup"`
}

// Text is peer, topic, mesh or not, and its score.
func (r peerRow) Text() string {
	topic, mesh := r.Topic, "-"
	if topic == "" {
		topic = "-"
	}
	if r.Mesh {
		mesh = "mesh"
	}
	return attach.Strings(r.PeerID, topic, mesh, r.Score.All)
}

func peersAction(c *urfave.Context) error {
	p, err := network(c)
	if err != nil {
		return err
	}
	var only *uint8
	args := cli.Args(c)
	if len(args) == 1 {
		name, err := cut(p).ParseName(args[0])
		switch {
		case err != nil:
			return cli.Usagef("%v", err)
		case name.Session != "":
			return cli.Usagef("the peers of a conversation are its members: pars-node members")
		case name.Shard != nil:
			only = name.Shard
		default:
			i := cut(p).Index(gossip.Today(gossip.OpenTopic(p.NetID(), int64(p.Network.GenesisTime), name.Word).Rdv, time.Now().Unix()))
			only = &i
		}
	}
	r, skipped, err := join(c, fresh(), c.StringSlice("listen"), func(n *gossip.Node) error {
		if only != nil {
			n.Topics = []uint8{*only}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer r.close()
	select {
	case <-time.After(c.Duration("wait")):
	case <-c.Context.Done():
		return c.Context.Err()
	}
	for _, s := range r.Peers() {
		for _, row := range rows(s, only) {
			if err := cli.Out(c).Print(row); err != nil {
				return err
			}
		}
	}
	return skipped
}

// rows returns the lines of one peer.
func rows(s gossip.PeerStats, only *uint8) (out []peerRow) {
	row := peerRow{PeerID: s.ID.Name(), Score: scoreRow{s.App, s.Colocation, s.Behaviour, s.Topic, s.Score}, RTT: s.RTT.Milliseconds(), In: s.In, Out: s.Out, Dup: s.Dup}
	for _, t := range s.Topics {
		if only == nil || *only == t {
			row.Topic, row.Mesh = "shard:"+hex2(t), slices.Contains(s.Mesh, t)
			out = append(out, row)
		}
	}
	if len(s.Topics) == 0 && only == nil {
		out = append(out, row)
	}
	return out
}

func hex2(v uint8) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[v>>4], digits[v&15]})
}

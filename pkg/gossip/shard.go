package gossip

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// Shard is one of the 256 places into which all sessions fall, each day anew.
type Shard uint8

const (
	border    = 2 * 3600 // seconds around the turn of a session's day in which two shards are its
	maxCover  = 32       // topics of a node that does not relay all
	day       = 86400
	fullWidth = 8 // bits of a shard
)

// ShardOf returns the shard of a rendezvous secret R on the session's day e:
// SHA-256("pars/gossip/shard/v1" ‖ R ‖ u32be e)[0].
func ShardOf(rdv [32]byte, e uint32) Shard {
	b := append([]byte(wire.LabelShard), rdv[:]...)
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(b, e))
	return Shard(sum[0])
}

// RealShards returns the shards on which a session with R is heard at a unix time: that of its day, and
// that of the neighbouring day within two hours of the turn.
func RealShards(rdv [32]byte, now int64) []Shard {
	k := envelope.Keys{Rdv: rdv}
	var out []Shard
	for _, at := range []int64{now, now - border, now + border} {
		if s := ShardOf(rdv, k.Day(at)); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Today returns the shard on which a session with R is spoken to at a unix time.
func Today(rdv [32]byte, now int64) Shard {
	k := envelope.Keys{Rdv: rdv}
	return ShardOf(rdv, k.Day(now))
}

// Cut is how a network is cut into topics: a topic holds the shards that share their first Bits bits.
type Cut struct {
	NetID8 string
	Bits   uint8 // 0 to 8, of the profile
}

// Topics returns the number of topics.
func (c Cut) Topics() int { return 1 << c.Bits }

// Index returns the number of a shard's topic.
func (c Cut) Index(s Shard) uint8 { return uint8(s >> (fullWidth - c.Bits)) }

// Topic returns the name of the topic with a number: /pars/<netid8>/g/1/<xx>.
func (c Cut) Topic(index uint8) string { return fmt.Sprintf("/pars/%s/g/1/%02x", c.NetID8, index) }

// ParseTopic returns the number of a topic of this network.
func (c Cut) ParseTopic(name string) (index uint8, err error) {
	hex, ok := strings.CutPrefix(name, "/pars/"+c.NetID8+"/g/1/")
	if ok {
		index, ok = c.index(hex)
	}
	if !ok {
		return 0, wire.Invalid("topic %q", name)
	}
	return index, nil
}

// index reads two lower-case hexadecimal digits.
func (c Cut) index(hex string) (uint8, bool) {
	n, err := strconv.ParseUint(hex, 16, 8)
	return uint8(n), err == nil && len(hex) == 2 && hex == strings.ToLower(hex) && int(n) < c.Topics()
}

// Joined returns the numbers of the topics a node reads: those of its real shards, and cover up to the next
// of 4, 8, 16 and 32. The cover of a UTC day follows from a local secret: the same all day, so that a new
// session does not show itself by a cover that changes around it.
func (c Cut) Joined(real []Shard, secret [32]byte, now int64) []uint8 {
	var out []uint8
	for _, s := range real {
		if i := c.Index(s); !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	want := c.Topics()
	for _, n := range []int{4, 8, 16, maxCover} {
		if n >= len(out) {
			want = min(want, n)
			break
		}
	}
	for _, i := range c.cover(secret, now) {
		if len(out) >= want {
			break
		}
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

// cover returns all topics in the order of a day.
func (c Cut) cover(secret [32]byte, now int64) []uint8 {
	var order [1 << fullWidth][9]byte
	for i := range c.Topics() {
		var d [5]byte
		binary.BigEndian.PutUint32(d[:], uint32(max(0, now)/day))
		d[4] = uint8(i)
		mac := envelope.MAC(secret[:], []byte(wire.LabelCover), d[:])
		copy(order[i][:], mac[:8])
		order[i][8] = uint8(i)
	}
	list := order[:c.Topics()]
	slices.SortFunc(list, func(a, b [9]byte) int { return slices.Compare(a[:], b[:]) })
	out := make([]uint8, len(list))
	for i := range list {
		out[i] = list[i][8]
	}
	return out
}

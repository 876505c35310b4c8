package gossip

import (
	"crypto/sha256"
	"strings"
	"unicode/utf8"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// maxWord is the longest name of an open topic in bytes.
const maxWord = 64

// Name is a topic as a person writes it. Exactly one of the fields is set.
type Name struct {
	Session string // session:ID
	Shard   *uint8 // shard:XX, the number of a topic
	Word    string // any other word: an open topic
}

// ParseName reads a topic: session:ID, shard:XX with two hexadecimal digits, or a word of 1 to 64 bytes
// without spaces.
func (c Cut) ParseName(s string) (Name, error) {
	if id, ok := strings.CutPrefix(s, "session:"); ok {
		if id == "" || strings.ContainsAny(id, " \t\n") {
			return Name{}, wire.Invalid("topic %q: a session's id is missing", s)
		}
		return Name{Session: id}, nil
	}
	if hex, ok := strings.CutPrefix(s, "shard:"); ok {
		i, ok := c.index(hex)
		if !ok {
			return Name{}, wire.Invalid("topic %q: this network has the shards 00 to %02x", s, c.Topics()-1)
		}
		return Name{Shard: &i}, nil
	}
	for _, r := range s {
		if r <= ' ' || r == utf8.RuneError || r == ':' {
			return Name{}, wire.Invalid("topic %q: a word without spaces and colons, session:ID or shard:XX", s)
		}
	}
	if s == "" || len(s) > maxWord {
		return Name{}, wire.Invalid("topic of %d bytes, 1 to %d", len(s), maxWord)
	}
	return Name{Word: s}, nil
}

// Group is what a carrier of a session needs: where it is heard, and the keys of its envelopes.
type Group struct {
	Rdv   [32]byte        // R
	First envelope.DayKey // of the day on which the secret began
	Lanes uint8
}

// OpenTopic returns the group of an open topic: whoever knows the word reads and writes it. Its secret is
// SHA-256("pars/gossip/open/v1" ‖ netid ‖ word), its session id the same under "pars/gossip/open-id/v1",
// its first day that of the network.
func OpenTopic(netid [32]byte, genesis int64, word string) Group {
	of := func(label string) [32]byte {
		return sha256.Sum256(append(append([]byte(label), netid[:]...), word...))
	}
	keys := envelope.Derive(envelope.Secret(of(wire.LabelOpen)), of(wire.LabelOpenID))
	return Group{keys.Rdv, keys.FirstDay(keys.Day(genesis)), envelope.LanesGroup}
}

// Day returns the key of the group's day at a unix time; false before its first day.
func (g Group) Day(now int64) (envelope.DayKey, bool) {
	k := envelope.Keys{Rdv: g.Rdv}
	return g.First.At(k.Day(now))
}

// Tagged is a tag with the day whose key opens the envelopes under it.
type Tagged struct {
	Tag [16]byte
	Key envelope.DayKey
}

// Tags returns the tags of the days from back before to ahead after that of now, oldest first.
func (g Group) Tags(now int64, back, ahead int) []Tagged {
	k := envelope.Keys{Rdv: g.Rdv}
	today := int64(k.Day(now))
	from := max(today-int64(back), int64(g.First.Day))
	key, ok := g.First.At(uint32(max(from, 0)))
	if !ok || from > today+int64(ahead) {
		return nil
	}
	var out []Tagged
	for ; int64(key.Day) <= today+int64(ahead); key = key.Next() {
		for lane := range g.Lanes {
			out = append(out, Tagged{key.Tag(lane), key})
		}
	}
	return out
}

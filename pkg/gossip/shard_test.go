package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

func Example() {
	topic := OpenTopic([32]byte{1}, 0, "salam")
	key, _ := topic.Day(86400)
	b, _ := key.SealEnvelope(envelope.Batch, []byte("to all who know the word"), topic.Lanes, 400, bytes.NewReader(make([]byte, 24)))
	for _, t := range topic.Tags(86400, 1, 1) {
		if o, err := envelope.DecodeOuter(b); err == nil && o.Tag == t.Tag {
			_, text, _ := t.Key.OpenEnvelope(b)
			fmt.Println(string(text))
		}
	}
	// Output: to all who know the word
}

// Frozen: two programs that disagree here never hear each other.
func TestShardVector(t *testing.T) {
	var r [32]byte
	copy(r[:], "vector of a rendezvous secret...")
	for _, c := range []struct {
		e    uint32
		want Shard
	}{{0, 0x10}, {20000, 0x21}, {20002, 0xe2}} {
		if got := ShardOf(r, c.e); got != c.want {
			t.Errorf("day %d: got %02x want %02x", c.e, got, c.want)
		}
	}
}

func TestRealShards(t *testing.T) {
	var r [32]byte
	r[0] = 9
	k := envelope.Keys{Rdv: r}
	at := int64(86400 * 20000)
	for k.Day(at) == k.Day(at-1) {
		at++
	}
	for _, c := range []struct {
		off  int64
		want int
	}{{0, 2}, {border, 1}, {border - 1, 2}, {43200, 1}, {-border, 2}, {-border - 1, 1}} {
		got := RealShards(r, at+c.off)
		if len(got) != c.want || got[0] != Today(r, at+c.off) {
			t.Errorf("%d seconds after the turn: %v, want %d shards", c.off, got, c.want)
		}
	}
}

func TestTopics(t *testing.T) {
	for bits := range uint8(9) {
		c := Cut{"27ce202f", bits}
		for s := range 256 {
			i := c.Index(Shard(s))
			back, err := c.ParseTopic(c.Topic(i))
			if err != nil || back != i || int(i) >= c.Topics() {
				t.Errorf("%d bits: shard %d, topic %d, read as %d: %v", bits, s, i, back, err)
			}
		}
	}
	c := Cut{"27ce202f", 2}
	for _, s := range []string{"", "/pars/27ce202f/g/1/", "/pars/27ce202f/g/1/04", "/pars/27ce202f/g/1/0", "/pars/27ce202f/g/1/001", "/pars/27ce202e/g/1/01",
		"/pars/27ce202f/g/2/01", "/pars/27ce202f/g/1/-1", "/pars/27ce202f/g/1/+1"} {
		if _, err := c.ParseTopic(s); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: got %v", s, err)
		}
	}
	if _, err := (Cut{"27ce202f", 8}).ParseTopic("/pars/27ce202f/g/1/AB"); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("capital digits: %v", err)
	}
}

func TestJoined(t *testing.T) {
	c := Cut{"27ce202f", 8}
	now := int64(86400 * 20000)
	one := c.Joined([]Shard{5}, [32]byte{1}, now)
	if len(one) != 4 || !slices.Contains(one, 5) {
		t.Errorf("one shard: %v", one)
	}
	// A new session may add cover but never changes what stood.
	two := c.Joined([]Shard{5, 77}, [32]byte{1}, now)
	changed := 0
	for _, i := range one {
		if !slices.Contains(two, i) {
			changed++
		}
	}
	if len(two) != 4 || changed > 1 {
		t.Errorf("two shards: %v after %v", two, one)
	}
	if slices.Equal(one, c.Joined([]Shard{5}, [32]byte{1}, now+day)) || slices.Equal(one, c.Joined([]Shard{5}, [32]byte{2}, now)) {
		t.Error("cover does not change with the day or the secret")
	}
	var many []Shard
	for i := range 40 {
		many = append(many, Shard(i))
	}
	if got := c.Joined(many[:9], [32]byte{}, now); len(got) != 16 {
		t.Errorf("nine shards: %d topics", len(got))
	}
	if got := c.Joined(many, [32]byte{}, now); len(got) < 40 {
		t.Errorf("forty shards: %d topics", len(got))
	}
	if got := (Cut{"27ce202f", 1}).Joined(many, [32]byte{}, now); len(got) != 2 {
		t.Errorf("one bit: %v", got)
	}
	if got := (Cut{"27ce202f", 0}).Joined(many, [32]byte{}, now); !slices.Equal(got, []uint8{0}) {
		t.Errorf("no bits: %v", got)
	}
}

func TestOpenTopic(t *testing.T) {
	a, b := OpenTopic([32]byte{1}, 1000, "tehran"), OpenTopic([32]byte{1}, 1000, "tabriz")
	if a.Rdv == b.Rdv || a.First.Key == b.First.Key || a.Rdv == OpenTopic([32]byte{2}, 1000, "tehran").Rdv {
		t.Error("words or networks share secrets")
	}
	now := int64(86400 * 100)
	tags := a.Tags(now, 14, 1)
	if len(tags) != 16*8 {
		t.Errorf("%d tags", len(tags))
	}
	seen := map[[16]byte]bool{}
	for _, g := range tags {
		seen[g.Tag] = true
	}
	key, ok := a.Day(now)
	if !ok || len(seen) != len(tags) || !seen[key.Tag(3)] {
		t.Errorf("tags repeat or miss today's: %d of %d, %v", len(seen), len(tags), ok)
	}
	if early := a.Tags(1000, 14, 0); len(early) != 8 {
		t.Errorf("before the first day: %d tags", len(early))
	}
	if _, ok := OpenTopic([32]byte{1}, now, "x").Day(now - 3*day); ok {
		t.Error("a key before the first day")
	}
}

func TestParseName(t *testing.T) {
	c := Cut{"27ce202f", 2}
	for in, want := range map[string]Name{"salam": {Word: "salam"}, "سلام": {Word: "سلام"}, "shard:03": {Shard: ptr8(3)}, "session:ab12": {Session: "ab12"}} {
		got, err := c.ParseName(in)
		if err != nil || got.Word != want.Word || got.Session != want.Session || (got.Shard == nil) != (want.Shard == nil) {
			t.Errorf("%q: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "a b", "shard:04", "shard:3", "shard:", "session:", "x:y", "a\n", string(make([]byte, 65)), "\xff"} {
		if got, err := c.ParseName(in); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: got %+v, %v", in, got, err)
		}
	}
}

func ptr8(v uint8) *uint8 { return &v }

func FuzzParseName(f *testing.F) {
	f.Add("salam")
	f.Add("shard:01")
	f.Add("session:abcd")
	f.Fuzz(func(t *testing.T, s string) {
		c := Cut{"27ce202f", 8}
		n, err := c.ParseName(s)
		if err != nil {
			return
		}
		set := 0
		for _, b := range []bool{n.Word != "", n.Session != "", n.Shard != nil} {
			if b {
				set++
			}
		}
		if set != 1 {
			t.Errorf("%q is %+v", s, n)
		}
	})
}

func FuzzParseTopic(f *testing.F) {
	f.Add("/pars/27ce202f/g/1/0a")
	f.Fuzz(func(t *testing.T, s string) {
		c := Cut{"27ce202f", 8}
		if i, err := c.ParseTopic(s); err == nil && c.Topic(i) != s {
			t.Errorf("%q is topic %d, written %q", s, i, c.Topic(i))
		}
	})
}

package gossip

import (
	"bytes"
	mrand "math/rand/v2"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
)

// Two hundred people who carry for each other, each pair meeting on one day of twenty: a letter finds its reader within
// its fourteen days, with six copies.
func TestCouriers(t *testing.T) {
	const people, letters, days = 200, 60, 14
	r := mrand.New(mrand.NewPCG(5, 5))
	boxes := make([]*Mailbox, people)
	for i := range boxes {
		boxes[i] = newBox(t, newDisk(), nil)
	}
	reader, found := map[envelope.ID]int{}, map[envelope.ID]bool{}
	byReader := map[int][]envelope.ID{}
	for range letters {
		from, to := r.IntN(people), r.IntN(people)
		env := boxes[from].sample(0, days*24)
		if take(t, boxes[from], Put{Envelope: env, Copies: 6}, who("self", Contact), start) != Kept {
			t.Fatal("not kept")
		}
		id := envelope.EnvelopeID(env)
		reader[id] = to
		byReader[to] = append(byReader[to], id)
	}
	at := start
	most := map[envelope.ID]int{}
	meet := func(a, b int) {
		for _, d := range [][2]int{{a, b}, {b, a}} {
			for _, id := range byReader[d[1]] {
				found[id] = found[id] || boxes[d[0]].letters[id] != nil
			}
			if len(boxes[d[0]].letters) == 0 {
				continue
			}
			for _, p := range boxes[d[0]].Spread(boxes[d[1]].Held(Range{}), at.Unix()) {
				if take(t, boxes[d[1]], p, who("courier", Contact), at) == Kept {
					if err := boxes[d[0]].Shared(p); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	for range days - 1 {
		at = at.Add(24 * time.Hour)
		for a := range people {
			for b := a + 1; b < people; b++ {
				if r.IntN(20) == 0 {
					meet(a, b)
				}
			}
		}
	}
	for _, m := range boxes {
		for id := range m.letters {
			most[id]++
		}
	}
	worst, got := 0, 0
	for id := range reader {
		worst = max(worst, most[id])
		if found[id] {
			got++
		}
	}
	t.Logf("%d of %d found their reader, at most %d copies", got, letters, worst)
	if got*100 < letters*95 || worst > 8 {
		t.Errorf("%d of %d found their reader, at most %d copies", got, letters, worst)
	}
}

// Changed at random places, a frame is refused or is another frame that reads and writes alike.
func TestMutatedFrames(t *testing.T) { mutatedFrames(t, 40_000) }

func mutatedFrames(t *testing.T, rounds int) {
	h := NewHave(someIDs(40, 11), [16]byte{3})
	g, err := NewGet(nil, h, anyTag)
	if err != nil {
		t.Fatal(err)
	}
	p := Put{6, 1, [32]byte{7}, stamped(Rules{}, 0, 9)}
	l := letter{id: envelope.EnvelopeID(p.Envelope), group: "g", copies: 3}
	for name, c := range map[string]struct {
		good []byte
		read func([]byte) ([]byte, error)
	}{
		"have":  {h.Append(nil), func(b []byte) ([]byte, error) { x, err := DecodeHave(b); return x.Append(nil), err }},
		"get":   {g.Append(nil), func(b []byte) ([]byte, error) { x, err := DecodeGet(b); return x.Append(nil), err }},
		"put":   {p.Append(nil), func(b []byte) ([]byte, error) { x, err := DecodePut(b); return x.Append(nil), err }},
		"ack":   {AppendAcks(nil, make([]Ack, 3)), func(b []byte) ([]byte, error) { x, err := DecodeAcks(b); return AppendAcks(nil, x), err }},
		"range": {Range{3, 0x4000}.Append(nil), func(b []byte) ([]byte, error) { x, err := DecodeRange(b); return x.Append(nil), err }},
		"letter": {l.encode(p.Envelope), func(b []byte) ([]byte, error) {
			x, env, err := decodeLetter(b)
			if err != nil {
				return nil, err
			}
			return x.encode(env), nil
		}},
		"push": {AppendPush(nil, 2, []byte("run")), func(b []byte) ([]byte, error) { hop, run, err := DecodePush(b); return AppendPush(nil, hop, run), err }},
		"bye":  {AppendBye(nil, 1, 2), func(b []byte) ([]byte, error) { x, y, err := DecodeBye(b); return AppendBye(nil, x, y), err }},
	} {
		r := mrand.New(mrand.NewPCG(1, 2))
		for i := range rounds {
			b := bytes.Clone(c.good)
			for range 1 + r.IntN(3) {
				switch r.IntN(4) {
				case 0:
					b = b[:r.IntN(len(b)+1)]
				case 1:
					b = append(b, byte(r.Uint32()))
				default:
					if len(b) > 0 {
						b[r.IntN(len(b))] = byte(r.Uint32())
					}
				}
			}
			if again, err := c.read(b); err == nil && !bytes.Equal(again, b) {
				t.Fatalf("%s, round %d: %x is written %x", name, i, b, again)
			}
		}
	}
}

// A week of one session's envelopes as a neighbour sees them: four sizes, no author, and nothing that repeats from one
// day to the next but what the network has in common.
func TestAWeekSeenByANeighbour(t *testing.T) {
	rules := Rules{NetID: [32]byte{9}, Genesis: start.Unix() - 30*day, StampBits: 2}
	cut := Cut{"09000000", 8}
	g := OpenTopic(rules.NetID, rules.Genesis, "a session of four")
	seen, topics := map[string]int{}, map[uint8]bool{}
	r := mrand.NewChaCha8([32]byte{1})
	for d := range 7 {
		now := start.Unix() + int64(d)*day
		key, ok := g.Day(now)
		if !ok {
			t.Fatal("no key")
		}
		topics[cut.Index(Today(g.Rdv, now))] = true
		for i := range 12 {
			env, err := key.SealEnvelope(envelope.Batch, bytes.Repeat([]byte("the same text. "), 1+i*60), g.Lanes, rules.ExpiryIn(now, lifeTime), r)
			if err != nil {
				t.Fatal(err)
			}
			rules.Stamp(env, r.Uint64(), func() bool { return false })
			o, err := envelope.DecodeOuter(env)
			if err != nil || len(env) != envelope.ClassSize(o.Class) {
				t.Fatalf("%d bytes: %v", len(env), err)
			}
			for at := 4; at+8 <= len(env); at++ {
				if at+8 > 28 && at < 32 {
					continue // the reserved bytes
				}
				w := string(env[at : at+8])
				if day, ok := seen[w]; ok && day != d {
					t.Fatalf("%x stands at %d on the days %d and %d", w, at, day, d)
				}
				seen[w] = d
			}
		}
	}
	if len(topics) < 5 {
		t.Errorf("a week in the topics %v", topics)
	}
}

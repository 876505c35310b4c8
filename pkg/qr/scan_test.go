package qr

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func random(n int, seed uint64) []byte {
	b := make([]byte, n)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	rand.NewChaCha8(key).Read(b)
	return b
}

func sender(t testing.TB, data []byte, size int, linear bool) *Sender {
	t.Helper()
	s, err := NewSender(data, URBytes, size, linear)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// feed adds payloads until something is whole.
func feed(t testing.TB, s *Scanner, next func() []byte, limit int) (*Item, int) {
	t.Helper()
	for n := 1; n <= limit; n++ {
		items, err := s.Add(next())
		if err != nil {
			t.Fatal(err)
		}
		if len(items) > 0 {
			return &items[0], n
		}
	}
	return nil, limit
}

// lossy drops and repeats frames of a sender.
func lossy(s *Sender, rnd *rand.Rand) func() []byte {
	var last []byte
	return func() []byte {
		if last != nil && rnd.IntN(10) == 0 {
			return last
		}
		for last = s.Next(); rnd.IntN(10) < 3; last = s.Next() {
		}
		return last
	}
}

// TestObjects: objects of one and of several blocks, in both codes, come through loss and repeats.
func TestObjects(t *testing.T) {
	for _, x := range []struct {
		n, size int
		linear  bool
	}{{1, 64, false}, {640, 64, false}, {40_000, 800, false}, {600_000, 64, false}, {2_300_000, 2900, false}, {40_000, 800, true}} {
		t.Run(fmt.Sprint(x), func(t *testing.T) {
			data := random(x.n, uint64(x.n))
			send := sender(t, data, x.size, x.linear)
			item, n := feed(t, &Scanner{}, lossy(send, rand.New(rand.NewPCG(1, uint64(x.n)))), 4*send.Symbols()+100)
			if item == nil || item.Kind != Object || item.Type != URBytes || !bytes.Equal(item.Data, data) {
				t.Fatalf("not whole after %d frames of %d", n, send.Symbols())
			}
		})
	}
}

// TestTogether: frames of three objects and a card in one stream, in random order, do not disturb one another.
func TestTogether(t *testing.T) {
	var all [][]byte
	want := map[string]bool{}
	for i, size := range []int{100, 100, 300} {
		data := random(3000, uint64(i))
		send := sender(t, data, size, false)
		for range send.Cycle() {
			all = append(all, send.Next())
		}
		want[string(data)] = true
	}
	all = append(all, []byte("PARS:CARD/38"), []byte("https://example.org/"), []byte("PARS:CARD/38"))
	rand.New(rand.NewPCG(9, 9)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	s, kinds := &Scanner{}, map[Kind]int{}
	for _, p := range all {
		items, err := s.Add(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			kinds[i.Kind]++
			delete(want, string(i.Data))
		}
	}
	if len(want) > 0 || kinds[Object] != 3 || kinds[Card] != 1 || kinds[Foreign] != 1 {
		t.Errorf("%d objects are missing; found %v", len(want), kinds)
	}
}

// forge returns a frame like f with other bytes and a good checksum.
func forge(t testing.TB, payload []byte) []byte {
	t.Helper()
	f, err := decodeFrame(payload)
	if err != nil {
		t.Fatal(err)
	}
	f.Data = bytes.Clone(f.Data)
	f.Data[0] ^= 0xff
	return f.encode()
}

// TestForgedFrame: forged symbols with a good checksum cost a sixteenth more frames and no new start, wherever they
// fall, and in whichever block.
func TestForgedFrame(t *testing.T) {
	for _, linear := range []bool{false, true} {
		for _, n := range []int{6400, 400_000} { // one block, two blocks
			for _, at := range []int{1, 30, 90} {
				data := random(n, 5)
				send, i := sender(t, data, 64, linear), 0
				if n > 6400 && (linear || at != 30) {
					continue // slow
				}
				next := func() []byte {
					p := send.Next()
					if i++; i >= at && i < at+3 && p[0] != kindHead {
						return forge(t, p)
					}
					return p
				}
				item, frames := feed(t, &Scanner{}, next, 2*send.Symbols())
				if item == nil || !bytes.Equal(item.Data, data) {
					t.Errorf("linear %v, %d bytes: a forged frame at %d stops the scan", linear, n, at)
				} else if ratio := float64(frames) / float64(send.Symbols()); ratio > 1.25 && !linear || ratio > 1.5 {
					t.Errorf("linear %v, %d bytes: a forged frame at %d: %.2f times the least", linear, n, at, ratio)
				}
			}
		}
	}
}

// TestForgedOften: when every twentieth frame is forged the scan still ends, without a new start.
func TestForgedOften(t *testing.T) {
	data := random(6400, 6)
	send, i := sender(t, data, 64, false), 0
	item, n := feed(t, &Scanner{}, func() []byte {
		p := send.Next()
		if i++; i%20 == 7 && i < 100 && p[0] != kindHead {
			return forge(t, p)
		}
		return p
	}, 500)
	if item == nil || !bytes.Equal(item.Data, data) {
		t.Fatalf("not whole after %d frames of %d", n, send.Symbols())
	}
	t.Logf("%d frames of %d", n, send.Symbols())
}

// TestForgedHead: a head with another length or hash does not stop the true one.
func TestForgedHead(t *testing.T) {
	data := random(6400, 7)
	send := sender(t, data, 64, false)
	bad := send.head
	bad.head.sum[31] ^= 1
	worse := send.head
	worse.head.total = 64
	s := &Scanner{}
	for _, f := range []frame{bad, worse} {
		if _, err := s.Add(f.encode()); err != nil {
			t.Fatal(err)
		}
	}
	if item, n := feed(t, s, send.Next, 200); item == nil || !bytes.Equal(item.Data, data) {
		t.Errorf("not whole after %d frames", n)
	}
}

// TestForgedPart: the same for UR.
func TestForgedPart(t *testing.T) {
	data := random(3000, 8)
	u, err := NewUR(URBytes, data, 30)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	item, n := feed(t, &Scanner{}, func() []byte {
		text := u.Next()
		if i++; i == 17 {
			_, _, p, err := ParseUR(text)
			if err != nil {
				t.Fatal(err)
			}
			p.Data[0] ^= 1
			text = partText(URBytes, p)
		}
		return []byte(strings.ToUpper(text))
	}, 400)
	if item == nil || item.Kind != Message || !bytes.Equal(item.Data, data) {
		t.Fatalf("not whole after %d parts of %d", n, u.Count())
	}
	t.Logf("%d parts of %d", n, u.Count())
}

// TestAnswer: a receiver that has one block of two asks for the other alone.
func TestAnswer(t *testing.T) {
	data := random(300_000, 9)
	send, s := sender(t, data, 64, false), &Scanner{}
	for s.Seen < 3*send.Symbols() {
		p := send.Next()
		if f, err := decodeFrame(p); err != nil || f.kind != kindHead && f.block == 1 {
			continue
		}
		if _, err := s.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	answers := s.Missing()
	if len(answers) != 1 || len(s.Progress()) != 1 || s.Progress()[0].Have == s.Progress()[0].Need {
		t.Fatalf("%d answers, progress %+v", len(answers), s.Progress())
	}
	if items, err := s.Add(answers[0]); err != nil || len(items) != 1 || items[0].Kind != Answer {
		t.Fatal(items, err)
	}
	again := sender(t, data, 64, false)
	if err := again.Answer(answers[0]); err != nil {
		t.Fatal(err)
	}
	item, n := feed(t, s, again.Next, 2*again.Symbols())
	if item == nil || !bytes.Equal(item.Data, data) || n > again.Symbols()+again.Symbols()/20+2 {
		t.Errorf("%d frames for the %d of one block", n, again.Symbols())
	}
	if err := sender(t, data[1:], 64, false).Answer(answers[0]); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("an answer about another object: %v", err)
	}
}

// TestState: a scan goes on from what another one kept, and from the same state nothing else comes.
func TestState(t *testing.T) {
	data := random(20_000, 10)
	send, first := sender(t, data, 200, false), &Scanner{}
	u, _ := NewUR(URBytes, data[:2000], 100)
	for range 60 {
		first.Add(send.Next())
	}
	for range 15 {
		first.Add([]byte(u.Next()))
	}
	state := first.AppendState(nil)
	second := &Scanner{}
	if _, err := second.LoadState(state); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(second.AppendState(nil), state) {
		t.Error("the state changes by being loaded")
	}
	if item, n := feed(t, second, send.Next, 45); item == nil || !bytes.Equal(item.Data, data) {
		t.Errorf("not whole after %d more frames of %d", n, send.Symbols())
	}
	if item, _ := feed(t, second, func() []byte { return []byte(u.Next()) }, 10); item == nil {
		t.Error("the message is not whole")
	}
	for _, bad := range [][]byte{nil, []byte("PARSQRS2"), state[:len(state)-1]} {
		if _, err := (&Scanner{}).LoadState(bad); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%d bytes are a state: %v", len(bad), err)
		}
	}
}

// TestBounded: a stranger's endless objects and blocks are forgotten in turn.
func TestBounded(t *testing.T) {
	s := &Scanner{Limit: 1 << 20}
	victim := sender(t, random(6400, 1), 64, false)
	for i := range uint32(20_000) {
		f := frame{kind: kindRaptorQ, object: i % 40, length: 200_000, block: byte(i % 50)}
		f.ID, f.Data = i, make([]byte, 1000)
		if _, err := s.Add(f.encode()); err != nil {
			t.Fatal(err)
		}
		if len(s.objects) > maxObjects || s.bytes() > s.Limit+1100 {
			t.Fatalf("%d objects, %d bytes", len(s.objects), s.bytes())
		}
	}
	for i := range uint32(10_000) { // few objects that grow
		f := frame{kind: kindRaptorQ, object: 50 + i%3, length: 1_000_000, block: byte(i % 4)}
		f.ID, f.Data = i, make([]byte, 1000)
		if _, err := s.Add(f.encode()); err != nil {
			t.Fatal(err)
		}
		if s.bytes() > s.Limit+1100 {
			t.Fatalf("%d bytes", s.bytes())
		}
	}
	if item, n := feed(t, s, victim.Next, 130); item == nil {
		t.Errorf("after the flood an object is not whole with %d frames", n)
	}
}

// TestFlippedFrame: no bit of a frame of any kind can be changed.
func TestFlippedFrame(t *testing.T) {
	send := sender(t, random(1000, 2), 64, false)
	missing := frame{kind: kindMissing, object: 7, needed: []uint16{3}}
	for _, p := range [][]byte{send.Next(), send.Next(), missing.encode()} {
		for i := range 8 * len(p) {
			bad := bytes.Clone(p)
			bad[i/8] ^= 1 << (i % 8)
			if _, err := decodeFrame(bad); !errors.Is(err, wire.ErrInvalid) {
				t.Fatalf("frame %x with bit %d flipped: %v", p[0], i, err)
			}
		}
	}
}

func TestSenderRefuses(t *testing.T) {
	for _, x := range []struct {
		n, size int
		name    string
	}{{0, 100, "bytes"}, {1, 63, "bytes"}, {1, 2901, "bytes"}, {1, 100, ""}, {1, 100, "By"}, {int(MaxObject(64)) + 1, 64, "bytes"}} {
		if _, err := NewSender(make([]byte, x.n), x.name, x.size, false); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%+v: %v", x, err)
		}
	}
}

func FuzzDecodeFrame(f *testing.F) {
	send, err := NewSender(random(1000, 1), URBytes, 64, false)
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		f.Add(send.Next())
	}
	missing := frame{kind: kindMissing, needed: []uint16{1, 2}}
	f.Add(missing.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range [][]byte{b, seal(bytes.Clone(b))} {
			got, err := decodeFrame(p)
			if err == nil && !bytes.Equal(got.encode(), p) {
				t.Error("accepted, but not canonical")
			}
			if err != nil && !errors.Is(err, wire.ErrInvalid) {
				t.Error(err)
			}
		}
	})
}

// FuzzScanner: no panic and bounded memory, whatever payloads come.
func FuzzScanner(f *testing.F) {
	send, _ := NewSender(random(1000, 1), URBytes, 64, false)
	var seed []byte
	for range 20 {
		p := send.Next()
		seed = append(append(seed, byte(len(p))), p...)
	}
	f.Add(seed)
	f.Add([]byte("\x20ur:test/lsadaoaxjygonesw"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Scanner{Limit: 1 << 16}
		for len(b) > 1 {
			n := min(int(b[0]), len(b)-1)
			p := bytes.Clone(b[1 : 1+n])
			b = b[1+n:]
			s.Add(p)
			if len(p) > 5 && isFrame(p) {
				s.Add(seal(p[:len(p)-4]))
			}
		}
		if s.bytes() > s.Limit+4000 {
			t.Errorf("%d bytes are kept", s.bytes())
		}
		s.Progress()
		s.Missing()
		s.AppendState(nil)
	})
}

func FuzzLoadState(f *testing.F) {
	s := &Scanner{}
	s.Add([]byte("ur:bytes/1-9/lpadascfadaxcywenbpljkhdcahkadaemejtswhhylkepmykhhtsytsnoyoyaxaedsuttydmmhhpktpmsrjtdkgslpgh"))
	f.Add(s.AppendState(nil))
	f.Fuzz(func(t *testing.T, b []byte) { (&Scanner{}).LoadState(b) })
}

package hns

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// server is a full node on loopback that says what its fields make it say.
type server struct {
	t       *testing.T
	n       *Network
	headers func(locator []Hash) []*Header
	prove   func(root, key Hash) []byte
	bend    func(cmd byte, payload []byte) []byte // the whole packet; nil: nothing is sent

	l    net.Listener
	wait sync.WaitGroup
}

func serve(t *testing.T, s *server) string {
	t.Helper()
	s.t = t
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.l = l
	s.wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wait.Go(func() { defer c.Close(); s.talk(c) })
		}
	})
	t.Cleanup(func() { l.Close(); s.wait.Wait() })
	return l.Addr().String()
}

func (s *server) talk(c net.Conn) {
	send := func(cmd byte, payload []byte) {
		b := appendPacket(nil, s.n.Magic, cmd, payload)
		if s.bend != nil {
			b = s.bend(cmd, payload)
		}
		c.Write(b)
	}
	send(cmdVerack, nil)
	v := version{protocol: 3, services: 1, agent: "/test/", height: 7}
	send(cmdVersion, v.encode())
	r := bufio.NewReader(c)
	for {
		var head [packetHead]byte
		if _, err := readFull(r, head[:]); err != nil {
			return
		}
		payload := make([]byte, binary.LittleEndian.Uint32(head[5:]))
		if _, err := readFull(r, payload); err != nil {
			return
		}
		switch head[4] {
		case cmdGetHeaders:
			d := wire.NewReader(payload)
			var locator []Hash
			for range varint(d) {
				locator = append(locator, readHash(d))
			}
			send(cmdPing, make([]byte, 8))
			send(14, make([]byte, 100))                    // a packet that nobody asked for
			if list := s.headers(locator); len(list) > 0 { // hsd is silent when it has none
				send(cmdHeaders, encodeHeaders(list))
			}
		case cmdGetProof:
			root, key := Hash(payload[:32]), Hash(payload[32:])
			send(cmdProof, append(append(root[:], key[:]...), s.prove(root, key)...))
		}
	}
}

func readFull(r *bufio.Reader, b []byte) (int, error) {
	for n := 0; n < len(b); {
		m, err := r.Read(b[n:])
		if n += m; err != nil {
			return n, err
		}
	}
	return len(b), nil
}

func encodeHeaders(list []*Header) []byte {
	b := appendVarint(nil, uint64(len(list)))
	for _, h := range list {
		b = h.Append(b)
	}
	return b
}

// from answers locators as hsd does, out of a list that begins with block 1.
func from(n *Network, list []*Header) func([]Hash) []*Header {
	return func(locator []Hash) []*Header {
		for _, want := range locator {
			if want == n.ID() {
				return list[:min(len(list), maxHeaders)]
			}
			for i, h := range list {
				if h.Hash() == want {
					return list[i+1 : min(len(list), i+1+maxHeaders)]
				}
			}
		}
		return list[:min(len(list), maxHeaders)]
	}
}

func client(n *Network, peers ...string) *Client {
	return &Client{Network: n, Peers: peers, Now: func() time.Time { return later }, Timeout: 2 * time.Second}
}

func branchOf(t *testing.T, n *Network, length int, step uint64, salt byte) []*Header {
	c := newChain(t, n)
	return grow(t, c, c.tip, length, step, salt)
}

func TestSyncAgreesWithThree(t *testing.T) {
	n := easy(t)
	list := branchOf(t, n, 4500, 600, 1)
	var peers []string
	for range 4 {
		peers = append(peers, serve(t, &server{n: n, headers: from(n, list)}))
	}
	c := client(n, peers...)
	saved := 0
	c.Saved = func(chain *Chain) error { saved++; return nil }
	chain, report, err := c.Sync(t.Context(), newChain(t, n))
	if err != nil || chain.Tip().Height != 4500 || report.Agree != Enough || report.New != 4500 || report.Replaced || report.Lied() {
		t.Errorf("tip %v, report %+v, %v", chain.Tip(), report, err)
	}
	if saved < 3 || len(chain.known) > 2*Keep+maxHeaders {
		t.Errorf("saved %d times, %d headers held", saved, len(chain.known))
	}
	// going on costs one answer a peer
	state, err := DecodeState(n, chain.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if _, report, err := c.Sync(t.Context(), state); err != nil || report.New != 0 || report.Agree != Enough {
		t.Errorf("again: %+v, %v", report, err)
	}
}

// A liar costs a peer and no more, whatever its lie; the others' chain is what comes out.
func TestSyncLiars(t *testing.T) {
	n := easy(t)
	list := branchOf(t, n, 300, 600, 1)
	fork := branchOf(t, n, 290, 601, 2)
	foreign := *n
	foreign.Genesis = strings.Replace(n.Genesis, "784138", "774138", 1)
	strangers := branchOf(t, &foreign, 400, 600, 3)
	noWork := *list[299]
	for limit := target(noWork.Bits); ; noWork.Nonce++ {
		if h := noWork.Hash(); bigOf(h).Cmp(limit) > 0 {
			break
		}
	}
	raw := func(b []byte) func(byte, []byte) []byte {
		return func(cmd byte, payload []byte) []byte {
			if cmd == cmdHeaders {
				return b
			}
			return appendPacket(nil, n.Magic, cmd, payload)
		}
	}
	flood := []byte{}
	for len(flood) < 3*maxTalk {
		flood = append(flood, appendPacket(nil, n.Magic, 14, make([]byte, 1<<20))...)
	}
	huge := binary.LittleEndian.AppendUint32(append(binary.LittleEndian.AppendUint32(nil, n.Magic), cmdHeaders), 7_999_999)
	for name, tc := range map[string]struct {
		s    *server
		lied bool
	}{
		"without work":     {&server{headers: from(n, append(list[:299:299], &noWork))}, true},
		"another chain":    {&server{headers: from(n, strangers)}, true},
		"shorter fork":     {&server{headers: from(n, fork)}, false},
		"withholds":        {&server{headers: from(n, list[:200])}, false},
		"nothing":          {&server{headers: from(n, nil)}, false},
		"other network":    {&server{headers: from(n, list), bend: func(cmd byte, p []byte) []byte { return appendPacket(nil, 1, cmd, p) }}, true},
		"announces much":   {&server{headers: from(n, list), bend: raw(huge)}, true},
		"floods":           {&server{headers: from(n, list), bend: raw(flood)}, true},
		"half a header":    {&server{headers: from(n, list), bend: raw(appendPacket(nil, n.Magic, cmdHeaders, make([]byte, 1+HeaderSize/2)))}, true},
		"wrong count":      {&server{headers: from(n, list), bend: raw(appendPacket(nil, n.Magic, cmdHeaders, append([]byte{2}, list[0].Append(nil)...)))}, true},
		"long count":       {&server{headers: from(n, list), bend: raw(appendPacket(nil, n.Magic, cmdHeaders, append([]byte{0xfd, 1, 0}, list[0].Append(nil)...)))}, true},
		"says no word":     {&server{headers: from(n, list), bend: func(byte, []byte) []byte { return nil }}, false},
		"stops before end": {&server{headers: from(n, list), bend: raw(nil)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tc.s.n = n
			liar := serve(t, tc.s)
			honest := serve(t, &server{n: n, headers: from(n, list)})
			for _, order := range [][]string{{liar, honest}, {honest, liar}} {
				c := client(n, order...)
				c.Timeout = 500 * time.Millisecond
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				chain, report, err := c.Sync(t.Context(), newChain(t, n))
				runtime.ReadMemStats(&after)
				if err != nil || chain.Tip().Hash != list[299].Hash() {
					t.Errorf("tip %v, %v", chain.Tip(), err)
				}
				if report.Lied() != tc.lied {
					t.Errorf("lied %v: %v", report.Lied(), report.Refused)
				}
				if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
					t.Errorf("cost %d MB", got>>20)
				}
			}
		})
	}
}

// Whoever was led along a branch of little work from below what is held comes back when somebody shows more, and is told.
func TestSyncDeepFork(t *testing.T) {
	n := easy(t)
	lies, truth := branchOf(t, n, 700, 601, 2), branchOf(t, n, 900, 600, 1)
	liar, honest := serve(t, &server{n: n, headers: from(n, lies)}), serve(t, &server{n: n, headers: from(n, truth)})
	chain, _, err := client(n, liar).Sync(t.Context(), newChain(t, n))
	if err != nil || chain.Tip().Hash != lies[699].Hash() {
		t.Fatal(chain.Tip(), err)
	}
	chain, report, err := client(n, honest).Sync(t.Context(), chain)
	if err != nil || chain.Tip().Hash != truth[899].Hash() || !report.Replaced {
		t.Errorf("tip %v, %+v, %v", chain.Tip(), report, err)
	}
	chain, report, err = client(n, liar).Sync(t.Context(), chain)
	if err != nil || chain.Tip().Hash != truth[899].Hash() || report.Replaced {
		t.Errorf("back to the lie: tip %v, %+v, %v", chain.Tip(), report, err)
	}
}

// A device whose clock is behind takes what it can, and is told why it is not more.
func TestSyncClock(t *testing.T) {
	n := easy(t)
	list := branchOf(t, n, 100, 600, 1)
	c := client(n, serve(t, &server{n: n, headers: from(n, list)}))
	c.Now = func() time.Time { return at(list[49].Time - future) }
	chain, report, err := c.Sync(t.Context(), newChain(t, n))
	if err != nil || chain.Tip().Height != 50 || !report.Clock || report.Lied() {
		t.Errorf("tip %v, %+v, %v", chain.Tip(), report, err)
	}
}

func TestSyncEnds(t *testing.T) {
	n := easy(t)
	silent := serve(t, &server{n: n, bend: func(byte, []byte) []byte { return nil }})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	c := client(n, silent)
	c.Timeout = time.Minute
	if _, _, err := c.Sync(ctx, newChain(t, n)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, _, err := client(n).Sync(t.Context(), newChain(t, n)); err == nil {
		t.Error("no peers, and no error")
	}
	if _, _, err := client(n, "127.0.0.1:1").Sync(t.Context(), newChain(t, n)); err == nil || errors.Is(err, wire.ErrInvalid) {
		t.Errorf("nobody listens: %v", err)
	}
	full := errors.New("disk is full")
	c = client(n, serve(t, &server{n: n, headers: from(n, branchOf(t, n, 5, 600, 1))}))
	c.Saved = func(*Chain) error { return full }
	if _, _, err := c.Sync(t.Context(), newChain(t, n)); !errors.Is(err, full) {
		t.Errorf("not saved: %v", err)
	}
}

func TestGroups(t *testing.T) {
	for _, tc := range [][2]string{{"1.2.3.4", "1.2.0.0/16"}, {"1.2.3.4:5", "1.2.0.0/16"}, {"[2001:db8:1::1]:5", "2001:db8::/32"},
		{"Node.example:1", "node.example"}, {"127.0.0.1:5", "127.0.0.1:5"}, {"[::ffff:1.2.3.4]:5", "1.2.0.0/16"}} {
		if got := group(tc[0]); got != tc[1] {
			t.Errorf("%s: %s, want %s", tc[0], got, tc[1])
		}
	}
}

// A length above what the command can have is refused before a byte of it is read.
func TestPacketLimits(t *testing.T) {
	for _, cmd := range []byte{cmdVersion, cmdVerack, cmdPing, cmdHeaders, cmdProof, 99} {
		head := append(binary.LittleEndian.AppendUint32(nil, 5), cmd)
		head = binary.LittleEndian.AppendUint32(head, uint32(limit(cmd)+1))
		budget := 1 << 30
		if _, _, err := readPacket(bytes.NewReader(head), 5, &budget); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("command %d: %v", cmd, err)
		}
	}
}

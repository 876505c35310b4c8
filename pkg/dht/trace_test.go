package dht

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

func plainName(p PeerID) string { return hex.EncodeToString([]byte(p)) }

func plainParse(s string) (PeerID, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return "", wire.Invalid("name")
	}
	return PeerID(b), nil
}

// tape plays a look-up among liars and the dead and returns its trace.
func tape(t testing.TB, limit time.Duration) []byte {
	t.Helper()
	s := newSim(12, 300)
	s.lie(40)
	for i := range 100 {
		s.nodes[i].dead = true
	}
	g := group()
	k, v := seal(t, g, fill(3), draft(g, now), stream(9))
	for _, n := range s.nodes {
		n.store[string(k.Bytes())] = v
	}
	l := s.lookup(string(k.Bytes()), Get, 4)
	l.Time = limit
	l.Check = func(b []byte) bool { return (Validator{g.NetID}).Validate(k.Bytes(), b, now) == nil }
	var out bytes.Buffer
	tr := &Traced{Lookup: l, Name: plainName, Start: TraceStart{NetID: hex.EncodeToString(g.NetID[:]), Unix: now},
		Emit: func(h Hop) {
			if err := json.NewEncoder(&out).Encode(h); err != nil {
				t.Fatal(err)
			}
		}}
	at := time.Duration(0)
	open := tr.Begin(nearest(s.someone().table, NodeID(PeerID(l.Key)), 2*K), at)
	for len(open) > 0 && !tr.Result().Done {
		i := s.r.IntN(len(open))
		a := open[i]
		open = slices.Delete(open, i, i+1)
		if at += 3 * time.Millisecond; at >= limit {
			tr.Tick(at)
		} else if n := s.byID[a.Peer.ID]; n.dead {
			open = append(open, tr.Fail(a.N, "timeout", at)...)
		} else {
			closer, v := s.answer(n, a)
			open = append(open, tr.Answer(a.N, closer, v, at)...)
		}
	}
	return out.Bytes()
}

func replay(in []byte) (out bytes.Buffer, err error) {
	err = Replay(bytes.NewReader(in), plainName, plainParse, func(h Hop) {
		if jerr := json.NewEncoder(&out).Encode(h); jerr != nil {
			panic(jerr)
		}
	})
	return out, err
}

// A trace played again on the same core gives the same bytes, whether the look-up came to its end or to its time.
func TestReplay(t *testing.T) {
	for _, limit := range []time.Duration{time.Minute, 60 * time.Millisecond} {
		in := tape(t, limit)
		out, err := replay(in)
		if err != nil || !bytes.Equal(in, out.Bytes()) {
			t.Errorf("limit %v: %v, %d bytes of %d alike", limit, err, common(in, out.Bytes()), len(in))
		}
		if lines := bytes.Count(in, []byte("\n")); lines < 20 {
			t.Errorf("%d lines only", lines)
		}
		cut := bytes.SplitAfter(in, []byte("\n"))
		head := bytes.Join(cut[:len(cut)/2], nil)
		out, err = replay(head)
		if !errors.Is(err, ErrCut) || !bytes.HasPrefix(in, out.Bytes()) || out.Len() < len(head) {
			t.Errorf("half of it: %v, %d bytes of %d", err, out.Len(), len(head))
		}
		if _, err = replay(in[:len(in)/2]); !errors.Is(err, ErrCut) {
			t.Errorf("cut within a line: %v", err)
		}
	}
	for _, bad := range []string{"", "{}\n", `{"ev":"ask"}` + "\n", fmt.Sprintf(`{"ev":"start","key":"00","version":1,"paths":9999,"rpcs":1,"netid":"%x","seed":"%x"}`, fill(1), fill(2))} {
		if _, err := replay([]byte(bad)); err == nil {
			t.Errorf("%q was replayed", bad)
		}
	}
}

func common(a, b []byte) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

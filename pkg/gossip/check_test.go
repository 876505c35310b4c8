package gossip

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
)

// Only what every honest carrier sees too is rejected; the rest would fine the wrong one.
func TestVerdicts(t *testing.T) {
	r := Rules{NetID: [32]byte{1}, Genesis: 1000, StampBits: 6}
	now := int64(1000 + 70000*hour) // the field has wrapped
	good := func(hours int) []byte { return stamped(r, 0, uint16(70000+hours)) }
	change := func(at int, v byte) []byte { b := good(10); b[at] = v; return b }
	unstamped := good(10)
	for n := uint64(0); envelope.Stamped(r.NetID, unstamped, r.StampBits); n++ {
		binary.BigEndian.PutUint64(unstamped[20:], n)
	}
	for _, c := range []struct {
		name string
		b    []byte
		want Verdict
		why  Cause
	}{
		{"good", good(10), Accept, ""},
		{"last hour", good(1), Accept, ""},
		{"two weeks", good(lifeTime), Accept, ""},
		{"a clock two days ahead", good(lifeTime + skew), Accept, ""},
		{"over", good(0), Ignore, Expired},
		{"long over", good(-5000), Ignore, Expired},
		{"too far ahead", good(lifeTime + skew + 1), Ignore, Expired},
		{"version", change(0, 2), Reject, BadForm},
		{"class", change(1, 1), Reject, BadForm},
		{"reserved", change(31, 1), Reject, BadForm},
		{"length", good(10)[:1023], Reject, BadForm},
		{"empty", nil, Reject, BadForm},
		{"stamp", unstamped, Reject, BadStamp},
	} {
		if _, got, why := r.Check(c.b, now); got != c.want || why != c.why {
			t.Errorf("%s: got %v %q, want %v %q", c.name, got, why, c.want, c.why)
		}
	}
}

func TestExpires(t *testing.T) {
	r := Rules{Genesis: 0}
	now := int64(70000 * hour)
	for in, want := range map[int]int{1: 1, 100: 100, lifeTime: lifeTime, lifeTime + skew: lifeTime + skew, lifeTime + skew + 1: lifeTime, -10: -10, -49: lifeTime, 20000: lifeTime} {
		if got := r.Expires(uint16(70000+in), now); got != now+int64(want)*hour {
			t.Errorf("%d hours ahead: kept for %d, want %d", in, (got-now)/hour, want)
		}
	}
	if got := r.Left(r.ExpiryIn(now, 9999), now); got != lifeTime {
		t.Errorf("longest life: %d hours", got)
	}
}

// FuzzCheck: what is accepted has the form that envelope.DecodeOuter wants, and is still alive.
func FuzzCheck(f *testing.F) {
	r := Rules{NetID: [32]byte{1}, StampBits: 2}
	f.Add(stamped(r, 0, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, v, cause := r.Check(b, 0)
		if (v == Accept) != (cause == "") {
			t.Errorf("%v because of %q", v, cause)
		}
		if v == Accept && (len(b) != envelope.ClassSize(o.Class) || r.Left(o.Expiry, 0) <= 0) {
			t.Errorf("accepted %d bytes, %d hours left", len(b), r.Left(o.Expiry, 0))
		}
	})
}

// The library panics at run time on some of these and takes the others without a word.
func TestParams(t *testing.T) {
	if err := DefaultParams().Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Params){
		"gossip beyond history": func(p *Params) { p.Gossip = p.History + 1 },
		"low above degree":      func(p *Params) { p.Dlo = p.D + 1 },
		"high below degree":     func(p *Params) { p.Dhi = p.D - 1 },
		"outbound above half":   func(p *Params) { p.Dout = p.D / 2 },
		"outbound at low":       func(p *Params) { p.Dlo = 1 },
		"score above high":      func(p *Params) { p.Dscore = p.Dhi + 1 },
		"small messages":        func(p *Params) { p.MaxMessage = 64 << 10 },
		"short memory":          func(p *Params) { p.SeenFor = time.Second },
		"no mesh":               func(p *Params) { *p = Params{} },
	} {
		p := DefaultParams()
		change(&p)
		if p.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Phones that sleep are not fined, and neither are those who share an address of a home or a carrier.
func TestScoreSparesTheHonest(t *testing.T) {
	s := ScoreRules()
	if s.MeshDeliveryWeight != 0 || s.MeshFailurePenalty != 0 {
		t.Error("a sleeping phone is fined")
	}
	list := Exempt([]netip.Prefix{netip.MustParsePrefix("5.160.0.0/16")})
	for ip, want := range map[string]bool{"10.1.2.3": true, "100.64.0.1": true, "100.128.0.1": false, "172.31.0.1": true, "192.168.7.7": true, "169.254.1.1": true,
		"127.0.0.9": true, "8.8.8.8": false, "fc00::1": true, "fd12::1": true, "fe80::1": true, "::1": true, "2001:db8::1": false, "5.160.9.9": true, "5.161.0.1": false} {
		a, got := netip.MustParseAddr(ip), false
		for _, p := range list {
			got = got || p.Contains(a)
		}
		if got != want {
			t.Errorf("%s exempt: %v", ip, got)
		}
	}
	for _, c := range []struct {
		t     Trust
		stake float64
		want  float64
	}{{Contact, 99, 100}, {Anchor, 0, 20}, {Friend, 0, 10}, {Verified, 99, 10}, {Verified, -5, 0}, {Stranger, 10, 0}, {Failed, 10, -50}} {
		if got := c.t.AppScore(c.stake); got != c.want {
			t.Errorf("trust %d, stake %v: %v want %v", c.t, c.stake, got, c.want)
		}
	}
}

func TestBucket(t *testing.T) {
	now := time.Unix(1000, 0)
	b := Bucket{Rate: 10, Burst: 20}
	if !b.Take(20, now) || b.Take(1, now) || !b.Take(10, now.Add(time.Second)) || b.Take(1, now.Add(time.Second)) {
		t.Error("burst or rate")
	}
	now = now.Add(time.Second)
	if got := b.Wait(5, now); got != 500*time.Millisecond {
		t.Errorf("wait %v", got)
	}
	b.Spend(30, now)
	if b.Debt(now) != 30 || b.Wait(1, now) != 3100*time.Millisecond {
		t.Errorf("debt %v, wait %v", b.Debt(now), b.Wait(1, now))
	}
	if got := b.Wait(1000, now.Add(time.Hour)); got != 0 {
		t.Errorf("what never fits waits %v at a full bucket", got)
	}
	if b.Take(1, now.Add(-time.Hour)); b.Debt(now.Add(-time.Hour)) > 30 {
		t.Error("a clock set back costs")
	}
	var zero Bucket
	if zero.Take(1, now) || zero.Wait(1, now) < time.Hour {
		t.Error("the zero bucket lets through")
	}
}

// One stranger cannot use up what all strangers have, and none of them what a contact has.
func TestQuota(t *testing.T) {
	var q Quota
	now := time.Unix(1000, 0)
	n := 0
	for range 10000 {
		if q.Allow("bad", 1, 1024, false, now) {
			n++
		}
	}
	if n != peerFramesBurst {
		t.Errorf("one stranger sent %d at once", n)
	}
	for i := range 3000 {
		q.Allow(PeerID([]byte{byte(i), byte(i >> 8)}), 20, 1024, false, now)
	}
	if q.Allow("late", 1, 1024, false, now) || !q.Allow("friend", 1, 1024, true, now) {
		t.Error("the limit of all strangers does not hold, or holds for a contact")
	}
	if q.Allow("fat", 1, peerBytesBurst+1, true, now.Add(time.Minute)) == q.Allow("fatter", 1, peerBytesBurst*contactShare+1, true, now.Add(time.Minute)) {
		t.Error("bytes are not counted")
	}
	if len(q.peers) > maxPeers {
		t.Errorf("remembers %d peers", len(q.peers))
	}
}

func TestSeen(t *testing.T) {
	s := Seen[int]{Max: 100}
	for i := range 1000 {
		if !s.Add(i) || s.Add(i) {
			t.Fatalf("%d", i)
		}
		if i >= 49 && !s.new[i-49] && !s.old[i-49] {
			t.Fatalf("%d is forgotten too early", i-49)
		}
		if len(s.new)+len(s.old) > 100 {
			t.Fatalf("holds %d", len(s.new)+len(s.old))
		}
	}
}

func TestMetricsText(t *testing.T) {
	m := Metrics{Delivered: 4, Duplicates: 6, In: 100, Payload: 50, Refused: map[Cause]uint64{BadStamp: 3, Expired: 1}}
	var b strings.Builder
	if err := m.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pars_gossip_delivered_total 4\n", "pars_gossip_refused_total{cause=\"expired\"} 1\npars_gossip_refused_total{cause=\"stamp\"} 3\n",
		"# TYPE pars_gossip_mail_stored gauge\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if m.DuplicatesPer() != 1.5 || m.BytesPerUseful() != 2 || new(Metrics).DuplicatesPer() != 0 {
		t.Error("ratios")
	}
	var s Samples
	for i := range 2000 {
		s.Add(time.Duration(i%100) * time.Millisecond)
	}
	if q := s.Quantiles(); q["0.5"] < 45 || q["0.5"] > 55 || q["0.99"] < 95 {
		t.Errorf("quantiles %v", q)
	}
}

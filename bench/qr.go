package main

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/skip2/go-qrcode"

	"github.com/pars-network/pars/pkg/fountain"
	"github.com/pars-network/pars/pkg/qr"
)

const (
	qrLoss   = 0.3
	qrTrials = 1000
)

// lossRun shows frames of one payload to a receiver who loses some, until it has all: how many were shown and received.
// It is done after limit frames at the latest; then shown is infinite.
type lossRun func(k int, loss float64, rnd *rand.Rand) (shown, received float64)

// rank is elimination over GF(2) for counting alone.
type rank struct {
	rows map[int][]uint64
	k    int
}

func (r *rank) add(set []uint64) {
	for w := 0; w < len(set); w++ {
		for set[w] != 0 {
			i := w*64 + bits.TrailingZeros64(set[w])
			row := r.rows[i]
			if row == nil {
				r.rows[i] = set
				return
			}
			for j := range set {
				set[j] ^= row[j]
			}
		}
	}
}

// ourCode is the code alone: symbols until the block is there.
func ourCode(k int, loss float64, rnd *rand.Rand) (shown, received float64) {
	block := qr.Noise(k*fountain.MinSymbol, rnd.Uint64())
	e, err := fountain.RaptorQ{}.NewEncoder(block, fountain.MinSymbol)
	if err != nil {
		return math.Inf(1), math.Inf(1)
	}
	var got []fountain.Symbol
	for id := uint32(0); ; id++ {
		shown++
		if rnd.Float64() < loss {
			continue
		}
		received++
		got = append(got, fountain.Symbol{ID: id, Data: e.Symbol(id)})
		if out, err := (fountain.RaptorQ{}).Decode(len(block), fountain.MinSymbol, got); err == nil && out != nil {
			return shown, received
		}
	}
}

// ourFrames is all of it: heads are frames too.
func ourFrames(k int, loss float64, rnd *rand.Rand) (shown, received float64) {
	s, err := qr.NewSender(qr.Noise(k*fountain.MinSymbol, rnd.Uint64()), qr.URBytes, fountain.MinSymbol, false)
	scan := &qr.Scanner{}
	for err == nil {
		shown++
		p := s.Next()
		if rnd.Float64() < loss {
			continue
		}
		received++
		var items []qr.Item
		if items, err = scan.Add(p); len(items) > 0 {
			return shown, received
		}
	}
	return math.Inf(1), math.Inf(1)
}

// urParts gives the parts of a message from a place in the stream, which most receivers do not see begin.
func urParts(k int, rnd *rand.Rand) (next func() fountain.Part, err error) {
	p, err := fountain.NewParts(qr.Noise(16*k, rnd.Uint64()), 16)
	seq := uint32(k) + rnd.Uint32N(1000)
	return func() fountain.Part { seq++; return p.Part(seq) }, err
}

// ourUR joins UR parts by elimination.
func ourUR(k int, loss float64, rnd *rand.Rand) (shown, received float64) {
	next, err := urParts(k, rnd)
	if err != nil {
		return math.Inf(1), math.Inf(1)
	}
	var j *fountain.Joiner
	for j == nil || j.Rank() < k {
		shown++
		p := next()
		if rnd.Float64() < loss {
			continue
		}
		received++
		if j == nil {
			if j, err = fountain.NewJoiner(p); err != nil {
				return math.Inf(1), math.Inf(1)
			}
		}
		j.Add(p)
	}
	return shown, received
}

// referenceUR joins the same parts as the reference decoder of BCR-2024-001 does: a part is reduced by those that are a
// subset of it, and fragments come of parts with one.
func referenceUR(k int, loss float64, rnd *rand.Rand) (shown, received float64) {
	p, err := fountain.NewParts(qr.Noise(16*k, rnd.Uint64()), 16)
	if err != nil {
		return math.Inf(1), math.Inf(1)
	}
	seq := uint32(k) + rnd.Uint32N(1000)
	known, mixed, whole := map[int]bool{}, [][]int{}, p.Count()
	for len(known) < whole {
		shown++
		seq++
		if rnd.Float64() < loss {
			continue
		}
		received++
		mixed = append(mixed, p.Fragments(seq))
		for again := true; again; {
			again = false
			for i, m := range mixed {
				m = slices.DeleteFunc(m, func(f int) bool { return known[f] })
				for _, other := range mixed { // subsets of each other
					if len(other) > 0 && len(other) < len(m) && !slices.ContainsFunc(other, func(f int) bool { return !slices.Contains(m, f) }) {
						m = slices.DeleteFunc(m, func(f int) bool { return slices.Contains(other, f) })
						again = true
					}
				}
				if mixed[i] = m; len(m) == 1 && !known[m[0]] {
					known[m[0]], again = true, true
				}
			}
			mixed = slices.DeleteFunc(mixed, func(m []int) bool { return len(m) == 0 })
		}
	}
	return shown, received
}

// txqrCycle shows 2K mixtures in a cycle, as TXQR does: an ideal soliton distribution, and elimination at the receiver.
func txqrCycle(k int, loss float64, rnd *rand.Rand) (shown, received float64) {
	cycle := make([][]uint64, 2*k)
	for i := range cycle {
		degree, u := 1, rnd.Float64()
		if u > 1/float64(k) {
			degree = min(k, int(math.Ceil(1/(1-u+1e-12))))
		}
		set := make([]uint64, (k+63)/64)
		for _, f := range rnd.Perm(k)[:degree] {
			set[f/64] |= 1 << (f % 64)
		}
		cycle[i] = set
	}
	return cyclic(cycle, k, loss, rnd)
}

// plainCycle shows the K fragments in a cycle.
func plainCycle(k int, loss float64, rnd *rand.Rand) (shown, received float64) {
	cycle := make([][]uint64, k)
	for i := range cycle {
		cycle[i] = make([]uint64, (k+63)/64)
		cycle[i][i/64] = 1 << (i % 64)
	}
	return cyclic(cycle, k, loss, rnd)
}

func cyclic(cycle [][]uint64, k int, loss float64, rnd *rand.Rand) (shown, received float64) {
	r := &rank{map[int][]uint64{}, k}
	for i := rnd.IntN(len(cycle)); len(r.rows) < k; i++ {
		if shown++; shown > float64(40*len(cycle)) {
			return math.Inf(1), math.Inf(1)
		}
		if rnd.Float64() < loss {
			continue
		}
		received++
		r.add(slices.Clone(cycle[i%len(cycle)]))
	}
	return shown, received
}

// trial runs many and returns the means by K, the 95th percentile of what was received, and how many never ended.
func trial(f lossRun, k, n int, loss float64, seed uint64) (shown, received figure, p95, never float64) {
	rnd := rand.New(rand.NewPCG(seed, uint64(k)))
	var s, r []float64
	for range n {
		a, b := f(k, loss, rnd)
		if math.IsInf(a, 1) {
			never++
			continue
		}
		s, r = append(s, a/float64(k)), append(r, b/float64(k))
	}
	return figure{median: mean(s)}, figure{median: mean(r)}, percentile(r, 0.95), never
}

func mean(all []float64) float64 {
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	return sum / float64(len(all))
}

func percentile(all []float64, q float64) float64 {
	slices.Sort(all)
	return quantile(all, q)
}

func qrRows(b *bench) error {
	b.qrFrames()
	if err := b.qrEncode(); err != nil {
		return err
	}
	return b.qrGoodput()
}

func (b *bench) trials() int {
	if b.quick {
		return qrTrials / 10
	}
	return qrTrials
}

// qrFrames are the rows on how many frames it takes.
func (b *bench) qrFrames() {
	n := b.trials()
	for _, k := range []int{16, 64, 200} {
		target := map[int]float64{16: 1.25, 64: 1.08, 200: 1.04}[k]
		_, theirs, _, _ := trial(referenceUR, k, max(10, min(n, 4000/k)), qrLoss, 1)
		_, ours, p95, _ := trial(ourUR, k, n, qrLoss, 1)
		b.add(row{Area: "qr", Measure: fmt.Sprintf("UR parts received, K %d, 30 %% loss", k), Unit: "x least", Peer: "BC-UR reference decoder", Rounds: n}, &theirs, ours).
			atMost(target).note("p95 %.2f; joins a running stream", p95)
		_, txqr, _, _ := trial(txqrCycle, k, n, qrLoss, 2)
		_, code, p95, _ := trial(ourCode, k, n, qrLoss, 2)
		b.add(row{Area: "qr", Measure: fmt.Sprintf("symbols received, K %d, 30 %% loss", k), Unit: "x least", Peer: "cycle of 2K as TXQR", Rounds: n}, &txqr, code).
			atMost(1.05).note("p95 %.2f", p95)
		_, plain, _, _ := trial(plainCycle, k, n, qrLoss, 3)
		_, frames, p95, never := trial(ourFrames, k, n, qrLoss, 3)
		r := b.add(row{Area: "qr", Measure: fmt.Sprintf("frames received with heads, K %d, 30 %% loss", k), Unit: "x least", Peer: "plain cycle", Rounds: n}, &plain, frames).
			note("p95 %.2f; %.0f never", p95, never)
		if k >= 64 {
			r.atMost(1.05)
		}
	}
	theirs, _, _, _ := trial(referenceUR, 200, min(n, 10), 0.5, 4)
	ours, _, _, _ := trial(ourFrames, 200, n, 0.5, 4)
	b.add(row{Area: "qr", Measure: "frames shown, K 200, 50 % loss", Unit: "x least", Peer: "BC-UR reference decoder", Rounds: n}, &theirs, ours).atMost(2.1)
	_, _, _, never := trial(txqrCycle, 16, 20*n, qrLoss, 5)
	_, _, _, ourNever := trial(ourFrames, 16, 20*n, qrLoss, 5)
	f := figure{median: 1e5 * never / float64(20*n)}
	b.add(row{Area: "qr", Measure: "payloads that never decode, K 16", Unit: "of 100,000", Peer: "cycle of 2K as TXQR", Rounds: 20 * n}, &f,
		figure{median: 1e5 * ourNever / float64(20*n)}).atMost(0)
}

// qrEncode is the time of one symbol of version 40.
func (b *bench) qrEncode() error {
	frame := qr.Noise(qr.Capacity(40, qr.L), 1)
	enc, err := qr.NewFrames(frame, qr.L)
	if err != nil {
		return err
	}
	var theirs, ours series
	for range 5 {
		c, err := timed(func() error {
			for range 10 {
				q, err := qrcode.NewWithForcedVersion(string(frame[:2900]), 40, qrcode.Low)
				if err != nil {
					return err
				}
				q.Bitmap()
			}
			return nil
		})
		if err != nil {
			return err
		}
		theirs = append(theirs, c)
		if c, err = timed(func() error {
			for range 100 {
				if _, err := enc.Encode(frame); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		ours = append(ours, c)
	}
	p := theirs.median(cpu, 1000.0/10)
	b.add(row{Area: "qr", Measure: "encode a symbol of version 40-L", Unit: "ms", Peer: "skip2/go-qrcode", Rounds: 5}, &p, ours.median(cpu, 1000.0/100)).atMost(3)
	return nil
}

// qrGoodput carries objects through pictures: encoder, camera with loss, decoder.
func (b *bench) qrGoodput() error {
	for _, x := range []struct {
		name   string
		bytes  int
		loss   float64
		target string
		met    func(figure, figure) bool
	}{
		{"900 kB", 900_000, qrLoss, "bytes/s >= 14500", func(s, r figure) bool { return r.median >= 14_500 }},
		{"1,000 messages of 100 B, 30 % loss", 108_800, qrLoss, "seconds <= 8", func(s, r figure) bool { return s.median <= 8 }},
		{"1,000 messages of 100 B, 10 % loss", 108_800, 0.1, "seconds <= 6", func(s, r figure) bool { return s.median <= 6 }},
	} {
		var secs, rates []float64
		for seed := range uint64(5) {
			s, err := film(x.bytes, x.loss, seed+1)
			if err != nil {
				return err
			}
			secs, rates = append(secs, s), append(rates, float64(x.bytes)/s)
		}
		s, r := figure{median: percentile(secs, 0.5)}, figure{median: percentile(rates, 0.5)}
		b.add(row{Area: "qr", Measure: "goodput at 12 × 1,800 B, " + x.name, Unit: "bytes/s", Rounds: 5}, nil, r).
			aim(x.target, x.met(s, r)).note("%.1f s", s.median)
	}
	return nil
}

// film returns the seconds at 12 frames a second until an object is whole.
func film(n int, loss float64, seed uint64) (float64, error) {
	data := qr.Noise(n, seed)
	s, err := qr.NewSender(data, qr.URBytes, 1800, false)
	if err != nil {
		return 0, err
	}
	head, first := s.Next(), s.Next()
	enc, err := qr.NewFrames(first, qr.L)
	if err != nil {
		return 0, err
	}
	camera, scan := &qr.Camera{Seed: seed, Loss: loss}, &qr.Scanner{}
	pending := [][]byte{head, first}
	for shown := 1; ; shown++ {
		if len(pending) == 0 {
			pending = append(pending, s.Next())
		}
		m, err := enc.Encode(pending[0])
		if err != nil {
			return 0, err
		}
		pending = pending[1:]
		for _, g := range camera.See(m.Grey(2, qr.Quiet)) {
			for _, p := range qr.Decode(g, func() bool { return true }) {
				items, err := scan.Add(p)
				if err != nil {
					return 0, err
				}
				if len(items) > 0 {
					return float64(shown) / 12, nil
				}
			}
		}
	}
}

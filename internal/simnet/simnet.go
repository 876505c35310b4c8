// Package simnet is a network in memory for pure cores: a clock, links that delay, lose, double and reorder, and cuts.
//
// One goroutine, one seed: the same seed gives the same run. Thousands of nodes cost what they send.
package simnet

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// Link is how a message travels.
type Link struct {
	Delay, Jitter time.Duration
	Loss, Double  float64 // shares
}

// Net is one network. New makes it.
type Net struct {
	Link Link // of every pair that Between does not name
	// Between returns the link of a pair; nil: Link.
	Between func(from, to int) Link
	Rand    *rand.Rand

	now               time.Time
	queue             queue
	count             uint64
	cut               map[[2]int]bool
	asleep            map[int]bool
	Sent, Lost, Bytes uint64
}

// New returns a network whose clock begins at a fixed moment.
func New(seed uint64) *Net {
	return &Net{Rand: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_800_000_000, 0), cut: map[[2]int]bool{}, asleep: map[int]bool{}}
}

// Now returns the time.
func (n *Net) Now() time.Time { return n.now }

// After runs f when d has gone by.
func (n *Net) After(d time.Duration, f func()) {
	n.count++
	heap.Push(&n.queue, event{n.now.Add(max(0, d)), n.count, f})
}

// Send lets f run at the receiver, when and if the link delivers.
func (n *Net) Send(from, to, size int, f func()) {
	l := n.Link
	if n.Between != nil {
		l = n.Between(from, to)
	}
	n.Sent++
	n.Bytes += uint64(size)
	if n.Rand.Float64() < l.Loss {
		n.Lost++
		return
	}
	times := 1
	if n.Rand.Float64() < l.Double {
		times = 2
	}
	for range times {
		d := l.Delay
		if l.Jitter > 0 {
			d += time.Duration(n.Rand.Int64N(int64(l.Jitter)))
		}
		n.After(d, func() {
			if n.cut[[2]int{from, to}] || n.asleep[to] {
				n.Lost++
				return
			}
			f()
		})
	}
}

// Cut stops what goes from a to b, that on its way too; the other direction stays. Heal undoes it.
func (n *Net) Cut(a, b int) { n.cut[[2]int{a, b}] = true }

// Heal undoes Cut.
func (n *Net) Heal(a, b int) { delete(n.cut, [2]int{a, b}) }

// Sleep makes a node deaf; Wake undoes it.
func (n *Net) Sleep(a int) { n.asleep[a] = true }

// Wake undoes Sleep.
func (n *Net) Wake(a int) { delete(n.asleep, a) }

// Asleep tells whether a node is deaf.
func (n *Net) Asleep(a int) bool { return n.asleep[a] }

// Run lets d go by.
func (n *Net) Run(d time.Duration) {
	end := n.now.Add(d)
	for len(n.queue) > 0 && !n.queue[0].at.After(end) {
		e := heap.Pop(&n.queue).(event)
		n.now = e.at
		e.f()
	}
	n.now = end
}

type event struct {
	at time.Time
	n  uint64 // those of one moment in the order they were made
	f  func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].n < q[j].n
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is of heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(event)) }

// Pop is of heap.Interface.
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}

package simnet

import (
	"slices"
	"testing"
	"time"
)

func play(seed uint64) (got []int, n *Net) {
	n = New(seed)
	n.Link = Link{Delay: 10 * time.Millisecond, Jitter: 50 * time.Millisecond, Loss: 0.2, Double: 0.1}
	for i := range 200 {
		n.Send(0, 1, 100, func() { got = append(got, i) })
	}
	n.Run(time.Second)
	return got, n
}

func TestSameSeedSameRun(t *testing.T) {
	a, n := play(1)
	b, _ := play(1)
	c, _ := play(2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("a run does not follow from its seed")
	}
	if slices.IsSorted(a) || len(a) < 150 || len(a) > 200 || n.Lost == 0 || n.Bytes != 20000 || n.Sent != 200 {
		t.Errorf("%d came, %d lost, %d bytes", len(a), n.Lost, n.Bytes)
	}
}

func TestCutAndSleep(t *testing.T) {
	n := New(1)
	heard := 0
	say := func(from, to int) {
		n.Send(from, to, 1, func() { heard++ })
		n.Run(time.Second)
	}
	n.Cut(0, 1)
	say(0, 1)
	say(1, 0)
	if heard != 1 {
		t.Errorf("a cut of one direction: %d of 2 heard", heard)
	}
	n.Heal(0, 1)
	n.Sleep(1)
	say(0, 1)
	if heard != 1 || !n.Asleep(1) {
		t.Error("a sleeper hears")
	}
	n.Wake(1)
	say(0, 1)
	if heard != 2 {
		t.Error("healed and awake, and deaf")
	}
	var order []int
	n.After(time.Second, func() { order = append(order, 1) })
	n.After(time.Second, func() { order = append(order, 2) })
	n.After(-time.Second, func() { order = append(order, 0) })
	before := n.Now()
	n.Run(time.Minute)
	if !slices.Equal(order, []int{0, 1, 2}) || n.Now().Sub(before) != time.Minute {
		t.Errorf("order %v", order)
	}
}

package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cost is what one round took.
type cost struct {
	wall, cpu float64 // seconds
	value     float64 // what is counted when it is not time
}

// cpuTime is the CPU time of this process, user and system.
func cpuTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return math.NaN()
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// cpuOf is the CPU time of another process of Linux: fields 14 and 15 of its line, in ticks of 10 ms.
func cpuOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if err != nil || len(f) < 13 {
		return math.NaN()
	}
	user, err1 := strconv.Atoi(f[11])
	sys, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		return math.NaN()
	}
	return float64(user+sys) / 100
}

// timed measures f.
func timed(f func() error) (c cost, err error) {
	start, used := time.Now(), cpuTime()
	err = f()
	return cost{wall: time.Since(start).Seconds(), cpu: cpuTime() - used}, err
}

// series is what the rounds of one side took.
type series []cost

func wall(c cost) float64  { return c.wall }
func cpu(c cost) float64   { return c.cpu }
func value(c cost) float64 { return c.value }

// median of one figure, and its spread: largest less smallest, in per cent of the median.
func (s series) median(of func(cost) float64, scale float64) figure {
	all := make([]float64, len(s))
	for i, c := range s {
		all[i] = of(c) * scale
	}
	slices.SortFunc(all, func(a, b float64) int { return cmp.Compare(a, b) })
	m := quantile(all, 0.5)
	if m == 0 {
		return figure{}
	}
	return figure{m, 100 * (all[len(all)-1] - all[0]) / m}
}

// quantile of an ascending list.
func quantile(all []float64, q float64) float64 {
	at := q * float64(len(all)-1)
	lo := int(at)
	hi := min(lo+1, len(all)-1)
	return all[lo] + (all[hi]-all[lo])*(at-float64(lo))
}

// figure is a median and its spread.
type figure struct{ median, spread float64 }

// once is a figure that was measured one time.
func once(v float64) figure { return figure{v, 0} }

func (f figure) String() string {
	digits := 3
	if f.median >= 1000 {
		digits = 0
	} else if f.median >= 10 {
		digits = 1
	}
	s := fmt.Sprintf("%.*f", digits, f.median)
	if f.spread > 0 {
		s += fmt.Sprintf(" ±%.0f%%", f.spread/2)
	}
	return s
}

// long is how many seconds a round may take before three of them are enough.
const long = 20

// duel lets a peer and us take turns, five times, or three when a round takes long.
func duel(peer, ours func() (cost, error)) (p, o series, err error) {
	for i := 0; i < 5; i++ {
		if i == 3 && p[0].wall+o[0].wall > long {
			break
		}
		for _, side := range []struct {
			run  func() (cost, error)
			into *series
		}{{peer, &p}, {ours, &o}} {
			c, err := side.run()
			if err != nil {
				return p, o, err
			}
			*side.into = append(*side.into, c)
		}
	}
	return p, o, nil
}
